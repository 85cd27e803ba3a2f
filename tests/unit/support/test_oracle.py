"""The oracle against small cases computed by hand, one a rule."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings

from tests.support import archives, strategies
from tests.support.archives import archive_zip, day_zip, part, purchase
from tests.support.oracle import OracleResult, Place, compute

HEADER = "category,customer_segment,total_revenue,units_sold,unique_customers\n"
DAILY_HEADER = "date,category,customer_segment,total_revenue,units_sold\n"

CUSTOMERS = (
    ("c1", "2020-01-01", "Retail"),
    ("c2", "2020-01-01", "Retail"),
    ("c3", "2020-01-01", "Trade"),
    ("c4", "2020-01-01", None),
)
PRODUCTS = (
    ("p1", "Pen", "Office", "0.10"),
    ("p2", "Desk", "Home", "33.33"),
    ("p3", "Ghost", None, "5.00"),
)
Mode = Literal["reject", "bucket"]


def _run(
    tmp_path: Path,
    weeks: Mapping[str, bytes],
    unknown: Mode = "reject",
    products: Sequence[tuple[str, str, str | None, str]] = PRODUCTS,
) -> OracleResult:
    shop = archives.write_shop(tmp_path / "shop", weeks, CUSTOMERS, products)
    return compute(shop.data, shop.dimensions, unknown=unknown)


def _week(content: bytes, day: str = "2024-03-01.zip", name: str = "part.json") -> bytes:
    return archive_zip({day: day_zip({name: content})})


def _events(tmp_path: Path, *events: object, unknown: Mode = "reject") -> OracleResult:
    return _run(tmp_path, {"w.zip": _week(part(events))}, unknown)


def _text(tmp_path: Path, text: str) -> OracleResult:
    return _run(tmp_path, {"w.zip": _week(text.encode())})


def _reasons(result: OracleResult) -> list[str]:
    return [reject.reason for reject in result.rejects]


# --- the report ----------------------------------------------------------------------------------


def test_revenue_units_and_distinct_customers(tmp_path: Path) -> None:
    result = _events(
        tmp_path,
        purchase("c1", "p1", 3),
        purchase("c2", "p1", 4),
        purchase("c1", "p1", 1),
        purchase("c3", "p1", 2),
        purchase("c1", "p2", 3),
    )
    assert result.sales_report.decode() == (
        HEADER + "Home,Retail,99.99,3,1\nOffice,Retail,0.80,8,2\nOffice,Trade,0.20,2,1\n"
    )
    assert result.summary["totals"] == {
        "total_revenue": "100.99",
        "units_sold": 13,
        "unique_customers": 3,  # c1 bought in two groups and is one person
    }


def test_equal_revenue_is_ordered_by_code_point(tmp_path: Path) -> None:
    names = ["b", "a", "B", "\U0001f600", "\uff5e", "é"]
    products = [(name, "", name, "1") for name in names]
    events = [purchase("c3", name) for name in names]
    events.append(purchase("c1", "b"))
    result = _run(tmp_path, {"w.zip": _week(part(events))}, products=products)
    assert [(row.category, row.customer_segment) for row in result.rows] == [
        ("B", "Trade"),
        ("a", "Trade"),
        ("b", "Retail"),
        ("b", "Trade"),
        ("é", "Trade"),
        ("\uff5e", "Trade"),
        ("\U0001f600", "Trade"),
    ]


@pytest.mark.parametrize(
    ("prices", "revenue"),
    [
        (("0.10", "1"), "2.20"),
        (("3", "1"), "8"),
        (("0.0001", "33.33"), "66.6602"),
        (("0.10", "0.20"), "0.60"),
        (("99999999.99", "99999999.99"), "399999999.96"),
        (("9.500000", "1"), "21.000000"),
        (("9.5000000", "1"), "21.00"),
        (("9.12345670", "1"), "20.2469134"),
    ],
)
def test_decimals_are_the_most_that_any_price_has(
    tmp_path: Path, prices: tuple[str, str], revenue: str
) -> None:
    products = [(f"p{n}", "", "Office", price) for n, price in enumerate(prices)]
    events = [purchase("c1", "p0", 2), purchase("c1", "p1", 2)]
    result = _run(tmp_path, {"w.zip": _week(part(events))}, products=products)
    assert [row.total_revenue for row in result.rows] == [revenue]


def test_revenue_is_exact_beyond_64_bits(tmp_path: Path) -> None:
    products = [("p1", "", "Office", "99999999.99")]
    events = [purchase("c1", "p1", 2**31 - 1)] * 2
    result = _run(tmp_path, {"w.zip": _week(part(events))}, products=products)
    assert result.summary["totals"]["total_revenue"] == "429496729357050327.06"


def test_names_are_verbatim_and_quoted_only_where_needed(tmp_path: Path) -> None:
    names = ["a,b", 'say "a"', "two\nlines", "two\rlines", " NA ", "=1", "'"]
    products = [(str(n), "", name, "1.00") for n, name in enumerate(sorted(names))]
    events = [purchase("c1", str(n)) for n in range(len(names))]
    result = _run(tmp_path, {"w.zip": _week(part(events))}, products=products)
    assert result.sales_report.decode() == HEADER + (
        " NA ,Retail,1.00,1,1\n"
        "',Retail,1.00,1,1\n"
        "=1,Retail,1.00,1,1\n"
        '"a,b",Retail,1.00,1,1\n'
        '"say ""a""",Retail,1.00,1,1\n'
        '"two\nlines",Retail,1.00,1,1\n'
        '"two\rlines",Retail,1.00,1,1\n'
    )


