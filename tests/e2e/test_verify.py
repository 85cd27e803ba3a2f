"""``sales-pipeline verify`` as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from console.stack import Stack
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.processes import environment, on_terminal, sales_pipeline

WEEK = archive_zip(
    {"events_2024-03-01.zip": day_zip({"part.json": part([purchase(quantity=3)] * 4 + [5])})}
)


@pytest.fixture
def env(stack: Stack, tmp_path: Path) -> dict[str, str]:
    """Settings of a shop with one archive, local engine."""
    shop = write_shop(tmp_path / "shop", {"week.zip": WEEK})
    return environment(stack, shop, tmp_path, SALES_ENGINE="local", SALES_JOBS="1")


def _run(env: dict[str, str]) -> str:
    done = sales_pipeline("run", "--json", env=env)
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["run_id"])


def _alter(env: dict[str, str]) -> None:
    path = Path(env["SALES_REPORTS"]) / "latest" / "sales_report.csv"
    path.write_text(path.read_text().replace(",1.20,12,", ",1.20,13,"))


def test_a_sound_report_exits_0_and_says_what_was_checked(env: dict[str, str]) -> None:
    run_id = _run(env)
    done = sales_pipeline("verify", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Run {run_id} agrees: 5 events in 1 archive counted again" in done.stdout
    assert "\x1b" not in done.stdout
    quiet = sales_pipeline("verify", run_id, "--quiet", env=env)
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, "", "")


def test_json_is_the_documented_struct(env: dict[str, str]) -> None:
    run_id = _run(env)
    done = sales_pipeline("verify", "--json", env=env)
    found = json.loads(done.stdout)
    assert found.pop("seconds") >= 0
    assert found.pop("cells") > 30
    assert found == {
        "run_id": run_id,
        "agrees": True,
        "archives": 1,
        "events": 5,
        "left_out": [],
        "not_in_run": [],
        "not_counted": [],
        "difference": None,
    }


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_a_difference_exits_1_and_is_told_with_its_place(env: dict[str, str], option: str) -> None:
    run_id = _run(env)
    _alter(env)
    done = sales_pipeline("verify", run_id, option, env=env)
    assert done.returncode == 1
    place = "sales_report.csv, row 2, units_sold"
    assert f"differs at {place}: published 13, recomputed 12." in done.stderr
    if option == "--json":
        assert json.loads(done.stdout)["difference"]["place"] == place
    else:
        assert done.stdout == ""


def test_it_looks_where_the_run_did_unless_it_is_told_where_the_archives_are(
    env: dict[str, str], tmp_path: Path
) -> None:
    run_id = _run(env)
    elsewhere = env | {"SALES_DATA": "", "SALES_REPORTS": ""}
    assert sales_pipeline("verify", run_id, env=elsewhere).returncode == 0
    Path(env["SALES_DATA"]).rename(tmp_path / "backup")
    gone = sales_pipeline("verify", run_id, env=env)
    assert gone.returncode == 1
    assert "differs at week.zip: the run read SHA-256 " in gone.stderr
    assert "; it is gone." in gone.stderr
    assert "Put the archive back" in gone.stderr
    found = sales_pipeline("verify", run_id, "--data", str(tmp_path / "backup"), env=env)
    assert found.returncode == 0, found.stderr


def test_progress_shows_on_a_terminal(env: dict[str, str]) -> None:
    _run(env)
    code, seen = on_terminal("verify", env=env)
    assert code == 0
    assert b"Verifying" in seen
    assert b"1/1" in seen
    code, seen = on_terminal("verify", "--quiet", env=env)
    assert (code, seen) == (0, b"")


def test_what_was_not_published_exits_2(env: dict[str, str]) -> None:
    nothing = sales_pipeline("verify", env=env)
    assert nothing.returncode == 2
    assert "no published run" in nothing.stderr
    _run(env)
    assert sales_pipeline("verify", "no-such-run", env=env).returncode == 2


@pytest.mark.parametrize("by_setting", [False, True])
def test_a_copy_is_looked_at_where_an_option_or_a_setting_says(
    env: dict[str, str], tmp_path: Path, by_setting: bool
) -> None:
    _run(env)
    copy = tmp_path / "copy"
    shutil.copytree(env["SALES_REPORTS"], copy, symlinks=True)
    _alter(env | {"SALES_REPORTS": str(copy)})
    given = [] if by_setting else ["--reports", str(copy)]
    setting = {"SALES_REPORTS": str(copy)} if by_setting else {}
    done = sales_pipeline("verify", *given, env=env | setting)
    assert done.returncode == 1
    assert "differs at sales_report.csv" in done.stderr
    assert sales_pipeline("verify", env=env).returncode == 0


COMMANDS = {
    "explain": ["--category", "Toys", "--segment", "Retail"],
    "report": ["--month", "2024-03"],
    "rebuild": ["--dry-run"],
    "publish": [],
    "resume": [],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_reports_that_are_not_the_runs_own_are_refused(
    env: dict[str, str], tmp_path: Path, command: str
) -> None:
    run_id = _run(env)
    asked = ["--run", run_id] if command == "report" else [run_id]
    elsewhere = tmp_path / "elsewhere"
    option, setting = ["--reports", str(elsewhere)], {"SALES_REPORTS": str(elsewhere)}
    for given, changed in ((option, {}), ([], setting)):
        arguments = [command, *asked, *COMMANDS[command], *given]
        done = sales_pipeline(*arguments, env=env | changed)
        assert done.returncode == 2, done.stderr
        assert f"has its reports in {env['SALES_REPORTS']}, and not in {elsewhere}" in done.stderr
        assert f"Say --reports {env['SALES_REPORTS']}" in done.stderr
        assert not elsewhere.exists()
