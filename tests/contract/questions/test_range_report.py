"""The report of a range, beside that of the whole run."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import msgspec
import pytest

from pipeline_core.errors import ConfigError, ContractError, EventsGone
from pipeline_core.ledger import RunLedger
from pipeline_core.load.tables import csv_lines
from pipeline_core.messages import Unreadable
from pipeline_core.page.coverage import coverage, day_states
from pipeline_core.questions.range_report import RangeSales, range_sales
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, day, week

ALL = date(2024, 1, 1), date(2024, 1, 31)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    hostile = day_zip({"p.json": part([purchase("c1", "=p\r\n\u2028", 2)])})
    later = {"2024-01-07.zip": hostile, "undated.zip": day(8), "2024-01-09.zip": b"no zip"}
    archives = {"week_0.zip": week(1, 2, 3), "week_1.zip": archive_zip(later)}
    products = [*PRODUCTS, ("=p\r\n\u2028", "Hostile", '=cmd"|\r\n\u2028,x', "1.00")]
    return Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, products), tmp_path / "runs")


def ranged(runs: Runs, first: date, last: date) -> RangeSales:
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    return range_sales(ledger, first, last)


def test_the_whole_range_is_the_run_without_undated_days(runs: Runs) -> None:
    runs.run()
    found = ranged(runs, *ALL)
    assert found.report.undated_days == 1
    assert found.report.days == tuple(date(2024, 1, number) for number in (1, 2, 3, 7))
    assert found.report.missing_days == tuple(date(2024, 1, number) for number in (4, 5, 6, 8))
    assert [place.day for place in found.report.unreadable] == ["2024-01-09.zip"]
    (runs.shop.data / "week_1.zip").unlink()
    shutil.rmtree(runs.folder)
    runs.number = 0
    runs.run()
    whole = (runs.last() / "sales_report.csv").read_bytes()
    found = ranged(runs, *ALL)
    assert "".join(csv_lines(found.sales)).encode() == whole
    told = runs.summary()["reconciliation"]
    assert json.loads(msgspec.json.encode(found.report.reconciliation)) == told


def test_a_day_is_what_daily_sales_says(runs: Runs) -> None:
    runs.run(spreadsheet_safe=True)
    found = ranged(runs, date(2024, 1, 7), date(2024, 1, 7))
    lines = "".join(csv_lines(found.sales, spreadsheet_safe=found.spreadsheet_safe))
    assert lines.partition("\n")[2] == '"\'=cmd""|\r\n\u2028,x",VIP,2.00,2,1\n'


def test_a_range_without_days_is_a_header(runs: Runs) -> None:
    runs.run()
    found = ranged(runs, date(2023, 1, 1), date(2023, 12, 31))
    assert found.report.days == ()
    assert list(csv_lines(found.sales)) == [
        "category,customer_segment,total_revenue,units_sold,unique_customers\n"
    ]


def test_customers_and_prices_are_those_of_the_run(runs: Runs) -> None:
    runs.run()
    before = ranged(runs, *ALL).report.rows
    for path in (*runs.shop.data.iterdir(), *runs.shop.dimensions.iterdir()):
        path.unlink()
    assert ranged(runs, *ALL).report.rows == before


def test_events_that_are_gone_are_named(runs: Runs) -> None:
    runs.run()
    shutil.rmtree(runs.folder / "state" / "kept")
    (runs.shop.data / "week_0.zip").unlink()
    with pytest.raises(EventsGone, match=r"week_0\.zip > events_2024-01-02\.zip"):
        ranged(runs, date(2024, 1, 2), date(2024, 1, 3))
    assert ranged(runs, date(2024, 1, 4), date(2024, 1, 7)).report.rows


@pytest.mark.parametrize(
    ("content", "part_name"),
    [(b"no zip", None), (day_zip({"a.json": part([purchase()]), "b.json": b"[oops"}), "b.json")],
    ids=["a day", "a part"],
)
@pytest.mark.parametrize("copied_to", ["week_2.zip", "week_3.zip"], ids=["same", "other"])
def test_a_copy_of_what_could_not_be_read_could_not_be_read(
    tmp_path: Path, content: bytes, part_name: str | None, copied_to: str
) -> None:
    original = {"events_2024-02-01.zip": content, "events_2024-02-02.zip": day(2)}
    copies = {"events_2024-02-03.zip": content, "again/events_2024-02-01.zip": content}
    archives = {"week_2.zip": archive_zip({**original, **copies})}
    if copied_to != "week_2.zip":
        archives = {"week_2.zip": archive_zip(original), copied_to: archive_zip(copies)}
    archives["week_2_again.zip"] = archives["week_2.zip"]
    runs = Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "runs")
    summary = runs.run()
    assert len(summary["unreadable"]) == 1
    assert summary["days"]["duplicate"] == 2
    cause = summary["unreadable"][0]["cause"]

    def unread(first: int, last: int) -> list[Unreadable]:
        return [*ranged(runs, date(2024, 2, first), date(2024, 2, last)).report.unreadable]

    copy = Unreadable(copied_to, "events_2024-02-03.zip", part_name, cause)
    assert unread(3, 29) == [copy]
    assert unread(2, 2) == []
    # In one archive, days are read in the order of their names.
    first = "again/events_2024-02-01.zip" if copied_to == "week_2.zip" else "events_2024-02-01.zip"
    assert unread(1, 1) == [Unreadable("week_2.zip", first, part_name, cause)]
    assert unread(1, 3) == [*unread(1, 1), copy]
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    published = ledger.published()
    calendar = coverage(*published, *day_states(*published)).days
    assert [each.state for each in calendar] == ["unreadable", "duplicate", "unreadable"]


def test_what_was_published_must_be_the_same(runs: Runs) -> None:
    runs.run()
    daily = runs.last() / "daily_sales.csv"
    lines = daily.read_bytes().splitlines(keepends=True)
    daily.write_bytes(b"".join(line for line in lines if not line.startswith(b"2024-01-02")))
    assert ranged(runs, date(2024, 1, 3), date(2024, 1, 7)).report.rows
    with pytest.raises(ContractError, match="2024-01-02 to 2024-01-02"):
        ranged(runs, date(2024, 1, 2), date(2024, 1, 2))
    daily.unlink()
    with pytest.raises(ConfigError, match="gone"):
        ranged(runs, *ALL)