def test_daily_sales(tmp_path: Path) -> None:
    days = {
        "2024-01-01/events_2024-03-02.zip": day_zip({"a.json": part([purchase("c1", "p2")])}),
        "a\\2024-03-01_v2.ZIP": day_zip(
            {"a.json": part([purchase("c1", "p1", 2)]), "b.json": part([purchase("c3", "p1")])}
        ),
        "2024-02-30 or 2024-03-01.zip": day_zip({"b.json": part([purchase("c2", "p1", 5)])}),
        "2024-03-01/202403011.zip": day_zip({"c.json": part([purchase("c2", "p2", 2)])}),
        "12024-03-01 2024-03-012.zip": day_zip({"d.json": part([purchase("c2", "p2", 1)])}),
    }
    result = _run(tmp_path, {"w.zip": archive_zip(days)})
    assert result.daily_sales.decode() == DAILY_HEADER + (
        ",Home,Retail,99.99,3\n"
        "2024-03-01,Office,Retail,0.70,7\n"
        "2024-03-01,Office,Trade,0.10,1\n"
        "2024-03-02,Home,Retail,33.33,1\n"
    )


def test_nothing_sold(tmp_path: Path) -> None:
    result = _events(tmp_path)
    assert result.sales_report.decode() == HEADER
    assert result.daily_sales.decode() == DAILY_HEADER
    assert result.summary["totals"] == {
        "total_revenue": "0.00",
        "units_sold": 0,
        "unique_customers": 0,
    }
    assert result.summary["status"] == "complete"


# --- events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("purchase", "not_an_object"),
        (None, "not_an_object"),
        ([purchase()], "not_an_object"),
        ({}, "invalid_event_type"),
        (purchase() | {"event_type": None}, "invalid_event_type"),
        (purchase() | {"event_type": ["purchase"]}, "invalid_event_type"),
        (purchase(None), "guest"),
        (purchase(""), "guest"),
        (purchase(1), "invalid_customer_id"),
        (purchase(product=None), "invalid_product_id"),
        (purchase(product=""), "invalid_product_id"),
        (purchase(product=["p1"]), "invalid_product_id"),
        (purchase(quantity=0), "invalid_quantity"),
        (purchase(quantity=-1), "return"),
        (purchase(quantity=1 - 2**31), "return"),
        (purchase(quantity=-(2**31)), "invalid_quantity"),
        (purchase(quantity=2**31), "invalid_quantity"),
        (purchase(quantity=2.0), "invalid_quantity"),
        (purchase(quantity=True), "invalid_quantity"),
        (purchase(quantity="3"), "invalid_quantity"),
        (purchase(quantity=None), "invalid_quantity"),
        (purchase(product="P1"), "unknown_product"),
        (purchase(product=" "), "unknown_product"),
        (purchase("C1"), "unknown_customer"),
        (purchase(" "), "unknown_customer"),
        (purchase(product="p3"), "missing_category"),
        (purchase("c4"), "missing_segment"),
        # two faults: the first in the contract's order
        (purchase(None, None, -1), "guest"),
        (purchase(5, None, -1), "invalid_customer_id"),
        (purchase(product=None, quantity=-1), "invalid_product_id"),
        (purchase("nobody", "nothing", -1), "return"),
        (purchase(product=None, quantity=0), "invalid_product_id"),
        (purchase("nobody", quantity=0), "invalid_quantity"),
        (purchase("nobody", "nothing"), "unknown_product"),
        (purchase("nobody", "p3"), "unknown_customer"),
        (purchase("c4", "p3"), "missing_category"),
    ],
)
def test_one_bad_event_costs_one_event(tmp_path: Path, event: object, reason: str) -> None:
    result = _events(tmp_path, purchase(), event, purchase())
    assert result.rejects == [(reason, "w.zip", "2024-03-01.zip", "part.json", 1, event)]
    assert result.summary["events"] == {
        "seen": 3,
        "counted": 2,
        "not_purchase": 0,
        "rejected": 1,
    }


