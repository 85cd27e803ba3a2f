"""A purchase takes the price, the category and the segment of its day, and what changes is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.diff.sentences import because
from pipeline_core.errors import InputError
from pipeline_core.ledger import RunLedger
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.differences import diff
from tests.support.successive import Runs, check, figures_of, from_scratch

ANNA = ("anna", "", "Retail", "", "")
BEN = ("ben", "", "VIP", "", "")
DAYS = [date(2024, 2, day) for day in (27, 28, 29)] + [date(2024, 3, day) for day in (1, 2, 3)]


def pen(price: str, valid_from: str = "", valid_to: str = "", category: str = "Toys") -> list[str]:
    return ["pen", "Pen", category, price, valid_from, valid_to]


PIE = ["pie", "Pie", "Food", "2.00", "", ""]


def day(*events: object) -> bytes:
    return day_zip({"part.json": part(list(events))})


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Two pens for Anna and one for Ben on each of six days around a leap day."""
    days = {f"{each}.zip": day(*bought(each)) for each in DAYS}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)}, [ANNA, BEN], [PIE])
    return Runs(shop, tmp_path / "runs")


def bought(each: date) -> list[object]:
    return [
        purchase("anna", "pen", 2, at=str(each)),
        purchase("ben", "pen", 1, at=str(each)),
        purchase("ben", "pie", 1, at=str(each)),
    ]


def sell(runs: Runs, *rows: Iterable[str], table: str = "products") -> None:
    """The table has these rows from now on."""
    path = runs.shop.dimensions / f"{table}.csv"
    header = {
        "products": "product_id,product_name,category,price,valid_from,valid_to",
        "customers": "customer_id,join_date,segment,valid_from,valid_to",
    }[table]
    others = [PIE] if table == "products" else []
    path.write_text("\n".join([header, *map(",".join, [*rows, *others])]) + "\n")


def revenue(runs: Runs, **options: object) -> Decimal:
    return Decimal(check(runs, **options)["totals"]["total_revenue"])


def lost(summary: dict[str, Any]) -> dict[str, tuple[int, int, str | None]]:
    """Events, units and money by reason."""
    return {
        reason: (figures["events"], figures["units"], figures["revenue"])
        for reason, figures in summary["rejected"].items()
    }


def by_day(runs: Runs, category: str = "Toys") -> dict[str, Decimal]:
    """Revenue of a category in the last run, of both segments."""
    found: dict[str, Decimal] = {}
    for line in (runs.last() / "daily_sales.csv").read_text().splitlines()[1:]:
        sold_on, of, _, money, _ = line.split(",")
        if of == category:
            found[sold_on] = found.get(sold_on, Decimal(0)) + Decimal(money)
    return found


def test_each_day_has_its_price_and_the_border_is_of_the_new_one(runs: Runs) -> None:
    sell(
        runs,
        pen("1.00", "", "2024-02-29"),
        pen("3.00", "2024-02-29", "2024-03-02"),
        pen("5.00", "2024-03-02"),
    )
    runs.run()
    prices = [1, 1, 3, 3, 5, 5]
    assert by_day(runs) == {
        str(each): Decimal(3 * price) for each, price in zip(DAYS, prices, strict=True)
    }


def test_a_new_price_changes_no_figure_of_the_days_before(runs: Runs) -> None:
    sell(runs, pen("1.00"))
    runs.run()
    before = by_day(runs)
    sell(runs, pen("1.00", "", "2024-03-03"), pen("9.00", "2024-03-03"))
    runs.run()
    assert by_day(runs) == before | {"2024-03-03": Decimal(27)}
    [cause] = {because(cause) for cell in diff(runs).cells for cause in cell.causes}
    assert cause == "price of pen restated from 1.00 to 9.00 (from 2024-03-03)"


