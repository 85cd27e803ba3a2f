"""Help for whoever types: completion, suggestions, and errors that say what to do."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.stack import Stack
from pipeline_core import errors
from pipeline_core.errors import PipelineError
from tests.support import PROJECT
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import environment, sales_pipeline

COMMAND = Path(sys.executable).parent / "sales-pipeline"
# Whoever catches these knows what to do, or they are bugs of ours.
WITHOUT_REMEDY = {"ContractError", "DamagedResult", "LostResult", "UnreadablePart"} | {
    "CutShort",
    "UnreadableZip",
    "OutcomeUnknown",
    "UnreadableDay",
    "WorkUnderWay",
    "UnreadableArchive",
    "StackError",
}


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    day = day_zip({"p.json": part([purchase()])})
    shop = write_shop(tmp_path / "shop", {"w.zip": archive_zip({"events_2024-03-01.zip": day})})
    return environment(stack, shop, tmp_path, SALES_ENGINE="local", SALES_JOBS="1")


def _completed(env: dict[str, str], words: str) -> list[str]:
    """What bash would offer for the last word, by the variables that the script sets."""
    typed = words.split(" ")
    asked = {
        **env,
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(typed) - 1),
        "_SALES_PIPELINE_COMPLETE": "bash_complete",
    }
    done = subprocess.run([COMMAND], env=asked, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_options_and_runs_are_completed(env: dict[str, str]) -> None:
    assert "rejects" in _completed(env, "sales-pipeline re")
    assert _completed(env, "sales-pipeline run --eng") == ["--engine"]
    assert _completed(env, "sales-pipeline run --engine ") == ["local", "celery"]
    assert _completed(env, "sales-pipeline show ") == [], "there is no run yet"
    assert sales_pipeline("run", "--quiet", env=env).returncode == 0
    [run_id] = _completed(env, "sales-pipeline show 20")
    assert (Path(env["SALES_STATE"]) / "runs" / run_id).is_dir()
    elsewhere = {name: value for name, value in env.items() if name != "SALES_STATE"}
    words = f"sales-pipeline verify --state {env['SALES_STATE']} "
    assert _completed(elsewhere, words) == [run_id]
    assert _completed(env, "sales-pipeline report --run 20") == [run_id]
    assert _completed(env, "sales-pipeline backfill --every ") == ["day", "week", "month"]
    assert _completed({**env, "SALES_STATE": "ftp://x"}, "sales-pipeline show ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_its_script(env: dict[str, str], shell: str, tmp_path: Path) -> None:
    done = sales_pipeline("completion", shell, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "_SALES_PIPELINE_COMPLETE" in done.stdout
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here; that it prints a script was checked")
    script = tmp_path / "script"
    script.write_text(done.stdout)
    check = subprocess.run([shell, "-n", script], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")


def test_bash_completes_by_the_script(env: dict[str, str], tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = tmp_path / "script"
    script.write_text(sales_pipeline("completion", "bash", env=env).stdout)
    asked = (
        f"source {script}; COMP_WORDS=(sales-pipeline run --prof); COMP_CWORD=2; "
        '_sales_pipeline_completion sales-pipeline; echo "${COMPREPLY[@]}"'
    )
    path = os.pathsep.join([str(COMMAND.parent), env["PATH"]])
    done = subprocess.run(
        [bash, "-c", asked], env={**env, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "--profile", done.stderr


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["run", "--enigne", "local"], "'--engine'"),
        (["explain", "--categry", "x"], "'--category'"),
        (["reject"], "'rejects'"),
        (["rejects", "--reason", "unkown_product"], "unknown_product"),
    ],
)
def test_mistyped_words_get_a_suggestion(env: dict[str, str], typed: list[str], meant: str) -> None:
    done = sales_pipeline(*typed, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "id you mean" in done.stderr
    assert meant in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2, "what happened, and what to do"


def test_a_mistyped_setting_in_the_file_stops_the_command(env: dict[str, str]) -> None:
    Path(".env").write_text("OTHER=1\nSALES_REPROTS=elsewhere\n")
    done = sales_pipeline("plan", env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no setting SALES_REPROTS (in .env). Did you mean SALES_REPORTS?" in done.stderr
    Path(".env").write_text("SALES_FROBNICATE=1\n")
    assert "no setting SALES_FROBNICATE" in sales_pipeline("plan", env=env).stderr
    Path(".env").write_text("OTHER=1\nsales_unknown=bucket\n")
    assert sales_pipeline("plan", env=env).returncode == 0


def test_a_mistyped_variable_is_told_and_foreign_ones_are_left_alone(env: dict[str, str]) -> None:
    foreign = {"SALES_FORCE_TOKEN": "x", "SALES_WEB_SERVICE_HOST": "10.0.0.1"}
    quiet = sales_pipeline("plan", env={**env, **foreign})
    assert (quiet.returncode, quiet.stderr) == (0, "")
    told = sales_pipeline("plan", env={**env, "SALES_BATCHSIZE": "5"})
    assert told.returncode == 0
    assert "SALES_BATCH_SIZE" in told.stderr


def test_a_name_from_a_zip_cannot_reach_the_terminal_by_an_error(env: dict[str, str]) -> None:
    hostile = day_zip({"\x1b[2Jpart.json": b"[oops"})
    archive = archive_zip({"events_2024-03-02.zip": hostile})
    (Path(env["SALES_DATA"]) / "w2.zip").write_bytes(archive)
    refused = sales_pipeline("run", "--quiet", env=env)
    assert refused.returncode == 1
    assert "\\x1b[2Jpart.json" in refused.stderr
    assert "\x1b" not in refused.stderr
    for command in ("show", "runs"):
        shown = sales_pipeline(command, env=env).stdout
        assert "part.json" in shown
        assert "\x1b" not in shown


def _errors() -> Iterator[tuple[str, str, int]]:
    """Places where an error of ours is made, with its kind and how many texts it is given."""
    for folder in ("console", "workers", "pipeline_core"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                    yield place, node.func.id, len(node.args)


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, PipelineError)


def test_every_error_says_what_to_do() -> None:
    made = {name for name, kind in vars(errors).items() if _is_error(kind)}
    kinds = made - WITHOUT_REMEDY
    found = [(place, kind, given) for place, kind, given in _errors() if kind in kinds]
    assert len(found) > 20
    assert [place for place, _, given in found if given < 2] == []
