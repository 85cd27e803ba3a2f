"""A report of a time past is that of the days that there were, and disturbs no other."""

from __future__ import annotations

import io
import shutil
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.diff import CauseKind, chosen_runs, difference
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, published_ids
from pipeline_core.messages import DriftLimits
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from pipeline_core.verify import verify
from tests.support.archives import Shop, archive_zip, write_shop
from tests.support.oracle_feed import date_of_day
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, day, figures_of, week

# What an archive that is cut has otherwise: its bytes.
OF_WHOLE_ARCHIVES = {"inputs", "compressed_bytes", "json_bytes"}
DATES = [date(2024, 1, 1), date(2024, 1, 5), date(2024, 1, 9), date(2024, 1, 31)]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Three weeks; the last one also has a day of the first again, another day of the second's
    name, and days whose names hold no date."""
    mixed = {
        "events_2024-01-07.zip": day(7),
        "copy/events_2024-01-02.zip": day(2),
        "events_2024-01-04.zip": day(24),
        "undated.zip": day(25),
        "events_2024-13-01.zip": day(26),
        "events_2024-01-10.zip": day(10),
    }
    archives = {
        "week_0.zip": week(1, 2, 3),
        "week_1.zip": week(4, 5, 6),
        "week_2.zip": archive_zip(mixed),
    }
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


@pytest.fixture
def runs(shop: Shop, tmp_path: Path) -> Runs:
    return Runs(shop, tmp_path / "runs")


def csvs(runs: Runs) -> dict[str, bytes]:
    return {str(p.relative_to(runs.last())): p.read_bytes() for p in runs.last().rglob("*.csv")}


def figures(summary: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in figures_of(summary).items() if k not in OF_WHOLE_ARCHIVES}


def only_until(shop: Shop, as_of: date, folder: Path) -> Shop:
    """The same shop with archives that hold only the days dated so far."""
    (folder / "data").mkdir(parents=True)
    for path in sorted(shop.data.iterdir()):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as opened:
            days = [(info.filename, opened.read(info)) for info in opened.infolist()]
        kept = [(name, content) for name, content in days if "" < date_of_day(name) <= str(as_of)]
        if kept:
            (folder / "data" / path.name).write_bytes(archive_zip(kept))
    return Shop(folder / "data", shop.dimensions)


@pytest.mark.parametrize(
    ("before", "as_of"),
    [
        *(("nothing", as_of) for as_of in DATES),
        *(("a later date", as_of) for as_of in DATES[:2]),
        *((before, DATES[1]) for before in ("a run", "a run with another rule")),
    ],
)
def test_it_is_a_run_over_a_folder_that_holds_only_these_days(
    runs: Runs, before: str, as_of: date, tmp_path: Path
) -> None:
    if before == "a run":
        runs.run()
    elif before == "a later date":
        runs.run(as_of=date(2024, 1, 31))
    elif before == "a run with another rule":
        runs.run(unknown="bucket")
    summary = runs.run(as_of=as_of)
    assert summary["as_of"] == str(as_of)
    cut = Runs(only_until(runs.shop, as_of, tmp_path / "cut"), tmp_path / "cut-runs")
    expected = cut.run()
    assert csvs(runs) == csvs(cut)
    assert figures(summary) == figures(expected)
    if before != "nothing":
        assert summary["bytes_read"] == 0


@pytest.mark.parametrize("processes", [2, 20])
def test_shares_and_batches_change_nothing(runs: Runs, processes: int) -> None:
    runs.run(as_of=date(2024, 1, 9))
    before = csvs(runs)
    runs.run(full=True, as_of=date(2024, 1, 9), batch_size=3, processes=processes)
    assert csvs(runs) == before


def test_runs_from_the_newest_date_on_open_a_zip_once(runs: Runs) -> None:
    sizes = sum(path.stat().st_size for path in runs.shop.data.iterdir())
    read = [runs.run(as_of=date(2024, 1, number))["bytes_read"] for number in (10, 6, 3, 1)]
    assert read == [sizes, 0, 0, 0], "as of the 3rd there is only a copy in one archive"


def test_a_date_before_all_days_has_no_report(runs: Runs) -> None:
    with pytest.raises(ConfigError, match=r"2023-12-31 or before.*2024-01-01"):
        runs.run(as_of=date(2023, 12, 31))


def test_what_cannot_be_read_may_be_of_any_date(runs: Runs) -> None:
    (runs.shop.data / "week_9.zip").write_bytes(b"no zip")
    summary = runs.run(as_of=date(2024, 1, 1))
    assert summary["status"] == "incomplete"
    assert [place["archive"] for place in summary["unreadable"]] == ["week_9.zip"]


def test_latest_and_what_follows_it_stay(runs: Runs) -> None:
    limits = DriftLimits(revenue_change=Decimal("0.01"))
    first = runs.run(drift=limits)
    runs.run(as_of=date(2024, 1, 2), drift=limits)
    state = open_storage(str(runs.folder / "state"))
    assert (runs.folder / "reports" / "latest").resolve().name == "run-001"
    assert list(published_ids(state)) == ["run-001"]
    assert RunLedger(state, "run-002").changes() is None
    page = (runs.last() / "index.html").read_text()
    assert "As of 2024-01-02" in page
    assert "first report" not in page
    assert "run-001" not in page, "it follows none"
    again = runs.run(drift=limits)
    assert again["totals"] == first["totals"]
    assert again["bytes_read"] == 0
    assert "run-002" not in (runs.last() / "index.html").read_text()
    assert (runs.folder / "reports" / "latest").resolve().name == "run-003"
    assert chosen_runs(state, None, None) == ("run-001", "run-003")


def test_a_difference_names_the_later_days(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 5))
    runs.run()
    state = open_storage(str(runs.folder / "state"))
    for pair in (("run-001", "run-002"), ("run-002", "run-001")):
        found = difference(state, *pair)
        causes = [cause for cell in found.cells for cause in cell.causes]
        assert {cause.kind for cause in causes} == {CauseKind.LATER_DAY}
        assert {cause.day for cause in causes} <= {
            *(f"events_2024-01-{number:02}.zip" for number in (6, 7, 10)),
            *("undated.zip", "events_2024-13-01.zip"),
        }


def test_a_first_run_of_a_time_past_is_not_latest(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 2))
    assert not (runs.folder / "reports" / "latest").exists()
    assert not (runs.folder / "reports" / "sales_report.csv").exists()


@pytest.mark.parametrize("as_of", DATES[1:3], ids=str)
def test_other_code_counts_the_same(runs: Runs, as_of: date) -> None:
    runs.run(as_of=as_of)
    found = verify(str(runs.folder / "state"), "run-001")
    assert found.agrees, found.difference


def test_it_can_be_rebuilt(runs: Runs) -> None:
    runs.run()
    runs.run(as_of=date(2024, 1, 5))
    before = csvs(runs)
    state = runs.folder / "state"
    for gone in (runs.last(), state / "kept", *(state / "runs").glob("*/partials")):
        shutil.rmtree(gone)
    assert rebuild(str(state), "run-002").state == "published_again"
    assert csvs(runs) == before
    for gone in (state / "kept", runs.shop.data):
        shutil.rmtree(gone)
    found = rebuild(str(state), "run-002")
    assert found.state == "as_published"
    assert len(found.by_receipt) == 3, "also of what the run had taken over"
    assert (runs.folder / "reports" / "latest").resolve().name == "run-001"


def test_what_only_as_of_runs_know_is_no_garbage(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 31))
    for _ in range(2):
        runs.run(as_of=date(2024, 1, 1))
    state = open_storage(str(runs.folder / "state"))
    assert collect_garbage(state, 1).extracts == 0
    assert runs.run(as_of=date(2024, 1, 9))["bytes_read"] == 0


def test_an_archive_that_changed_is_read_again(runs: Runs) -> None:
    runs.run(as_of=date(2024, 1, 31))
    changed = runs.shop.data / "week_1.zip"
    changed.write_bytes(week(4, 25, 6))
    summary = runs.run(as_of=date(2024, 1, 6))
    assert summary["bytes_read"] == changed.stat().st_size