@pytest.mark.parametrize("event_type", ["view_product", "", "Purchase", "purchase "])
def test_other_types_are_only_counted(tmp_path: Path, event_type: str) -> None:
    result = _events(tmp_path, {"event_type": event_type, "quantity": "?"}, purchase())
    assert result.summary["events"] == {
        "seen": 2,
        "counted": 1,
        "not_purchase": 1,
        "rejected": 0,
    }


def test_the_largest_quantity(tmp_path: Path) -> None:
    assert _events(tmp_path, purchase(quantity=2**31 - 1)).rows[0].units_sold == 2147483647


@pytest.mark.parametrize("number", ["2.0", "1e2", "1E0", "-0", "1" + "0" * 5000, "1e400"])
def test_a_number_that_is_no_quantity(tmp_path: Path, number: str) -> None:
    text = json.dumps([purchase(), purchase(quantity="?")]).replace('"?"', number)
    assert _reasons(_text(tmp_path, text)) == ["invalid_quantity"]


def test_of_equal_keys_the_last_wins_however_it_is_spelled(tmp_path: Path) -> None:
    text = """[
        {"event_type": "view", "customer_id": "c1", "product_id": "p1",
         "quantity": 1, "quantity": 2, "event\\u005ftype": "purch\\u0061se"},
        {"event_type": "purchase", "customer_id": "c1", "product_id": "p1",
         "quantity": 1, "event_type": "view"}
    ]"""
    result = _text(tmp_path, text)
    assert result.summary["events"]["counted"] == result.summary["events"]["not_purchase"] == 1
    assert result.rows[0].units_sold == 2


def test_nested_look_alikes_are_no_events(tmp_path: Path) -> None:
    decoy = purchase("c2", "p2", 9)
    result = _events(tmp_path, purchase(note=json.dumps(decoy), meta=decoy, list=[decoy]))
    assert result.summary["events"]["seen"] == 1
    assert result.rows == [("Office", "Retail", "0.10", 1, 1)]


def test_a_lone_surrogate_is_legal(tmp_path: Path) -> None:
    result = _events(tmp_path, purchase(note="\ud800"), purchase("\ud800"))
    assert _reasons(result) == ["unknown_customer"]


# --- what was left out ---------------------------------------------------------------------------


def test_units_and_revenue_of_rejects(tmp_path: Path) -> None:
    result = _events(
        tmp_path,
        5,
        {"event_type": 1, "quantity": 3},
        purchase(None, "p2", 3),
        purchase(None, "nothing", 4),
        purchase(None, "p2", 0),
        purchase("c1", None, 7),
        purchase("c1", None, "7"),
        purchase("c1", "p1", -9),
        purchase("c1", "nothing", -2),
        purchase("c1", "p1", 0),
        purchase("c1", "nothing", 6),
        purchase("nobody", "p1", 5),
        purchase("c1", "p3", 2),
        purchase("c4", "p1", 1),
    )
    figures = {
        reason: (
            of["events"],
            of["units"],
            of["revenue"],
            of["unknown_units"],
            of["unknown_revenue"],
        )
        for reason, of in result.summary["rejected"].items()
    }
    assert figures == {
        "not_an_object": (1, None, None, 1, 1),
        "invalid_event_type": (1, None, None, 1, 1),
        "guest": (3, 7, "99.99", 1, 2),
        "return": (2, -11, "-0.90", 0, 1),
        "invalid_product_id": (2, 7, None, 1, 2),
        "invalid_quantity": (1, None, None, 1, 1),
        "unknown_product": (1, 6, None, 0, 1),
        "unknown_customer": (1, 5, "0.50", 0, 0),
        "missing_category": (1, 2, "10.00", 0, 0),
        "missing_segment": (1, 1, "0.10", 0, 0),
    }


