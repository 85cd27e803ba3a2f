"""Reports of the past on the command line: as of a date, of a range, and rebuilt."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from console.command import cli
from console.stack import Stack
from tests.support.archives import archive_zip, write_shop
from tests.support.processes import environment, sales_pipeline
from tests.support.run import run_local
from tests.support.successive import CUSTOMERS, PRODUCTS, day, week

JANUARY = ["--from", "2024-01-01", "--to", "2024-01-31"]


@pytest.fixture(scope="module")
def env(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A published run of three weeks, of which one has a day that is no zip."""
    folder = tmp_path_factory.mktemp("past")
    broken = archive_zip({"events_2024-01-09.zip": day(9), "events_2024-01-11.zip": b"no zip"})
    archives = {"w1.zip": week(1, 2, 3), "w2.zip": week(5, 6, 7), "w3.zip": broken}
    shop = write_shop(folder / "shop", archives, CUSTOMERS, PRODUCTS)
    found = environment(stack, shop, folder, SALES_ENGINE="local", SALES_JOBS="1")
    found["SALES_BROKER_URL"] = ""
    run_local(shop, folder)
    return found


def newest(env: dict[str, str]) -> Path:
    return (Path(env["SALES_REPORTS"]) / "latest").resolve()


def test_a_run_as_of_a_date_is_beside_latest(env: dict[str, str]) -> None:
    before = newest(env)
    done = sales_pipeline("run", "--as-of", "2024-01-06", env=env)
    assert done.returncode == 0, done.stderr
    run_id = max(path.name for path in before.parent.iterdir())
    assert f"Run {run_id} as of 2024-01-06 is complete" in done.stdout
    assert f"/runs/{run_id}/" in done.stdout
    assert newest(env) == before
    assert "published as of 2024-01-06" in sales_pipeline("runs", env=env).stdout