def test_a_corrected_old_row_changes_exactly_its_days_and_diff_says_so(runs: Runs) -> None:
    later = pen("5.00", "2024-03-02")
    sell(runs, pen("1.00", "", "2024-02-29"), pen("3.00", "2024-02-29", "2024-03-02"), later)
    runs.run()
    before = by_day(runs)
    sell(runs, pen("1.00", "", "2024-02-29"), pen("3.50", "2024-02-29", "2024-03-02"), later)
    runs.run()
    half = Decimal("1.50")
    assert by_day(runs) == before | {
        each: before[each] + half for each in ("2024-02-29", "2024-03-01")
    }
    found = diff(runs)
    assert found.revenue == "3.00"
    assert {(cause.valid_from, cause.valid_to) for c in found.cells for cause in c.causes} == {
        ("2024-02-29", "2024-03-02")
    }
    [told] = {because(cause) for cell in found.cells for cause in cell.causes}
    assert told == "price of pen restated from 3.00 to 3.50 (from 2024-02-29, before 2024-03-02)"


@pytest.mark.parametrize("border", ["2024-02-29", "2024-03-01", "2030-01-01", "1999-01-01"])
def test_closing_and_reopening_a_price_on_the_same_day_changes_nothing(
    runs: Runs, border: str
) -> None:
    sell(runs, pen("1.00"))
    runs.run()
    csvs, figures = runs.csvs(), figures_of(runs.summary())
    sell(runs, pen("1.00", "", border), pen("1.00", border))
    figures_now = figures_of(runs.run())
    assert runs.csvs() == csvs
    assert figures_now | {"dimensions_digest": figures["dimensions_digest"]} == figures
    assert diff(runs).cells == ()


@pytest.mark.parametrize("moved", range(len(DAYS) - 1))
def test_a_border_moved_by_a_day_moves_exactly_that_days_money(runs: Runs, moved: int) -> None:
    sell(runs, pen("1.00", "", f"{DAYS[moved]}"), pen("9.99", f"{DAYS[moved]}"))
    runs.run()
    before = by_day(runs)
    sell(runs, pen("1.00", "", f"{DAYS[moved + 1]}"), pen("9.99", f"{DAYS[moved + 1]}"))
    runs.run()
    changed = {each for each, money in by_day(runs).items() if money != before[each]}
    assert changed == {str(DAYS[moved])}
    assert by_day(runs)[str(DAYS[moved])] - before[str(DAYS[moved])] == 3 * Decimal("-8.99")
    assert diff(runs).revenue == "-26.97"


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
def test_a_gap_has_units_and_no_money(runs: Runs, unknown: str) -> None:
    sell(runs, pen("1.00", "", "2024-02-29"), pen("1.00", "2024-03-01"))
    summary = check(runs, unknown=unknown)
    assert lost(summary) == {"no_price_on_date": (2, 3, None)}
    assert "2024-02-29" not in by_day(runs)
    sell(runs, pen("1.00"))
    runs.run(unknown=unknown)
    [told] = {because(cause) for cell in diff(runs).cells for cause in cell.causes}
    assert told == ("price of pen restated from none to 1.00 (from 2024-02-29, before 2024-03-01)")
    assert diff(runs).units == 3


def test_a_customer_is_counted_once_however_many_rows_there_are(runs: Runs) -> None:
    sell(runs, pen("1.00"))
    sell(
        runs,
        ["anna", "", "Retail", "", "2024-02-29"],
        ["anna", "", "VIP", "2024-02-29", "2024-03-02"],
        ["anna", "", "Retail", "2024-03-02", ""],
        BEN,
        table="customers",
    )
    summary = check(runs)
    assert summary["totals"]["unique_customers"] == 2
    rows = (runs.last() / "sales_report.csv").read_text().splitlines()
    assert "Toys,VIP,10.00,10,2" in rows
    assert "Toys,Retail,8.00,8,1" in rows


def test_a_customer_in_a_gap_is_unknown_and_in_buckets_still_one(runs: Runs) -> None:
    sell(runs, pen("1.00"))
    rows = (["anna", "", "Retail", "", "2024-02-29"], ["anna", "", "Retail", "2024-03-02", ""])
    sell(runs, *rows, BEN, table="customers")
    summary = check(runs)
    assert lost(summary) == {"unknown_customer": (2, 4, "4.00")}
    kept = check(runs, unknown="bucket")
    assert kept["rejected"] == {}
    assert kept["totals"]["unique_customers"] == 2
    assert "Toys,Unknown,4.00,4,1" in (runs.last() / "sales_report.csv").read_text().splitlines()
    diff(runs)