# --- unknowns in a bucket ------------------------------------------------------------------------


def test_bucket_keeps_the_unknown(tmp_path: Path) -> None:
    guest = purchase("c1", "p1", 1)
    del guest["customer_id"]
    result = _events(
        tmp_path,
        guest,
        purchase(None, "p1", 2),
        purchase("", "p1", 4),
        purchase("nobody", "p1", 8),
        purchase("c4", "p1", 16),
        purchase("c1", "nothing", 32),
        purchase("c1", "p3", 64),
        purchase(None, "nothing", 128),
        unknown="bucket",
    )
    assert result.sales_report.decode() == HEADER + (
        "Unknown,Retail,320.00,96,1\n"  # 64 at 5.00; the 32 have no price
        "Office,Unknown,3.10,31,2\n"  # "nobody" and c4; guests are nobody
        "Unknown,Unknown,0.00,128,0\n"
    )
    assert result.summary["totals"] == {
        "total_revenue": "323.10",
        "units_sold": 255,
        "unique_customers": 3,
    }
    assert result.rejects == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (purchase(5), "invalid_customer_id"),
        (purchase(customer=False), "invalid_customer_id"),
        (purchase([]), "invalid_customer_id"),
        (purchase(None, None), "invalid_product_id"),
        (purchase(None, ""), "invalid_product_id"),
        (purchase(None, "nothing", -1), "return"),
        (purchase(None, "nothing", 0), "invalid_quantity"),
        ({"customer_id": None}, "invalid_event_type"),
        (None, "not_an_object"),
    ],
)
def test_bucket_rejects_the_rest(tmp_path: Path, event: object, reason: str) -> None:
    assert _reasons(_events(tmp_path, event, unknown="bucket")) == [reason]


def test_a_real_unknown_shares_the_bucket(tmp_path: Path) -> None:
    products = [("p1", "", "Unknown", "1.00")]
    events = [purchase("c1", "p1"), purchase("c2", "nothing")]
    result = _run(tmp_path, {"w.zip": _week(part(events))}, "bucket", products)
    assert result.rows == [("Unknown", "Retail", "1.00", 2, 2)]


# --- parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("indent", [None, 2])
def test_any_spacing_and_a_bom(tmp_path: Path, indent: int | None, *, bom: bool) -> None:
    result = _run(tmp_path, {"w.zip": _week(part([purchase()], indent=indent, bom=bom))})
    assert result.summary["events"]["counted"] == 1


def test_an_empty_array_is_a_part(tmp_path: Path) -> None:
    assert _text(tmp_path, "[]").summary["parts"] == {"read": 1, "unreadable": 0}


@pytest.mark.parametrize("number", range(len(strategies.NOT_JSON)))
def test_what_is_not_json_costs_the_part(tmp_path: Path, number: int) -> None:
    spoiled = f"[{json.dumps(purchase())}, {strategies.NOT_JSON[number]}, 0]"
    days = {"2024-03-01.zip": day_zip({"a.json": spoiled.encode(), "b.json": part([purchase()])})}
    result = _run(tmp_path, {"w.zip": archive_zip(days)})
    assert result.unreadable == [Place("w.zip", "2024-03-01.zip", "a.json")]
    assert result.summary["status"] == "incomplete"
    assert result.summary["parts"] == {"read": 1, "unreadable": 1}
    assert result.summary["events"] == {
        "seen": 1,
        "counted": 1,
        "not_purchase": 0,
        "rejected": 0,
    }


@pytest.mark.parametrize("content", [b"[]", part([purchase()]), part([purchase()], indent=2)])
@pytest.mark.parametrize("number", range(len(strategies.SPOILS)))
def test_what_is_not_one_array_costs_the_part(tmp_path: Path, number: int, content: bytes) -> None:
    result = _run(tmp_path, {"w.zip": _week(strategies.SPOILS[number](content))})
    assert result.summary["parts"] == {"read": 0, "unreadable": 1}