def test_a_range_is_csv_on_stdout_or_a_folder(env: dict[str, str], tmp_path: Path) -> None:
    two = ["--from", "2024-01-05", "--to", "2024-01-06"]
    done = sales_pipeline("report", *two, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    header, *rows = csv.reader(done.stdout.splitlines())
    assert header[0] == "category"
    assert len(rows) == 6
    out = tmp_path / "out"
    told = json.loads(sales_pipeline("report", *two, "--json", "--out", str(out), env=env).stdout)
    assert [[str(value) for value in row.values()] for row in told["rows"]] == rows
    assert (out / "sales_report.csv").read_text() == done.stdout
    assert json.loads((out / "report.json").read_text()) == told
    names = {"sales_report.parquet", "daily_sales.csv", "by_category"}
    assert names < {path.name for path in out.iterdir()}
    written = pq.read_metadata(out / "sales_report.parquet").row_group(0)
    assert written.column(0).compression == "UNCOMPRESSED"  # of which there is no reader without
    again = sales_pipeline("report", *two, "--out", str(out), env=env)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_a_range_says_what_it_lacks(env: dict[str, str]) -> None:
    done = sales_pipeline("report", *JANUARY, "--run", newest(env).name, env=env)
    assert done.returncode == 3
    span = "from 2024-01-01 to 2024-01-31"
    assert f"The run has days of 2024-01-01 to 2024-01-09, and so not all {span}." in done.stderr
    assert f"Days missing {span}: 3 (2024-01-04, 2024-01-08, 2024-01-10)." in done.stderr
    assert f"1 input that may be of a day {span} could not be read" in done.stderr
    done = sales_pipeline("report", "--from", "2023-01-01", "--to", "2023-01-31", env=env)
    assert done.returncode == 3
    assert done.stdout.count("\n") == 1
    assert "has no day from 2023-01-01 to 2023-01-31." in done.stderr
    assert "It has days of 2024-01-01 to 2024-01-09." in done.stderr
    shown = sales_pipeline("report", "--year", "2023", "--format", "table", env=env)
    assert (shown.returncode, shown.stdout.count("\n")) == (3, 1)
    assert shown.stdout.endswith(": there is no day.\n")


@pytest.mark.parametrize("command", ["report", "backfill"])
def test_a_range_backwards_is_wrong_usage(command: str) -> None:
    done = CliRunner().invoke(cli, [command, "--from", "2024-01-02", "--to", "2024-01-01"])
    assert done.exit_code == 2
    assert "--to 2024-01-01 is before --from 2024-01-02" in done.stderr


def test_a_month_is_its_dates(env: dict[str, str]) -> None:
    by_month = sales_pipeline("report", "--month", "2024-01", env=env)
    by_dates = sales_pipeline("report", *JANUARY, env=env)
    assert (by_month.stdout, by_month.stderr) == (by_dates.stdout, by_dates.stderr)
    assert by_month.returncode == 3
    shown = sales_pipeline("report", "--year", "2024", "--format", "table", env=env)
    assert "2024-01-01 to 2024-12-31, run" in shown.stdout
    for _, segment, revenue, *_ in csv.reader(by_month.stdout.splitlines()[1:]):
        assert segment in shown.stdout
        assert revenue in shown.stdout


def test_a_month_beside_the_one_before(env: dict[str, str], tmp_path: Path) -> None:
    """December has no day, and January is not over: nothing is said of a change."""
    compared = ["report", "--month", "2024-01", "--compare", "previous"]
    done = sales_pipeline(*compared, env=env)
    assert done.returncode == 3
    assert done.stdout.startswith("2024-01 beside 2023-12, of run ")
    assert "2024-01-01 to 2024-01-09 beside 2023-12-01 to 2023-12-09: the run ends there." in (
        done.stdout
    )
    assert "No change is shown: the run has no day from 2023-12-01 to 2023-12-09." in done.stdout
    assert "7 of 9" in done.stdout
    assert "0 of 9" in done.stdout
    assert "+" not in done.stdout
    assert "has no day from 2023-12-01 to 2023-12-09." in done.stderr
    assert "from 2024-01-01 to 2024-01-31: 3 (2024-01-04," in done.stderr
    out = tmp_path / "out"
    told = json.loads(sales_pipeline(*compared, "--json", "--out", str(out), env=env).stdout)
    assert json.loads((out / "report.json").read_text()) == told
    lines = sales_pipeline(*compared, "--format", "csv", env=env).stdout
    assert (out / "comparison.csv").read_text() == lines
    for row in csv.DictReader(lines.splitlines()):
        assert row["total_revenue"]
        kept = ["category", "customer_segment", "total_revenue", "units_sold", "unique_customers"]
        assert {name for name, value in row.items() if value} == set(kept)
    assert (told["until"], told["change"]) == ("2024-01-09", None)
    assert told["before"]["last"] == "2023-12-09"
    assert told["report"]["rows"] == [
        {"category": row["category"], "customer_segment": row["customer_segment"]} | row["figures"]
        for row in told["rows"]
    ]


def test_a_comparison_fits_a_terminal(env: dict[str, str]) -> None:
    compared = ["report", "--month", "2024-01", "--compare", "last-year"]
    done = sales_pipeline(*compared, env=env | {"COLUMNS": "80"})
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--month", "2011-13"], "'2011-13' is no month"),
        (["--month", "2011-3"], "'2011-3' is no month such as 2011-03"),
        (["--month", "0000-01"], "'0000-01' is no month"),
        (["--year", "11"], "'11' is no year such as 2011"),
        (["--month", "2011-03", "--from", "2011-03-01"], "only one of them"),
        (["--month", "2011-03", "--year", "2011"], "only one of them"),
        (["--compare", "previous"], "--compare goes with --month or --year"),
        ([*JANUARY, "--compare", "previous"], "--compare goes with --month or --year"),
        (["--from", "2011-03-01"], "Say of when"),
        ([], "Say of when"),
        (["--month", "2011-03", "--compare", "yesterday"], "'yesterday' is not one of"),
        (["--year", "0001", "--compare", "previous"], "nothing is before 0001"),
    ],
)
def test_no_period_is_wrong_usage(env: dict[str, str], arguments: list[str], said: str) -> None:
    done = sales_pipeline("report", *arguments, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_backfill_makes_what_is_missing(env: dict[str, str]) -> None:
    weekly = ["--from", "2024-01-01", "--to", "2024-01-31", "--every", "week"]
    done = sales_pipeline("backfill", *weekly, env=env)
    assert done.returncode == 0, done.stderr
    assert "2024-01-07  run" in done.stdout
    assert "1 run made; 0 were there." in done.stdout
    assert "There are days from 2024-01-01 to 2024-01-11" in done.stdout
    assert "0 runs made; 1 were there." in sales_pipeline("backfill", *weekly, env=env).stdout


def test_a_backfill_goes_on_after_a_refused_run(env: dict[str, str]) -> None:
    dates = ["--from", "2024-01-10", "--to", "2024-01-11"]
    done = sales_pipeline("backfill", *dates, "--json", env=env)
    assert done.returncode == 1
    assert "was refused" in done.stderr
    assert [each["state"] for each in json.loads(done.stdout)] == ["refused", "published"]
    allowed = sales_pipeline("backfill", *dates, "--allow-incomplete", "--json", env=env)
    assert allowed.returncode == 3
    assert [each["is_made"] for each in json.loads(allowed.stdout)] == [True, False]


def test_a_run_is_rebuilt(env: dict[str, str]) -> None:
    run_id = newest(env).name
    before = (newest(env) / "sales_report.csv").read_bytes()
    shutil.rmtree(newest(env))
    done = sales_pipeline("rebuild", "--dry-run", run_id, env=env)
    assert done.returncode == 1
    assert "has no reports any more" in done.stdout
    assert not newest(env).exists()
    assert sales_pipeline("rebuild", run_id, env=env).returncode == 0
    assert (newest(env) / "sales_report.csv").read_bytes() == before


def test_a_rebuild_that_cannot_be_is_refused_with_the_day(env: dict[str, str]) -> None:
    state = Path(env["SALES_STATE"])
    shutil.rmtree(state / "kept")
    for result in state.glob("runs/*/receipts/*.result"):
        result.write_bytes(result.read_bytes().partition(b"\0")[0] + b"\0")
    archive = Path(env["SALES_DATA"]) / "w2.zip"
    archive.unlink()
    done = sales_pipeline("rebuild", newest(env).name, env=env)
    assert done.returncode == 1
    assert "w2.zip > events_2024-01-05.zip" in done.stderr
    assert "Put the archive that was read back" in done.stderr