def test_a_day_without_a_date_takes_the_newest_row_and_is_counted(runs: Runs) -> None:
    archive = archive_zip({"monday.zip": day(*bought(DAYS[0]), purchase("nobody", "pen"))})
    (runs.shop.data / "undated.zip").write_bytes(archive)
    sell(runs, pen("1.00", "", "2024-02-29"), pen("9.00", "2024-02-29", "2024-03-04"))
    summary = check(runs)
    assert summary["undated"] == 2  # of the pie there is one row, and of Ben
    said = "Of days without a date: 2 purchases of products or customers"
    assert said in (runs.last() / "index.html").read_text()
    assert by_day(runs)[""] == 27
    sell(runs, pen("1.00", "", "2024-02-29"))
    runs.run()
    assert by_day(runs)[""] == 3
    told = {because(cause) for cell in diff(runs).cells for cause in cell.causes}
    assert told == {
        "price of pen restated from 9.00 to none (from 2024-02-29, before 2024-03-04)",
        "price of pen restated from 9.00 to 1.00 (days without a date)",
    }


def test_a_day_that_gets_another_date_gets_its_price(runs: Runs) -> None:
    sell(runs, pen("1.00", "", "2024-03-04"), pen("9.00", "2024-03-04"))
    (runs.shop.data / "more.zip").write_bytes(
        archive_zip({"some day.zip": day(purchase("anna", "pen"))})
    )
    runs.run()
    (runs.shop.data / "more.zip").write_bytes(
        archive_zip({"2024-03-03.zip": day(purchase("anna", "pen"))})
    )
    check(runs)
    found = diff(runs)
    assert found.revenue == "-8.00"
    [told] = {because(cause) for cell in found.cells for cause in cell.causes}
    assert told == "2024-03-03.zip of archive more.zip had another date"


def test_rows_that_conflict_stop_the_plan(runs: Runs) -> None:
    sell(runs, pen("1.00", "", "2024-03-02"), pen("9.00", "2024-03-01"))
    with pytest.raises(InputError, match=r"pen is valid twice on 2024-03-01 \(row 2, row 3\)"):
        runs.run()


def test_a_table_with_empty_columns_is_one_without(runs: Runs) -> None:
    """The digest is the same, so nothing is read again."""
    sell(runs, pen("1.00"))
    digest = runs.run()["dimensions_digest"]
    path = runs.shop.dimensions / "products.csv"
    path.write_text(path.read_text().replace(",valid_from,valid_to", "").replace(",,", ""))
    summary = runs.run()
    assert (summary["dimensions_digest"], summary["bytes_read"]) == (digest, 0)


def test_what_no_row_says_is_what_it_says_always(runs: Runs) -> None:
    """A closed row nobody bought from, and dates that no day touches."""
    sell(runs, pen("1.00", "2024-02-27", "2024-03-04"))
    csvs, _ = from_scratch(runs)
    sell(runs, pen("1.00"))
    assert from_scratch(runs)[0] == csvs


def test_causes_are_looked_for_in_the_days_that_a_changed_row_touches(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = archive_zip({"2024-03-10.zip": day(purchase("anna", "pen"))})
    (runs.shop.data / "new.zip").write_bytes(archive)
    sell(runs, pen("1.00"))
    runs.run()
    sell(runs, pen("1.00", "", "2024-03-09"), pen("9.00", "2024-03-09"))
    monkeypatch.setattr("pipeline_core.diff.since_last._MOST_PURCHASES", 1)
    runs.run()
    changes = RunLedger(open_storage(str(runs.folder / "state")), runs.last().name).changes()
    assert changes is not None
    assert (changes.unknown, changes.revenue) == ("", "8.00")
    [cause] = changes.causes
    assert cause.because == "price of pen restated from 1.00 to 9.00 (from 2024-03-09)"
