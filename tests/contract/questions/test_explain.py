"""A figure of a published report, taken apart: places, products, customers and events."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from console.display.explanation import print_explanation
from pipeline_core.errors import ConfigError, ContractError, LostResult
from pipeline_core.ledger import RunLedger, newest_published
from pipeline_core.messages import RejectSummary, ReturnsMode, to_json
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, Explanation
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.extracts import kept_days, spoil_day
from tests.support.run import run_local, sales, shop_of, week
from tests.support.successive import Runs

CUSTOMERS = [
    ("c1", "2020-01-01", "Retail"),
    ("c2", "2020-01-01", "Retail"),
    ("vip", "2020-01-01", "VIP"),
    ("blank", "2020-01-01", None),
]
PRODUCTS = [
    ("p1", "Pen", "Office", "0.10"),
    ("p2", "Desk", "Office", "250.00"),
    ("ball", "Ball", "Toys", "3.00"),
    ("odd", "Odd", None, "1.00"),
]
MARCH_1 = "2024-03-01.zip"
MARCH_2 = "events_2024-03-02.zip"


def explained(
    folder: Path,
    category: str = "Office",
    segment: str = "Retail",
    day: date | None = None,
    most: int = 20,
) -> Explanation:
    state = open_storage(str(folder / "state"))
    run_id = newest_published(state)
    assert run_id is not None
    found = explain(RunLedger(state, run_id), Cell(category, segment, day), most)
    assert msgspec.json.decode(to_json(found), type=Explanation) == found
    return found


def shop_with(folder: Path, *parts: bytes) -> Shop:
    return shop_of(folder, *parts, customers=CUSTOMERS, products=PRODUCTS)


def printed(found: Explanation) -> str:
    file = io.StringIO()
    print_explanation(Console(file=file, width=140), found)
    return " ".join(file.getvalue().split())


def figures(listed: Any, *names: str) -> list[tuple[Any, ...]]:
    """Some fields of each row, then its events, units and revenue."""
    fields = (*names, "events", "units", "revenue")
    return [tuple(getattr(row, name) for name in fields) for row in listed]


def left_out(found: Explanation) -> list[tuple[Any, ...]]:
    return figures(found.left_out, "reason", "known")


@pytest.fixture
def two_weeks(tmp_path: Path) -> Shop:
    """Five sales of Office / Retail in two archives, three days and four parts."""
    first = {
        MARCH_1: day_zip(
            {
                "1.json": part([{"event_type": "view"}, purchase("c1", "p1", 3), purchase("vip")]),
                "2.json": part([purchase("c2", "p2", 1), purchase("c1", "ball", 9)]),
            }
        ),
        MARCH_2: day_zip({"1.json": part([purchase("c1", "p1", 4), purchase("c1", "p2", 2)])}),
    }
    second = {"2024-03-08.zip": day_zip({"x/1.json": part([purchase("c2", "p1", 1)])})}
    archives = {"a.zip": archive_zip(first), "b.zip": archive_zip(second)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


def test_a_figure_down_to_its_events(two_weeks: Shop, tmp_path: Path) -> None:
    run_local(two_weeks, tmp_path)
    found = explained(tmp_path)
    assert msgspec.structs.astuple(found.totals) == ("750.80", 11, 2)
    assert found.events == 5
    assert figures(found.archives, "archive", "day", "part") == [
        ("a.zip", None, None, 4, 10, "750.70"),
        ("b.zip", None, None, 1, 1, "0.10"),
    ]
    assert figures(found.days, "archive", "day", "part") == [
        ("a.zip", MARCH_2, None, 2, 6, "500.40"),
        ("a.zip", MARCH_1, None, 2, 4, "250.30"),
        ("b.zip", "2024-03-08.zip", None, 1, 1, "0.10"),
    ]
    assert figures(found.parts, "archive", "day", "part") == [
        ("a.zip", MARCH_2, "1.json", 2, 6, "500.40"),
        ("a.zip", MARCH_1, "2.json", 1, 1, "250.00"),
        ("a.zip", MARCH_1, "1.json", 1, 3, "0.30"),
        ("b.zip", "2024-03-08.zip", "x/1.json", 1, 1, "0.10"),
    ]
    assert figures(found.products, "product", "price") == [
        ("p2", "250.00", 2, 3, "750.00"),
        ("p1", "0.10", 3, 8, "0.80"),
    ]
    assert figures(found.customers, "customer") == [
        ("c1", 3, 9, "500.70"),
        ("c2", 2, 2, "250.10"),
    ]
    assert [msgspec.structs.astuple(event)[:9] for event in found.first_events] == [
        ("a.zip", MARCH_1, "1.json", 1, "c1", "p1", 3, "0.30", None),
        ("a.zip", MARCH_1, "2.json", 0, "c2", "p2", 1, "250.00", None),
        ("a.zip", MARCH_2, "1.json", 0, "c1", "p1", 4, "0.40", None),
        ("a.zip", MARCH_2, "1.json", 1, "c1", "p2", 2, "500.00", None),
        ("b.zip", "2024-03-08.zip", "x/1.json", 0, "c2", "p1", 1, "0.10", None),
    ]
    assert (found.left_out, found.unplaced_events, found.unreadable) == ((), 0, ())


@pytest.mark.parametrize("most", [0, 2, 3])
def test_so_many_events_are_listed_and_all_are_summed(
    two_weeks: Shop, tmp_path: Path, most: int
) -> None:
    run_local(two_weeks, tmp_path)
    found = explained(tmp_path, most=most)
    assert len(found.first_events) == most
    assert found.first_events == explained(tmp_path).first_events[:most]
    assert found.events == 5


def test_a_date_is_that_of_daily_sales(two_weeks: Shop, tmp_path: Path) -> None:
    run_local(two_weeks, tmp_path)
    found = explained(tmp_path, day=date(2024, 3, 2))
    assert msgspec.structs.astuple(found.totals) == ("500.40", 6, 1)
    assert [place.day for place in found.days] == [MARCH_2]
    without_sales = explained(tmp_path, "Toys", "VIP", day=date(2024, 3, 2))
    assert (without_sales.events, without_sales.has_day) == (0, True)
    assert "missing" not in printed(without_sales)
    missing = explained(tmp_path, day=date(2024, 3, 3))
    assert (missing.events, missing.has_day) == (0, False)
    assert "The day is missing: the run could read none of this date." in printed(missing)


def test_of_a_date_no_other_day_is_read(two_weeks: Shop, tmp_path: Path) -> None:
    run_local(two_weeks, tmp_path)
    explained(tmp_path, day=date(2024, 3, 2))
    for archive in two_weeks.data.iterdir():
        archive.unlink()
    days, not_needed = kept_days(tmp_path), []
    for day, (extract, _) in days.items():
        content = extract.read_bytes()
        spoil_day(tmp_path, day)
        with suppress(ConfigError):
            explained(tmp_path, day=date(2024, 3, 2))
            not_needed.append(day)
        extract.write_bytes(content)
    assert (len(days), len(not_needed)) == (3, 2)


# --- what was left out ---------------------------------------------------------------------------


def test_left_out_events_are_shown_where_they_would_be(tmp_path: Path) -> None:
    bad = [
        purchase("c1", "p1", 0),
        purchase("c1", "p1", "three"),
        purchase("stranger", "p2", 5),
        purchase("", "p1", 6),
        purchase("c2", "nothing", 7),
        purchase("c2", None, 8),
        purchase("c1", "odd", 9),
        purchase("blank", "p1", 10),
        {"customer_id": "c1", "product_id": "p1", "quantity": 11},
    ]
    elsewhere = [
        purchase("vip", "p1", 0),
        purchase("stranger", "ball"),
        purchase("vip", "nothing"),
        purchase("vip", "odd"),
        purchase("blank", "ball"),
    ]
    anywhere = [5, purchase("stranger", "nothing"), purchase("blank", "odd"), {}]
    run_local(shop_with(tmp_path, part(bad + elsewhere + anywhere), sales(2)), tmp_path)
    found = explained(tmp_path)
    assert left_out(found) == [
        ("invalid_event_type", "both", 1, None, None),
        ("invalid_quantity", "both", 2, None, None),
        ("guest", "category", 1, 6, "0.60"),
        ("unknown_customer", "category", 1, 5, "1250.00"),
        ("missing_segment", "category", 1, 10, "1.00"),
        ("invalid_product_id", "segment", 1, 8, None),
        ("unknown_product", "segment", 1, 7, None),
        ("missing_category", "segment", 1, 9, "9.00"),
    ]
    assert [event.position for event in found.first_left_out] == [0, 1, 8, 2, 3, 7, 4, 5, 6]
    assert [msgspec.structs.astuple(event)[4:9] for event in found.first_left_out[:7]] == [
        ("c1", "p1", None, None, "invalid_quantity"),
        ("c1", "p1", None, None, "invalid_quantity"),
        ("c1", "p1", 11, "1.10", "invalid_event_type"),
        ("stranger", "p2", 5, "1250.00", "unknown_customer"),
        (None, "p1", 6, "0.60", "guest"),
        ("blank", "p1", 10, "1.00", "missing_segment"),
        ("c2", "nothing", 7, None, "unknown_product"),
    ]
    assert found.unplaced_events == len(anywhere)
    assert [event.quantity for event in found.first_events] == [2]
    for most in range(len(bad)):
        assert explained(tmp_path, most=most).first_left_out == found.first_left_out[:most]


def test_a_cell_without_sales_still_shows_what_was_left_out_of_it(tmp_path: Path) -> None:
    run_local(shop_with(tmp_path, sales(), part([purchase("vip", "ball", -1)])), tmp_path)
    found = explained(tmp_path, "Toys", "VIP")
    assert msgspec.structs.astuple(found.totals) == ("0.00", 0, 0)
    assert (found.events, found.archives, found.customers) == (0, (), ())
    assert left_out(found) == [("return", "both", 1, -1, "-3.00")]


@pytest.mark.parametrize("returns", ["net", "separate"])
def test_what_came_back_and_was_left_out_stands_beside_the_purchases(
    tmp_path: Path, returns: ReturnsMode
) -> None:
    """What is not known of it is no zero."""
    lost = [purchase("c2", "nothing", -7), purchase("c2", "odd", 9), purchase("c2", "odd", -2)]
    bought = [purchase("c1", "p1", 5), purchase("c1", "p1", -1), purchase("", "p2", 2)]
    run_local(shop_with(tmp_path, part(bought + lost)), tmp_path, returns=returns)
    found = explained(tmp_path)
    assert (found.events, found.returns) == ((2, 1) if returns == "net" else (1, 0))
    told = {each.reason: each for each in found.left_out}
    odd, nothing = told["missing_category"], told["unknown_product"]
    assert (odd.events, odd.units, odd.revenue) == (2, 9, "9.00")
    assert odd.returns == RejectSummary(1, -2, "-2.00", 0, 0)
    assert nothing.returns == RejectSummary(1, -7, None, 0, 1)
    shown = io.StringIO()
    print_explanation(Console(file=shown, width=140), found)
    lines = [" ".join(line.split()) for line in shown.getvalue().splitlines()]
    assert lines[0].count("from 2 events (1 return among them)") == (returns == "net")
    assert [line for line in lines if " only " in line] == [
        "guest category only 1 2 500.00",
        "returns: unknown_product segment only 1 -7 unknown",
        "missing_category segment only 1 9 9.00",
        "returns: missing_category segment only 1 -2 -2.00",
    ]


def test_unknown_keeps_strangers_guests_and_what_has_no_price(tmp_path: Path) -> None:
    bought = [
        purchase("stranger", "nothing", 2),
        purchase("stranger", "odd", 3),
        purchase("blank", "nothing", 4),
        purchase(None, "nothing", 5),
        purchase("", "odd", 6),
        purchase("\ud800", "nothing", 1),
        purchase("c1", "nothing", 7),
        purchase("stranger", "p1", 8),
    ]
    bad = [purchase(None, "nothing", 0), purchase(7, "nothing"), purchase("c1", "nothing", 0), 5]
    run_local(shop_with(tmp_path, part(bought + bad)), tmp_path, unknown="bucket")
    found = explained(tmp_path, "Unknown", "Unknown")
    assert msgspec.structs.astuple(found.totals) == ("9.00", 21, 3)
    assert figures(found.products, "product", "price") == [
        ("odd", "1.00", 2, 9, "9.00"),
        ("nothing", None, 4, 12, "0.00"),
    ]
    assert figures(found.customers, "customer") == [
        (None, 2, 11, "6.00"),
        ("stranger", 2, 5, "3.00"),
        ("blank", 1, 4, "0.00"),
        ("\\ud800", 1, 1, "0.00"),
    ]
    assert [event.revenue for event in found.first_events] == (
        ["0.00", "3.00", "0.00", "0.00", "6.00", "0.00"]
    )
    assert left_out(found) == [
        ("invalid_quantity", "both", 1, None, None),
        ("invalid_customer_id", "category", 1, 1, None),
    ]
    assert found.unplaced_events == 1
    assert [event.quantity for event in explained(tmp_path, "Unknown").first_events] == [7]
    assert [event.quantity for event in explained(tmp_path, segment="Unknown").first_events] == [8]


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    days = {
        MARCH_1: day_zip({"1.json": sales(3), "2.json": b"[oops"}),
        MARCH_2: b"no zip",
    }
    archives = {"a.zip": archive_zip(days), "b.zip": b"no zip"}
    run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    places = [(place.archive, place.day, place.part) for place in explained(tmp_path).unreadable]
    whole = [("a.zip", MARCH_1, "2.json"), ("a.zip", MARCH_2, None), ("b.zip", None, None)]
    assert places == whole
    of_a_day = explained(tmp_path, day=date(2024, 3, 2)).unreadable
    assert [(place.archive, place.day, place.part) for place in of_a_day] == whole[1:]


# --- what counts once, and what twice ------------------------------------------------------------


def test_duplicates_count_where_they_count_first(tmp_path: Path) -> None:
    day, other = day_zip({"1.json": sales(3)}), day_zip({"1.json": sales(5)})
    archives = {
        "a.zip": archive_zip({MARCH_1: day}),
        "a (copy).zip": archive_zip({MARCH_1: day}),
        "b.zip": archive_zip({MARCH_2: day, "2024-03-03.zip": other}),
    }
    run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    assert figures(explained(tmp_path).days, "archive", "day") == [
        ("b.zip", "2024-03-03.zip", 1, 5, "0.50"),
        ("a (copy).zip", MARCH_1, 1, 3, "0.30"),
    ]


def test_a_copy_in_the_place_of_its_original(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"a.zip": week(sales(3)), "b.zip": week(sales(3))})
    run_local(shop, tmp_path, after_plan=(shop.data / "a.zip").unlink)
    found = explained(tmp_path)
    assert figures(found.archives, "archive") == [("b.zip", 1, 3, "0.30")]
    assert [place.archive for place in found.unreadable] == ["a.zip"]


def test_conflicting_days_are_marked_and_both_count(tmp_path: Path) -> None:
    archives = {
        MARCH_1: archive_zip({"x/" + MARCH_1: day_zip({"1.json": sales(3)})}),
        "b.zip": archive_zip(
            {MARCH_1: day_zip({"1.json": sales(2)}), MARCH_2: day_zip({"1.json": sales(1)})}
        ),
    }
    run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    found = explained(tmp_path)
    assert [(place.day, place.units, place.conflicting) for place in found.days] == [
        ("x/" + MARCH_1, 3, True),
        (MARCH_1, 2, True),
        (MARCH_2, 1, False),
    ]
    assert not any(place.conflicting for place in (*found.archives, *found.parts))
    assert explained(tmp_path, day=date(2024, 3, 1)).totals.units_sold == 5


def test_an_archive_in_shares_is_explained_as_a_whole(tmp_path: Path) -> None:
    days = {f"2024-03-{n:02}.zip": day_zip({"1.json": part([purchase()] * n)}) for n in range(1, 9)}
    run_local(write_shop(tmp_path / "shop", {"a.zip": archive_zip(days)}), tmp_path, processes=2)
    found = explained(tmp_path, most=100)
    assert [place.events for place in found.archives] == [36]
    assert len(found.days) == 8
    assert [event.day for event in found.first_events] == sorted(
        event.day for event in found.first_events
    )


def test_no_line_is_too_large_to_be_exact(tmp_path: Path) -> None:
    products = [("p1", "Gold", "Office", "9999999999999.99")]
    largest = part([purchase(quantity=2**31 - 1)] * 1000)
    run_local(shop_of(tmp_path, largest, products=products), tmp_path)
    found = explained(tmp_path)
    (product,), (customer,), (place,) = found.products, found.customers, found.parts
    total = str((2**31 - 1) * 999999999999999 * 1000)
    assert found.totals.total_revenue == f"{total[:-2]}.{total[-2:]}"
    assert {found.totals.total_revenue} == {product.revenue, customer.revenue, place.revenue}


def test_the_largest_revenue_comes_first_beyond_32_bits(tmp_path: Path) -> None:
    products = [("one", "", "Office", "42949672.96"), ("many", "", "Office", "21474836.48")]
    bought = part([purchase(product="one"), *[purchase(product="many")] * 3])
    run_local(shop_of(tmp_path, bought, products=products), tmp_path)
    assert figures(explained(tmp_path).products, "product") == [
        ("many", 3, 3, "64424509.44"),
        ("one", 1, 1, "42949672.96"),
    ]


# --- reading again -------------------------------------------------------------------------------


def test_a_reused_archive_is_explained_without_it(two_weeks: Shop, tmp_path: Path) -> None:
    runs = Runs(two_weeks, tmp_path)
    runs.run()
    first = explained(tmp_path)
    runs.run()
    for archive in two_weeks.data.iterdir():
        archive.unlink()
    assert explained(tmp_path) == msgspec.structs.replace(first, run_id="run-002")


@pytest.mark.parametrize("keep", [True, False])
def test_without_extracts_the_archives_are_read_again(
    two_weeks: Shop, tmp_path: Path, keep: bool
) -> None:
    Runs(two_weeks, tmp_path).run(keep=keep)
    for extract in (tmp_path / "state").rglob("*.arrow"):
        extract.unlink()
    found = explained(tmp_path)
    assert found.totals.total_revenue == "750.80"
    for archive in two_weeks.data.iterdir():
        archive.unlink()
    assert explained(tmp_path) == found


def test_without_extracts_and_archives_it_says_so(two_weeks: Shop, tmp_path: Path) -> None:
    Runs(two_weeks, tmp_path).run(keep=False)
    (two_weeks.data / "b.zip").unlink()
    with pytest.raises(ConfigError, match=r"b\.zip > 2024-03-08\.zip"):
        explained(tmp_path)


def test_prices_and_labels_are_those_of_the_run(two_weeks: Shop, tmp_path: Path) -> None:
    runs = Runs(two_weeks, tmp_path)
    runs.run()
    before = explained(tmp_path)
    products = two_weeks.dimensions / "products.csv"
    products.write_text(products.read_text().replace("250.00", "99.00"))
    runs.run()
    assert explained(tmp_path).totals.total_revenue == "297.80"
    ledger = RunLedger(open_storage(str(tmp_path / "state")), "run-001")
    assert explain(ledger, Cell("Office", "Retail"), 20) == before


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "segment", "hint"),
    [
        ("office", "Retail", "Did you mean 'Office'?"),
        ("Toy", "Retail", "Did you mean 'Toys'?"),
        ("Office", "VPI", "Did you mean 'VIP'?"),
        ("Zebra", "Retail", "It has 'Office', 'Toys'."),
        ("Unknown", "Retail", "It has 'Office', 'Toys'."),
        ("Office", "Unknown", "It has 'Retail', 'VIP'."),
        ("", "Retail", "It has 'Office', 'Toys'."),
    ],
)
def test_an_unknown_label_gets_a_hint(
    two_weeks: Shop, tmp_path: Path, category: str, segment: str, hint: str
) -> None:
    run_local(two_weeks, tmp_path)
    with pytest.raises(ConfigError) as error:
        explained(tmp_path, category, segment)
    assert error.value.remedy == hint


def test_labels_of_one_spelling_are_suggested_all(tmp_path: Path) -> None:
    products = [("p1", "", "Books", "1"), ("p2", "", "books", "1"), ("p3", "", "Unknown", "1")]
    run_local(shop_of(tmp_path, sales(), products=products), tmp_path)
    with pytest.raises(ConfigError, match="'Books' or 'books'"):
        explained(tmp_path, "BOOKS")
    assert explained(tmp_path, "Unknown").events == 0


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("sales_report.csv", lambda text: text.replace("750.80", "750.81")),
        ("sales_report.csv", lambda text: text.replace(",11,", ",12,")),
        ("sales_report.csv", lambda text: text.replace(",2\n", ",3\n")),
        ("sales_report.csv", lambda text: text.replace("Office,Retail,", "Office,Retial,")),
        ("daily_sales.csv", lambda text: text.replace("500.40", "500.39")),
    ],
)
def test_a_report_that_says_something_else_is_told(
    two_weeks: Shop, tmp_path: Path, name: str, change: Callable[[str], str]
) -> None:
    run_local(two_weeks, tmp_path)
    report = tmp_path / "reports" / "latest" / name
    changed = change(report.read_text())
    assert changed != report.read_text()
    report.write_text(changed)
    with pytest.raises(ContractError, match=rf"{name} of run .* says .* Office / Retail"):
        explained(tmp_path, day=date(2024, 3, 2) if name == "daily_sales.csv" else None)


def test_a_report_with_sales_where_there_are_none_is_told(two_weeks: Shop, tmp_path: Path) -> None:
    run_local(two_weeks, tmp_path)
    with (tmp_path / "reports" / "latest" / "sales_report.csv").open("a") as file:
        file.write("Toys,VIP,0.00,1,1\n")
    with pytest.raises(ContractError, match=r"says 0\.00, 1, 1 for Toys / VIP"):
        explained(tmp_path, "Toys", "VIP")


def test_a_report_that_is_gone_is_told(two_weeks: Shop, tmp_path: Path) -> None:
    run_local(two_weeks, tmp_path)
    (tmp_path / "reports" / "latest" / "sales_report.csv").unlink()
    with pytest.raises(ConfigError, match="is gone"):
        explained(tmp_path)


def test_a_refused_run_has_nothing_to_explain(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(), b"[oops")
    refused = run_local(shop, tmp_path, publish_incomplete=False)
    state = open_storage(str(tmp_path / "state"))
    assert newest_published(state) is None
    with pytest.raises(ConfigError, match="is not published"):
        explain(RunLedger(state, refused.run_id), Cell("Office", "Retail"), 20)


@pytest.mark.parametrize("safe", [True, False])
def test_labels_that_files_quote_or_guard(tmp_path: Path, safe: bool) -> None:
    label = '=SUM(A1), "x"\r\n'
    products = [("p1", "", label, "1"), ("p2", "", "'" + label, "2")]
    bought = part([purchase(quantity=3), purchase(product="p2")])
    run_local(shop_of(tmp_path, bought, products=products), tmp_path, spreadsheet_safe=safe)
    assert explained(tmp_path, label).totals.units_sold == 3
    assert explained(tmp_path, "'" + label).totals.units_sold == 1


def test_parts_of_one_name_are_told_together(tmp_path: Path) -> None:
    day = day_zip([("1.json", sales(1)), ("1.json", sales(2))])
    run_local(write_shop(tmp_path / "shop", {"a.zip": archive_zip({MARCH_1: day})}), tmp_path)
    assert figures(explained(tmp_path).parts, "part") == [("1.json", 2, 3, "0.30")]


def test_a_published_run_that_lost_a_result_is_rebuilt_and_not_resumed(tmp_path: Path) -> None:
    run_id = run_local(shop_with(tmp_path, sales(3)), tmp_path).run_id
    [result] = (tmp_path / "state" / "runs" / run_id / "receipts").iterdir()
    result.unlink()
    with pytest.raises(LostResult, match=r"the results of 1 archive are lost .* week\.zip") as lost:
        explained(tmp_path)
    assert lost.value.remedy.startswith(f"`sales-pipeline rebuild {run_id}`")
    rebuild(str(tmp_path / "state"), run_id)
    assert explained(tmp_path).totals.units_sold == 3