@pytest.mark.parametrize(("depth", "read"), [(256, 1), (257, 0), (100_000, 0)])
def test_depth(tmp_path: Path, depth: int, read: int) -> None:
    result = _run(tmp_path, {"w.zip": _week(archives.deep_part(depth))})
    assert result.summary["parts"]["read"] == read


def test_brackets_in_strings_are_not_depth(tmp_path: Path) -> None:
    note = '\\"[{' * 300
    assert _events(tmp_path, purchase(note=note)).summary["events"]["counted"] == 1


def test_depth_counts_where_a_later_key_hides_it(tmp_path: Path) -> None:
    text = f'[{{"a": {"[" * 255}{"]" * 255}, "a": 1}}]'
    assert _text(tmp_path, text).summary["parts"]["unreadable"] == 1


@pytest.mark.parametrize(
    "day",
    [
        archives.encrypted_zip("part.json", b"[]"),
        archives.unsupported_zip("part.json", b"[]"),
        archives.lying_zip("part.json", part([purchase()]), declared=10),
        archives.flipped(day_zip({"part.json": part([purchase()])})),
        archives.flipped(day_zip({"part.json": part([purchase()])}, compression=0)),
    ],
)
def test_a_damaged_part(tmp_path: Path, day: bytes) -> None:
    result = _run(tmp_path, {"w.zip": archive_zip({"d.zip": day})})
    assert result.unreadable == [Place("w.zip", "d.zip", "part.json")]
    assert result.summary["days"] == {"read": 1, "duplicate": 0, "unreadable": 0}


@pytest.mark.parametrize("method", archives.METHODS)
def test_every_compression(tmp_path: Path, method: int) -> None:
    day = day_zip({"part.json": part([purchase()])}, compression=method)
    result = _run(tmp_path, {"w.zip": archive_zip({"d.zip": day}, compression=method)})
    assert result.summary["events"]["counted"] == 1


def test_equal_parts_of_a_day_count_once_a_name(tmp_path: Path) -> None:
    content = part([purchase()])
    day = day_zip([("a.json", content), ("b.json", content), ("a.json", content)])
    result = _run(tmp_path, {"w.zip": archive_zip({"d.zip": day})})
    assert result.summary["parts"]["read"] == result.summary["events"]["counted"] == 2
    assert result.summary["repeated_parts"] == []


def test_a_part_plain_and_packed_counts_once_if_the_same_comes_out(tmp_path: Path) -> None:
    content = part([purchase()])
    packed = {"a.json.gz": gzip.compress(content), "b.json.gz": gzip.compress(b"[]")}
    day = day_zip({"a.json": content, "b.json": content, **packed})
    result = _run(tmp_path, {"w.zip": archive_zip({"d.zip": day})})
    assert (result.summary["parts"]["read"], result.summary["events"]["counted"]) == (3, 2)
    told = [{"archive": "w.zip", "day": "d.zip", "part": "b.json"}]
    assert result.summary["repeated_parts"] == told


def test_different_parts_and_days_of_one_name_are_told(tmp_path: Path) -> None:
    day = day_zip([("a.json", part([purchase()])), ("a.json", b"[]")])
    result = _run(tmp_path, {"w.zip": archive_zip([("d.zip", day), ("d.zip", day_zip({}))])})
    assert result.summary["events"]["counted"] == 1
    assert result.summary["repeated_parts"] == [
        {"archive": "w.zip", "day": "d.zip", "part": None},
        {"archive": "w.zip", "day": "d.zip", "part": "a.json"},
    ]


def test_rejects_are_in_order_of_place(tmp_path: Path) -> None:
    day = day_zip([("b.json", part([2, 3])), ("a.json", part([1]))])
    result = _run(tmp_path, {"w.zip": archive_zip({"x/d.zip": day})})
    assert [reject[1:] for reject in result.rejects] == [
        ("w.zip", "x/d.zip", "a.json", 0, 1),
        ("w.zip", "x/d.zip", "b.json", 0, 2),
        ("w.zip", "x/d.zip", "b.json", 1, 3),
    ]


# --- archives and days ---------------------------------------------------------------------------


def test_any_depth_and_any_case(tmp_path: Path) -> None:
    days = {
        "a/b/c.ZIP": day_zip({"../x/Part.JSON": part([1])}),
        "C:\\d.zip": day_zip({"/etc/x.json": part([2])}),
    }
    result = _run(tmp_path, {"W.Zip": archive_zip(days)})
    assert result.summary["days"]["read"] == result.summary["events"]["seen"] == 2


