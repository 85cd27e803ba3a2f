"""The first minute: the demo, and every line that it prints, pasted as it stands."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support import PROJECT
from tests.support.processes import eventually
from tests.support.serving import site

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder in which the demo ran, and what it said. Settings that are none of its business
    were in .env."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".env").write_text("SALES_MAX_PART_BYTES=1\n")
    done = subprocess.run(
        [BIN / "sales-pipeline", "demo", "--archives", "3"],
        cwd=folder,
        env=_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (folder / ".env").unlink()
    return folder, done.stderr


def _env() -> dict[str, str]:
    """A shell that has not activated .venv, as after `make demo`."""
    path = [part for part in os.environ["PATH"].split(os.pathsep) if Path(part) != BIN]
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "VIRTUAL_ENV"))}
    return {**kept, "PATH": os.pathsep.join(path), "PYTHONPATH": str(PROJECT)}


def _lines(said: str) -> list[str]:
    return [line.strip() for line in said.splitlines() if line.startswith("  ")]


def _command(said: str, name: str) -> str:
    [line] = [line for line in _lines(said) if f"sales-pipeline {name} " in line]
    return line


def test_it_leaves_the_report(shown: tuple[Path, str]) -> None:
    folder, said = shown
    report = folder / ".demo" / "reports" / "latest" / "sales_report.csv"
    assert report.read_text().startswith("category,customer_segment,total_revenue")
    summary = json.loads((report.parent / "summary.json").read_text())
    assert (summary["engine"], summary["archives"]["read"]) == ("celery", 3)
    [page] = [line for line in _lines(said) if line.startswith("file://")]
    assert Path(unquote(urlsplit(page).path)) == report.with_name("index.html")


def test_the_printed_lines_work(shown: tuple[Path, str]) -> None:
    folder, said = shown
    expected = {
        "explain": "It is what sales_report.csv says.",
        "rejects": "unknown_customer|invalid_",
        "verify": "agrees: ",
        "plan": "Nothing new: 3 archives",
        "run": "is complete",
        "diff": "is gone",
    }
    for name, words in expected.items():
        if name == "run":
            assert (
                _pasted(next(line for line in _lines(said) if line.startswith("rm ")), folder) == ""
            )
        shown_now = _pasted(_command(said, name), folder)
        assert re.search(words, " ".join(shown_now.split())), shown_now


def _pasted(line: str, folder: Path) -> str:
    """What a shell shows for the line."""
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=_env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, line + done.stderr
    return done.stdout


def test_the_printed_server_serves(shown: tuple[Path, str]) -> None:
    folder, said = shown
    words = shlex.split(_command(said, "serve"))
    process = subprocess.Popen(
        [*words, "--port", "0"],
        cwd=folder,
        env={**_env(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert "http://127.0.0.1:" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0
    places = dict(zip(words[2::2], words[3::2], strict=True))
    env = {
        "SALES_REPORTS": str(folder / places["--reports"]),
        "SALES_STATE": str(folder / places["--state"]),
    }
    with site(_env() | env) as running:
        assert running.ask("/latest/").status == 200
        assert len(running.states()) in {2, 3}


def test_nothing_is_left_running(shown: tuple[Path, str]) -> None:
    import psutil

    folder, _ = shown

    def gone() -> bool:
        mine = (p.info for p in psutil.process_iter(["cmdline", "environ"]))
        return not any(str(folder) in str(each["environ"]) for each in mine)

    assert eventually(gone, "the end of the demo's processes", 20)
