"""The README, the tutorial and the how-tos, followed as they stand by somebody who pastes.

Only addresses become the throw-away ones, and the demo is smaller.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from configparser import ConfigParser
from contextlib import ExitStack, closing
from decimal import Decimal
from pathlib import Path
from typing import Self

import pytest

from console.command import cli
from console.stack import Stack
from console.stack.postgres import find_postgres
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage
from tests.conftest import PROJECT
from tests.documents import (
    Block,
    all_documents,
    anchors,
    blocks,
    commands_told,
    links,
    run_documents,
)
from tests.processes import eventually
from tests.s3 import put, use_endpoint

_KEEP_RUNNING = ("celery ", "sales-pipeline serve")
# What says that a line which keeps running has begun.
_BEGUN = {"worker": "ready", "beat": "Starting", "flower": "Visit me", "serve": "http://"}
_PLACES = ("data", "dimensions", "reports", "state")
_MAKEFILE = (PROJECT / "Makefile").read_text()
_COPIED = ("sql", "pipeline_core", "console", "workers")


class Reader:
    """Pastes block after block of one document into a shell in a checkout."""

    def __init__(self, checkout: Path, env: dict[str, str], addresses: dict[str, str]) -> None:
        self._checkout = checkout
        self._env = env
        self._addresses = addresses
        self._prelude = ""  # what the shell still knows of earlier blocks
        self._running = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def follow(self, block: Block) -> str:
        """What the block printed; lines that keep running go on until the document's end."""
        text = block.text
        for shown, real in self._addresses.items():
            text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", real.replace("\\", r"\\"), text)
        said, here = "", ""
        for line in text.splitlines():
            if line.startswith(_KEEP_RUNNING):
                said += self._paste(here, 0)
                here = ""
                self._start(line)
            else:
                here += line + "\n"
        return said + self._paste(here, block.code)

    def _paste(self, text: str, code: int) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._prelude + text],
            cwd=self._checkout,
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, f"{text}{done.stdout}{done.stderr}"
        kept = [each for each in text.splitlines() if each.startswith(("export ", ". "))]
        self._prelude += "".join(f"{each}\n" for each in kept)
        return done.stdout

    def _start(self, line: str) -> None:
        name = line.rsplit(maxsplit=1)[-1]
        log = self._checkout / f"{name}.log"
        output = self._running.enter_context(log.open("wb"))
        process = subprocess.Popen(
            ["bash", "-c", f"{self._prelude}exec {line}"],
            cwd=self._checkout,
            env=self._env,
            stdout=output,
            stderr=output,
        )
        self._running.callback(process.wait, 30)
        self._running.callback(process.terminate)
        eventually(lambda: _BEGUN[name] in log.read_text(), line)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What a clone has, in a folder where the blocks may write."""
    for name in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
    shutil.copy(PROJECT / "data_generator.py", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def env(checkout: Path) -> dict[str, str]:
    """A machine with PostgreSQL's programs, and nothing set."""
    binaries = [str(Path(sys.executable).parent), *map(str, find_postgres())]
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "VIRTUAL_ENV"))}
    return {
        **kept,
        "PATH": os.pathsep.join([*binaries, os.environ["PATH"]]),
        "PYTHONPATH": str(checkout),
        "PYTHONUNBUFFERED": "1",
        "FLOWER_PORT": "0",  # the usual ports may be taken where tests run
        "SALES_SERVE_PORT": "0",
    }


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket of the how-to, for which the environment is set."""
    use_endpoint(monkeypatch, s3_endpoint)
    put(s3_endpoint, "/shop")
    return "s3://shop"


def test_every_block_works(
    stack: Stack, postgres_url: str, checkout: Path, bucket: str, env: dict[str, str]
) -> None:
    env |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    addresses = {
        "myuser:mypassword@localhost:5432/ecommerce_db": postgres_url.partition("://")[2],
        "redis://localhost:6379/0": stack.redis.url,
        "make demo": "sales-pipeline demo --archives 3",  # fewer; else as the Makefile does
        "path/to/archives": ".demo/data",
        "path/to/folder": ".demo/dimensions",
    }
    for document in run_documents():
        name = document.stem
        mine = env | _settings(name, postgres_url)
        addresses["RUN"] = _prepared(name, checkout, mine, bucket)
        said = ""
        with Reader(checkout, mine, addresses) as reader:
            for block in blocks(document):
                if block.kind == "python":
                    _write_code(checkout, block.text)
                elif block.kind == "sh" and not block.not_run:
                    said += reader.follow(block)
            if name in _SEEN_AFTER:
                _SEEN_AFTER[name](checkout, reader, said)


def _settings(name: str, database: str) -> dict[str, str]:
    """What a reader of a how-to has in .env; who reads the others has none yet."""
    if name in {"tutorial", "README"}:
        return {}
    settings = {f"SALES_{place.upper()}": f".demo/{place}" for place in _PLACES}
    if name == "one-server":
        del settings["SALES_DIMENSIONS"]
        settings["SALES_DATABASE_URL"] = database
    return settings


def _prepared(name: str, checkout: Path, env: dict[str, str], bucket: str) -> str:
    """Makes the situation of the document; the id of the newest run."""
    data, runs = checkout / ".demo" / "data", checkout / ".demo" / "state" / "runs"
    if name not in {"tutorial", "README"}:
        (checkout / ".env").unlink(missing_ok=True)
    if name == "many-machines":
        archives = open_storage(f"{bucket}/archives")
        for path in data.iterdir():
            archives.store_file(path.name, path)
    if name == "recover":
        (data / "broken.zip").write_bytes(b"no zip")
        command = ["sales-pipeline", "run", "--quiet"]
        assert subprocess.run(command, cwd=checkout, env=env, check=False).returncode == 1
        (data / "broken.zip").unlink()
    return max((path.name for path in runs.iterdir()), default="") if runs.is_dir() else "RUN"


def _write_code(checkout: Path, text: str) -> None:
    """A new file, or lines more in one that is there; the first line says which."""
    name, code = text.split("\n", 1)
    path = checkout / name.removeprefix("# ")
    known = path.read_text() if path.exists() else ""
    path.write_text(known + code)


def _causes_are_told(_checkout: Path, _reader: Reader, said: str) -> None:
    said = " ".join(said.split())
    for words in (
        "It is what sales_report.csv says.",
        "0 bytes to read",
        "price of p001 restated from 59.99 to 54.99",
    ):
        assert words in said


def _report_is_published(checkout: Path, reader: Reader, _said: str) -> None:
    reader.follow(Block("sh", "sales-pipeline run --quiet", "", 0))
    latest = checkout / ".demo" / "reports" / "latest"
    rows = (latest / "segment_sales.csv").read_text().splitlines()
    assert rows[0] == "customer_segment,total_revenue,units_sold"
    total = sum(Decimal(row.split(",")[1]) for row in rows[1:])
    summary = json.loads((latest / "summary.json").read_text())
    assert total == Decimal(summary["totals"]["total_revenue"])


def _source_is_read(checkout: Path, reader: Reader, _said: str) -> None:
    report = checkout / ".demo" / "reports" / "latest" / "sales_report.csv"
    reader.follow(Block("sh", "sales-pipeline run --quiet --dimensions shop", "", 0))
    expected = report.read_bytes()
    with closing(sqlite3.connect(checkout / "shop.sqlite")) as shop:
        for name in ("customers", "products"):
            with (checkout / "shop" / f"{name}.csv").open(encoding="utf-8") as file:
                header, *rows = csv.reader(file)
            shop.execute(f"CREATE TABLE {name} ({', '.join(header)})")
            marks = ", ".join("?" * len(header))
            shop.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        shop.commit()
    reader.follow(Block("sh", "sales-pipeline run --quiet --dimensions shop.sqlite", "", 0))
    assert report.read_bytes() == expected
    assert expected.count(b"\n") > 1


_SEEN_AFTER: dict[str, Callable[[Path, Reader, str], None]] = {
    "tutorial": _causes_are_told,
    "add-a-report": _report_is_published,
    "add-a-source": _source_is_read,
}


@pytest.mark.parametrize("document", run_documents(), ids=lambda path: path.stem)
def test_blocks_that_do_not_run_say_why_and_are_sound(document: Path) -> None:
    for block in blocks(document):
        if block.kind == "sh":
            done = subprocess.run(
                ["bash", "-n"], input=block.text, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, block.text + done.stderr
        assert not block.not_run or re.match(r"(needs|it|they) \w+", block.not_run), block


def test_make_targets_are_there() -> None:
    for document in all_documents():
        told = re.findall(r"`make (\w+)", document.read_text())
        told += re.findall(
            r"^make (\w+)", "\n".join(each.text for each in blocks(document)), re.MULTILINE
        )
        for target in told:
            assert re.search(rf"^{target}:", _MAKEFILE, re.MULTILINE), (document, target)


def test_demo_is_what_make_demo_runs() -> None:
    assert re.search(r"^demo: setup .*\n\t@\$\(BIN\)/sales-pipeline demo$", _MAKEFILE, re.MULTILINE)


def test_every_command_is_told_by_hand() -> None:
    """The reference has all; a page must say what each is for."""
    docs = PROJECT / "docs"
    pages = [*run_documents(), docs / "operations.md", *(docs / "explanation").iterdir()]
    text = "\n".join(page.read_text() for page in pages)
    for name in cli.commands:
        assert f"sales-pipeline {name}" in text, name


@pytest.mark.parametrize("document", all_documents(), ids=lambda path: path.name)
def test_what_is_told_is_there(document: Path) -> None:
    """Commands, their options, and settings."""
    for line in commands_told(document):
        words = shlex.split(line)[1:]
        name = next((word for word in words if not word.startswith("-")), None)
        if name is None:
            continue
        assert name in cli.commands, (document, line)
        known = {o for p in cli.commands[name].params for o in (*p.opts, *p.secondary_opts)}
        used = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert used <= known | {"-h", "--help"}, (document, line)
    names = {f"SALES_{name.upper()}" for name in Settings.model_fields}
    for told in re.findall(r"\bSALES_[A-Z_]*[A-Z]\b(?!_?\*)", document.read_text()):
        assert told in names, (document, told)


@pytest.mark.parametrize("document", all_documents(), ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), (document, link)
        assert not anchor or anchor in anchors(target), (document, link)


def test_units_are_sound(tmp_path: Path) -> None:
    """By systemd itself where it is there, and always as files of sections and keys."""
    found = [
        block
        for block in blocks(PROJECT / "docs" / "how-to" / "one-server.md")
        if block.text.startswith("# /etc/systemd/system/")
    ]
    assert len(found) == 6
    program = shutil.which("systemd-analyze")
    for block in found:
        name, _ = block.text.split("\n", 1)
        text = block.text.replace("/opt/sales-pipeline/.venv", sys.prefix)
        text = text.replace("/opt/sales-pipeline", str(PROJECT))
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        assert "Unit" in unit, name
        if "Service" in unit:
            words = shlex.split(unit["Service"]["ExecStart"])
            assert Path(words[0]).is_file(), words
            assert words[1:3] == ["-A", "workers"] or words[1] in cli.commands, words
        (tmp_path / Path(name.removeprefix("# ")).name).write_text(text)
    if program is None:
        return
    units = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run(
        [program, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    ours = [line for line in done.stderr.splitlines() if "sales-" in line]
    assert not ours, done.stderr