@pytest.mark.parametrize(
    "name",
    [
        *("__MACOSX/._{}", "a/__MACOSX/{}", "__MACOSX\\{}", ".{}", "a/.{}", "a\\.{}", "{}.txt"),
        *("{}/", ".x/{}", "a\\.x/b/{}", "..x/{}"),
    ],
)
def test_entries_passed_over(tmp_path: Path, name: str) -> None:
    content = part([purchase()])
    day = day_zip({name.format("a.json"): content, "b.json": content})
    days = {name.format("2024-03-01.zip"): day_zip({"a.json": content}), "d.zip": day}
    result = _run(tmp_path, {"w.zip": archive_zip(days)})
    assert result.summary["days"] == {"read": 1, "duplicate": 0, "unreadable": 0}
    assert result.summary["parts"] == {"read": 1, "unreadable": 0}


def test_dots_are_no_hidden_folders(tmp_path: Path) -> None:
    result = _run(tmp_path, {"w.zip": _week(part([purchase()]), "./d.zip", "../x/./a.json")})
    assert result.summary["events"]["counted"] == 1


def test_files_passed_over(tmp_path: Path) -> None:
    week = _week(part([purchase()]))
    shop = archives.write_shop(
        tmp_path, {".w.zip": week, "w.zip.txt": week, "zip": week}, CUSTOMERS, PRODUCTS
    )
    (shop.data / "folder").mkdir()
    (shop.data / "folder" / "w.zip").write_bytes(week)
    (shop.data / "folder.zip").mkdir()
    result = compute(shop.data, shop.dimensions)
    assert result.summary["archives"] == {"read": 0, "duplicate": 0, "unreadable": 1}
    assert result.summary["ignored"] == {".zip": 1, ".txt": 1, "": 1}


def test_what_holds_something_else_is_unreadable_and_what_holds_nothing_is_empty(
    tmp_path: Path,
) -> None:
    good = day_zip({"a.json": part([purchase()])})
    weeks = {
        "1.zip": archive_zip({"d.zip": good, "x.JSON.bz2": b"", "LICENSE": b"", "a/": b""}),
        "2.zip": archive_zip({"x.tar.gz": b"", "y.csv": b""}),
        "3.zip": archive_zip({"e.zip": day_zip({"a.xml": b""}), "f.zip": day_zip({})}),
        "4.zip": archive_zip({".DS_Store": b"", "__MACOSX/x.json": b""}),
    }
    result = _run(tmp_path, weeks)
    assert result.unreadable == [Place("2.zip"), Place("3.zip", "e.zip")]
    endings = [".json.bz2", "", ".tar.gz", ".csv", ".xml", "", ".json"]
    assert result.summary["ignored"] == {each: endings.count(each) for each in endings}
    assert result.summary["archives"] == {"read": 3, "duplicate": 0, "unreadable": 1}
    assert result.summary["days"] == {"read": 2, "duplicate": 0, "unreadable": 1}


def test_a_reading_that_counts_nothing_is_incomplete_unless_there_was_nothing(
    tmp_path: Path,
) -> None:
    for folder, events, status in (
        ("view", [{"event_type": "view"}], "incomplete"),
        ("rejected", [purchase(quantity=0)], "incomplete"),
        ("none", [], "complete"),
    ):
        week = _week(part(events))
        assert _run(tmp_path / folder, {"w.zip": week}).summary["status"] == status


def test_zips_in_a_day_are_other_entries(tmp_path: Path) -> None:
    content = part([purchase()])
    day = day_zip({"a.json": content, "b.zip": day_zip({"a.json": content})})
    result = _run(tmp_path, {"w.zip": archive_zip({"d.zip": day})})
    assert result.summary["parts"] == {"read": 1, "unreadable": 0}


