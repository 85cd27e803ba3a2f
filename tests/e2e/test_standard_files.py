"""What a shell closes, fills or no longer reads is no reason to publish nothing, or to say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.archives import write_shop
from tests.support.processes import local_environment
from tests.support.run import sales, week

RUN = '"$0" -m console.command run --jobs {jobs}'


@pytest.fixture(params=["", "1"], ids=["buffered", "unbuffered"])
def env(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    archives = {"a.zip": week(sales()), "b.zip": week(sales(), day="2024-03-02.zip")}
    shop = write_shop(tmp_path / "shop", archives)
    return local_environment(shop, tmp_path) | {"PYTHONUNBUFFERED": request.param}


def _typed(line: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    whole = ["bash", "-o", "pipefail", "-c", line, sys.executable]
    return subprocess.run(whole, env=env, capture_output=True, text=True, timeout=120, check=False)


def _is_published(env: dict[str, str]) -> bool:
    return Path(env["SALES_REPORTS"], "latest", "summary.json").exists()


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "--quiet >&- 2>&-"])
def test_a_run_whose_files_are_closed_is_published(
    env: dict[str, str], closed: str, jobs: int
) -> None:
    done = _typed(f"{RUN.format(jobs=jobs)} {closed}", env)
    assert done.returncode == 0, done.stderr
    assert _is_published(env)
    assert "Traceback" not in done.stderr + done.stdout
    assert "bug of ours" not in done.stderr + done.stdout


@pytest.mark.parametrize("options", ["", "--json"])
def test_a_full_stdout_is_told_of_and_the_run_is_published(
    env: dict[str, str], options: str
) -> None:
    done = _typed(f"{RUN.format(jobs=1)} {options} >/dev/full", env)
    assert done.returncode == 0, done.stderr
    assert _is_published(env)
    assert "stdout could not be written: No space left on device." in done.stderr
    assert "`sales-pipeline show 2" in done.stderr
    again = _typed(f"{RUN.format(jobs=1)} --if-changed {options} >/dev/full", env)
    assert again.returncode == 0, again.stderr
    assert "stdout could not be written: No space left on device." in again.stderr


@pytest.mark.parametrize(
    ("options", "reader"),
    [("", "head -1"), ("--json", "true"), pytest.param("", "true", marks=pytest.mark.long)],
)
def test_a_reader_who_goes_away_changes_nothing(
    env: dict[str, str], tmp_path: Path, options: str, reader: str
) -> None:
    workbook = tmp_path / "sales.xlsx"
    env["SALES_DELIVER"] = f"file+xlsx://{workbook}"
    done = _typed(f"{RUN.format(jobs=1)} {options} | {reader}", env)
    assert done.returncode == 0, done.stderr
    assert _is_published(env)
    assert "Error" not in done.stderr
    assert workbook.exists()


@pytest.mark.parametrize(
    "command",
    [
        "verify",
        pytest.param("run", marks=pytest.mark.long),
        pytest.param("backfill --from 2024-03-02 --to 2024-03-03", marks=pytest.mark.long),
    ],
)
def test_processes_begin_where_stderr_is_closed(env: dict[str, str], command: str) -> None:
    env["SALES_FULL"] = "true"
    assert _typed(RUN.format(jobs=2), env).returncode == 0
    done = _typed(f'"$0" -m console.command {command} --jobs 2 2>&-', env)
    assert done.returncode == 0, done.stdout


def test_what_only_reads_fails_where_it_cannot_be_read(env: dict[str, str]) -> None:
    assert _typed(RUN.format(jobs=1), env).returncode == 0
    done = _typed('"$0" -m console.command runs --json >/dev/full', env)
    assert done.returncode == 1
    assert "Error: stdout could not be written: No space left on device." in done.stderr
    assert "bug of ours" not in done.stderr
    gone = _typed('"$0" -m console.command runs --json | true', env)
    assert (gone.returncode, gone.stderr) in {(0, ""), (1, "")}  # it may have been read in time


def test_work_whose_words_find_no_room_is_done_all_the_same(
    env: dict[str, str], tmp_path: Path
) -> None:
    assert _typed(f"{RUN.format(jobs=1)} --quiet", env).returncode == 0
    workbook = tmp_path / "sales.xlsx"
    env["SALES_DELIVER"] = f"file+xlsx://{workbook}"
    dates = "--from 2024-03-01 --to 2024-03-02"
    for work in ("deliver", f"backfill --jobs 1 {dates}", "rebuild 2* --dry-run"):
        command = work.replace("2*", Path(env["SALES_REPORTS"], "latest").resolve().name)
        done = _typed(f'"$0" -m console.command {command} >/dev/full', env)
        assert done.returncode == 0, done.stderr
        assert "stdout could not be written: No space left on device." in done.stderr
    assert workbook.exists()
    listed = _typed('"$0" -m console.command runs --json', env).stdout
    assert listed.count('"run_id"') == 3