def test_what_is_no_zip_is_unreadable_and_the_rest_counts(tmp_path: Path) -> None:
    good = day_zip({"a.json": part([purchase()])})
    days = {"a.zip": b"not a zip", "b.zip": archives.truncated(good), "c.zip": good}
    weeks = {
        "1.zip": b"",
        "2.zip": archive_zip(days),
        "3.zip": archives.truncated(archive_zip(days)),
        "4.zip": archives.flipped(archive_zip({"d.zip": good})),
        "5.zip": archives.encrypted_zip("d.zip", good),
    }
    result = _run(tmp_path, weeks)
    assert result.unreadable == [
        Place("1.zip"),
        Place("2.zip", "a.zip"),
        Place("2.zip", "b.zip"),
        Place("3.zip"),
        Place("4.zip", "d.zip"),
        Place("5.zip", "d.zip"),
    ]
    assert result.summary["archives"] == {"read": 3, "duplicate": 0, "unreadable": 2}
    assert result.summary["days"] == {"read": 1, "duplicate": 0, "unreadable": 4}
    assert result.summary["events"]["counted"] == 1


def test_equal_archives_count_once(tmp_path: Path) -> None:
    week = _week(part([purchase(), 5]))
    result = _run(tmp_path, {"b.zip": week, "a.zip": week, "c.zip": b"?", "d.zip": b"?"})
    assert result.summary["archives"] == {"read": 1, "duplicate": 2, "unreadable": 1}
    assert result.summary["events"]["seen"] == 2
    assert [reject.archive for reject in result.rejects] == ["a.zip"]


def test_equal_days_count_once_and_the_first_name_keeps_them(tmp_path: Path) -> None:
    day = day_zip({"a.json": part([purchase()])})
    weeks = {
        "b.zip": archive_zip({"2024-03-02.zip": day, "2024-03-01.zip": day}),
        "a.zip": archive_zip({"2024-03-03.zip": day, "2024-03-02.zip": day}),
    }
    result = _run(tmp_path, weeks)
    assert result.summary["days"] == {"read": 1, "duplicate": 3, "unreadable": 0}
    assert result.summary["conflicting_days"] == []
    assert result.daily_sales.decode() == DAILY_HEADER + "2024-03-02,Office,Retail,0.10,1\n"


def test_conflicting_days_both_count(tmp_path: Path) -> None:
    one, two = (day_zip({"a.json": part([purchase("c1", "p1", n)])}) for n in (1, 2))
    weeks = {
        "a.zip": archive_zip({"x/2024-03-01.zip": one, "2024-03-02.zip": one}),
        "b.zip": archive_zip({"y\\2024-03-01.zip": two, "2024-03-03.zip": one}),
    }
    result = _run(tmp_path, weeks)
    assert result.summary["conflicting_days"] == ["2024-03-01.zip"]
    assert result.summary["totals"]["units_sold"] == 3


def test_one_name_twice_in_one_archive_is_no_conflict(tmp_path: Path) -> None:
    one, two = (day_zip({"a.json": part([purchase("c1", "p1", n)])}) for n in (1, 2))
    result = _run(tmp_path, {"a.zip": archive_zip([("d.zip", one), ("d.zip", two)])})
    assert result.summary["conflicting_days"] == []
    assert result.summary["totals"]["units_sold"] == 3


# --- dimensions ----------------------------------------------------------------------------------


def test_dimensions_are_text_in_any_column_order(tmp_path: Path) -> None:
    shop = archives.write_shop(tmp_path, {"w.zip": _week(part([purchase("01", "NA")]))})
    (shop.dimensions / "customers.csv").write_bytes(
        b"\xef\xbb\xbfsegment,customer_id,join_date\r\nnan,01,\r\n"
    )
    (shop.dimensions / "products.csv").write_bytes(
        b"price,extra,category,product_id,product_name\n1.50,x,null,NA,\n"
    )
    assert compute(shop.data, shop.dimensions).rows == [("null", "nan", "1.50", 1, 1)]


# --- whatever the shop ---------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(shop=strategies.shops())
def test_every_event_is_accounted_for(shop: strategies.GeneratedShop) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = shop.write(Path(folder))
        for unknown in ("reject", "bucket"):
            result = compute(places.data, places.dimensions, unknown=unknown)
            events = result.summary["events"]
            figures = result.summary["rejected"].values()
            assert events["seen"] == sum(events.values()) - events["seen"]
            assert events["rejected"] == len(result.rejects) == sum(f["events"] for f in figures)
            assert (
                sum(row.units_sold for row in result.rows)
                == (result.summary["totals"]["units_sold"])
            )


@settings(max_examples=50, deadline=None)
@given(shop=strategies.shops(damage=False))
def test_shops_without_damage_can_be_read(shop: strategies.GeneratedShop) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = shop.write(Path(folder))
        assert compute(places.data, places.dimensions).unreadable == []
