"""What is published, and when: CONTRACT, section Output."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.messages import RejectReason
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import (
    SALES_HEADER,
    latest,
    plan_local,
    process_local,
    publish_local,
    rejects,
    rows,
    run_local,
    sales,
    shop_of,
    summary,
    text,
    units,
    week,
)

FILES = {
    "sales_report.csv",
    "sales_report.parquet",
    "by_category",
    "daily_sales.csv",
    "rejects.csv",
    "summary.json",
}
BROKEN = b"no array"


def _categories(
    tmp_path: Path, names: Sequence[str], price: str = "0.10"
) -> dict[str, list[list[str]]]:
    """A run that sells one thing of each category; by_category's files and their rows."""
    products = [(f"p{n}", "Pen", name, price) for n, name in enumerate(names)]
    events = part([purchase(product=f"p{n}") for n in range(len(names))])
    run_local(shop_of(tmp_path, events, products=products), tmp_path)
    folder = latest(tmp_path) / "by_category"
    files = sorted(folder.glob("*.csv"))
    pages = sorted(folder.glob("*.html"))
    assert [page.stem for page in pages] == [file.stem for file in files]
    assert len(list(folder.iterdir())) == 2 * len(files)
    return {file.name: rows(tmp_path, f"by_category/{file.name}") for file in files}


# --- sales_report --------------------------------------------------------------------------------


def test_rows_go_by_revenue_descending_then_category_then_segment(tmp_path: Path) -> None:
    customers = [(f"c-{name}", "2020-01-01", name) for name in ("b", "a", "Z")]
    products = [
        ("p1", "Pen", "Small", "1.00"),
        ("p2", "Pen", "same", "9.00"),
        ("p3", "Pen", "Same", "9.00"),
        ("p4", "Pen", "Large", "10.00"),
    ]
    events = [
        purchase(f"c-{segment}", product)
        for product in ("p1", "p2", "p3", "p4")
        for segment in ("b", "a", "Z")
    ]
    run_local(shop_of(tmp_path, part(events), customers=customers, products=products), tmp_path)
    assert text(tmp_path) == (
        f"{SALES_HEADER}\n"
        "Large,Z,10.00,1,1\nLarge,a,10.00,1,1\nLarge,b,10.00,1,1\n"
        "Same,Z,9.00,1,1\nSame,a,9.00,1,1\nSame,b,9.00,1,1\n"
        "same,Z,9.00,1,1\nsame,a,9.00,1,1\nsame,b,9.00,1,1\n"
        "Small,Z,1.00,1,1\nSmall,a,1.00,1,1\nSmall,b,1.00,1,1\n"
    )


def test_revenue_decides_before_its_text_does(tmp_path: Path) -> None:
    products = [("p1", "Pen", "A", "9.00"), ("p2", "Pen", "B", "10.00"), ("p3", "Pen", "C", "0")]
    events = part([purchase(product=f"p{n}") for n in (1, 2, 3)])
    run_local(shop_of(tmp_path, events, products=products), tmp_path)
    assert [row[2] for row in rows(tmp_path)] == ["10.00", "9.00", "0.00"]


@pytest.mark.parametrize(
    ("prices", "revenue"),
    [(("3", "4"), "3"), (("3", "0.5"), "3.0"), (("3", "0.125"), "3.000"), (("3.10", "1"), "3.10")],
)
def test_revenue_has_the_price_columns_decimals(
    tmp_path: Path, prices: tuple[str, str], revenue: str
) -> None:
    products = [(f"p{n}", "Pen", "Office", price) for n, price in enumerate(prices)]
    outcome = run_local(
        shop_of(tmp_path, part([purchase(product="p0")]), products=products), tmp_path
    )
    assert rows(tmp_path)[0][2] == revenue
    assert summary(outcome).totals.total_revenue == revenue


def test_customers_are_distinct_in_a_row_and_over_all(tmp_path: Path) -> None:
    customers = [("c1", "2020-01-01", "Retail"), ("C1", "2020-01-01", "Retail")]
    products = [("p1", "Pen", "A", "1"), ("p2", "Pen", "B", "2")]
    events = [purchase(c, p) for c in ("c1", "C1", "c1") for p in ("p1", "p2")]
    shop = shop_of(tmp_path, part(events), customers=customers, products=products)
    outcome = run_local(shop, tmp_path)
    assert [row[4] for row in rows(tmp_path)] == ["2", "2"]
    assert summary(outcome).totals.unique_customers == 2


VERBATIM = [
    *('Toys, "Games"', '"', ",", "Line\nbreak", "Line\r\nbreak", "Cr\r", " lead", "trail ", "\t"),
    *("=SUM(A1)", "NA", "007", "ünï ☕", "\ufeffx", "e\u0301", "é", "\u202egnp.exe", "'", "\\"),
]


def test_values_stand_verbatim_and_are_quoted_only_where_needed(tmp_path: Path) -> None:
    _categories(tmp_path, VERBATIM)
    found = [row[0] for row in rows(tmp_path)]
    assert found == sorted(VERBATIM)
    content = text(tmp_path)
    for plain in ("\n=SUM(A1),Retail,", "\nNA,", "\n007,", "\n lead,", "\ntrail ,", "\n',"):
        assert plain in content
    assert '\n"Toys, ""Games""",Retail,0.10,1,1\n' in content
    assert '\n"Line\r\nbreak",' in content


def test_report_is_utf8_with_lf_and_without_bom(tmp_path: Path) -> None:
    _categories(tmp_path, ["Ünï ☕"])
    content = (latest(tmp_path) / "sales_report.csv").read_bytes()
    assert content == f"{SALES_HEADER}\nÜnï ☕,Retail,0.10,1,1\n".encode()


def test_parquet_says_the_same_typed(tmp_path: Path) -> None:
    _categories(tmp_path, ["B", "A"])
    table = pq.read_table(latest(tmp_path) / "sales_report.parquet")
    assert table.schema.names == SALES_HEADER.split(",")
    assert table.schema.field("total_revenue").type == pa.decimal128(38, 2)
    assert table.schema.field("units_sold").type == pa.int64()
    found = [[str(value) for value in row.values()] for row in table.to_pylist()]
    assert found == rows(tmp_path)


def test_parquet_needs_no_codec_and_nothing_newer_than_what_every_reader_has(
    tmp_path: Path,
) -> None:
    """LZ4_RAW is unknown to Spark before 3.5, and to most readers in JavaScript."""
    _categories(tmp_path, ["Ünï ☕", *(f"category {n}" for n in range(500))])
    written = pq.read_metadata(latest(tmp_path) / "sales_report.parquet")
    groups = [written.row_group(n) for n in range(written.num_row_groups)]
    columns = [group.column(n) for group in groups for n in range(written.num_columns)]
    assert {column.compression for column in columns} == {"UNCOMPRESSED"}
    assert {each for column in columns for each in column.encodings} <= {"PLAIN", "RLE"}


# --- by_category ---------------------------------------------------------------------------------

HOSTILE = [
    *("Books", "books", "BOOKS", "../x", "..\\x", "x", "/etc/passwd", "..", ".", "-", " ", "_"),
    *("CON", "con", "nul.txt", "COM1", "LPT9", "a:b", "a?b", "a*b", "a|b", "<a>", "a/b", "a\\b"),
    *("e\u0301", "é", "İ", "i", "ß", "ss", "SS", "🛒", "店", "\u202e", "a\x01b", "a.", "a ", "a"),
    *("x" * 300, "x" * 299 + "y", "ü" * 300, "x" * 80, "x" * 81, "~", "-rf", ".hidden", "a\nb"),
    *("Books-1", "category", "COM\u00b9", "CONIN$", "CONOUT$", "CLOCK$", "com0", "Con "),
]
_DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"} | {
    f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"
}


def test_every_category_has_a_file_of_its_own_with_a_safe_name(tmp_path: Path) -> None:
    found = _categories(tmp_path, HOSTILE)
    assert len({name.casefold() for name in found}) == len(found) == len(HOSTILE)
    assert {row[0] for (row,) in found.values()} == set(HOSTILE)
    for name in found:
        stem = name.removesuffix(".csv")
        assert name == f"{stem}.csv"
        assert name.isascii()
        assert len(name) <= 120
        assert stem.split(".")[0].casefold() not in _DEVICES
        assert not set(name) & set('/\\:*?"<>|\n\r\t \0')
        assert not name.startswith(("-", "."))


def test_plain_category_keeps_its_name(tmp_path: Path) -> None:
    assert set(_categories(tmp_path, ["Books", "Home_2", "Toys-x"])) == {
        "Books.csv",
        "Home_2.csv",
        "Toys-x.csv",
    }


def test_category_that_looks_like_anothers_file_name_does_not_take_it(tmp_path: Path) -> None:
    first = _categories(tmp_path / "a", ["a/b"])
    (taken,) = (name.removesuffix(".csv") for name in first)
    found = _categories(tmp_path / "b", ["a/b", taken])
    assert len({name.casefold() for name in found}) == 2


def test_category_file_has_the_reports_rows_of_that_category(tmp_path: Path) -> None:
    customers = [("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "VIP")]
    products = [("p1", "Pen", "A", "1"), ("p2", "Pen", "B", "2")]
    events = [purchase(c, p, q) for q, c in enumerate(("c1", "c2"), 1) for p in ("p1", "p2")]
    run_local(shop_of(tmp_path, part(events), customers=customers, products=products), tmp_path)
    assert text(tmp_path, "by_category/A.csv") == f"{SALES_HEADER}\nA,VIP,2,2,1\nA,Retail,1,1,1\n"
    assert text(tmp_path, "by_category/B.csv") == f"{SALES_HEADER}\nB,VIP,4,2,1\nB,Retail,2,1,1\n"


# --- daily_sales ---------------------------------------------------------------------------------


def test_daily_sales_goes_by_the_date_in_the_days_name(tmp_path: Path) -> None:
    names = {
        "events_2024-03-02_v2.zip": 1,
        "deep/2024-03-01.zip": 10,
        "2024-03-09/undated.zip": 100,
        "2023-02-29 2024-02-29.zip": 1000,
        "x-2024-03-01.ZIP": 10000,
    }
    days = {name: day_zip({"a.json": sales(number)}) for name, number in names.items()}
    run_local(write_shop(tmp_path / "shop", {"week.zip": week(days=days)}), tmp_path)
    assert text(tmp_path, "daily_sales.csv") == (
        "date,category,customer_segment,total_revenue,units_sold\n"
        ",Office,Retail,10.00,100\n"
        "2024-02-29,Office,Retail,100.00,1000\n"
        "2024-03-01,Office,Retail,1001.00,10010\n"
        "2024-03-02,Office,Retail,0.10,1\n"
    )


# --- rejects -------------------------------------------------------------------------------------


def _dirty(tmp_path: Path, size: int = 0) -> Shop:
    bad = [purchase(quantity=0, n=n, note="x" * size) for n in range(6)]
    days = {
        f"2024-03-0{n}.zip": day_zip({"a.json": part(bad[:n]), "b.json": part(bad[n:])})
        for n in range(1, 4)
    }
    return write_shop(
        tmp_path / "shop", {"a.zip": week(days=days), "b.zip": week(part([5, 6]), sales(1))}
    )


@pytest.mark.parametrize("batch_size", [1, 50_000])
@pytest.mark.parametrize("cap", [0, 1, 7, 18, 19, 20, 1000])
def test_rejects_are_capped_in_their_order_and_counts_are_not(
    tmp_path: Path, cap: int, batch_size: int
) -> None:
    shop = _dirty(tmp_path)
    run_local(shop, tmp_path / "all", batch_size=batch_size)
    outcome = run_local(shop, tmp_path / "capped", reject_rows=cap, batch_size=batch_size)
    everything = rejects(tmp_path / "all")
    assert len(everything) == 20
    order = [(row["archive"], row["day"], row["part"], int(row["position"])) for row in everything]
    assert order == sorted(order)
    assert rejects(tmp_path / "capped") == everything[:cap]
    assert summary(outcome).events.rejected == 20
    assert {reason: f.events for reason, f in summary(outcome).rejected.items()} == {
        "not_an_object": 2,
        "invalid_quantity": 18,
    }


@pytest.mark.parametrize("batch_size", [1, 50_000])
def test_cap_holds_for_very_long_events_too(tmp_path: Path, batch_size: int) -> None:
    long = part([purchase(quantity=0, n=n, note="x" * 200_000) for n in range(3)])
    shop = write_shop(
        tmp_path / "shop", {"a.zip": week(sales(), long), "b.zip": week(long, sales())}
    )
    for cap in (2, 5):
        folder = tmp_path / str(cap)
        outcome = run_local(shop, folder, reject_rows=cap, batch_size=batch_size)
        assert outcome.exit_code == 0
        header, *lines = text(folder, "rejects.csv").splitlines()
        assert header.startswith("reason,")
        assert len(lines) == cap
        assert all(len(line) > 200_000 for line in lines)


def test_event_stands_on_one_line_as_it_was_spelled(tmp_path: Path) -> None:
    event = b'{\n "event_type" : 5 ,\r\n "note": "a  b \\u00e9 \\ud800", "n": 1.50e2}'
    run_local(shop_of(tmp_path, b"[" + event + b"]"), tmp_path)
    assert rejects(tmp_path)[0]["event"] == (
        '{"event_type":5,"note":"a  b \\u00e9 \\ud800","n":1.50e2}'
    )


# --- summary -------------------------------------------------------------------------------------


def test_summary_has_the_keys_of_the_contract_and_the_conservation_law_holds(
    tmp_path: Path,
) -> None:
    shop = write_shop(
        tmp_path / "shop",
        {
            "a.zip": week(part([purchase(), {"event_type": "view"}, 5, purchase("x")]), BROKEN),
            "b.zip": week(part([purchase(quantity=5)])),
            "c.zip": b"",
        },
    )
    outcome = run_local(shop, tmp_path)
    found: dict[str, Any] = json.loads(text(tmp_path, "summary.json"))
    assert found["run_id"] == outcome.run_id
    assert (found["status"], found["engine"]) == ("incomplete", "local")
    assert found["archives"] == {"read": 2, "reused": 0, "duplicate": 0, "unreadable": 1}
    assert found["days"] == {"read": 2, "reused": 0, "duplicate": 0, "unreadable": 0}
    assert found["parts"] == {"read": 2, "unreadable": 1}
    assert found["events"] == {"seen": 5, "counted": 2, "not_purchase": 1, "rejected": 2}
    unknown = {"units": None, "revenue": None, "unknown_units": 1, "unknown_revenue": 1}
    known = {"units": 1, "revenue": "0.10", "unknown_units": 0, "unknown_revenue": 0}
    assert found["rejected"] == {
        "not_an_object": {"events": 1, **unknown, "returns": None},
        "unknown_customer": {"events": 1, **known, "returns": None},
    }
    assert found["totals"] == {"total_revenue": "0.60", "units_sold": 6, "unique_customers": 1}
    assert [(u["archive"], u["day"], u["part"]) for u in found["unreadable"]] == [
        ("a.zip", "2024-03-01.zip", "1.json"),
        ("c.zip", None, None),
    ]
    assert all(u["cause"] for u in found["unreadable"])
    assert found["conflicting_days"] == ["2024-03-01.zip"]
    assert sorted(found["inputs"]) == ["a.zip", "b.zip", "c.zip"]
    assert len(found["dimensions_digest"]) == 64
    assert found["seconds"] > 0
    assert set(found["rejected"]) <= {reason.value for reason in RejectReason}


# --- publishing ----------------------------------------------------------------------------------


def test_latest_is_the_newest_run_and_earlier_ones_are_kept(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    ids = []
    for number in (1, 2):
        shop = shop_of(tmp_path / str(number), sales(number))
        ids.append(run_local(shop, tmp_path).run_id)
        assert os.readlink(reports / "latest") == f"runs/{ids[-1]}"
        assert set(os.listdir(latest(tmp_path))) >= FILES
        assert (reports / "sales_report.csv").read_text() == text(tmp_path)
        assert rows(tmp_path)[0][3] == str(number)
    assert sorted(path.name for path in (reports / "runs").iterdir()) == sorted(ids)
    assert "Retail,0.10,1,1" in (reports / "runs" / ids[0] / "sales_report.csv").read_text()
    assert (reports / "index.html").read_bytes() == (latest(tmp_path) / "index.html").read_bytes()
    standing = {"index.html", "latest", "owner.json", "runs", "sales_report.csv"}
    assert {path.name for path in reports.iterdir()} == standing


def test_refused_run_leaves_the_former_report_and_can_be_published_later(tmp_path: Path) -> None:
    first = run_local(shop_of(tmp_path / "1", sales(1)), tmp_path)
    shop = shop_of(tmp_path / "2", sales(2), BROKEN)
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    refused = publish_local(tmp_path, manifest)
    assert (refused.state, refused.status, refused.exit_code) == ("refused", "incomplete", 1)
    assert "2024-03-01.zip" in refused.reason
    assert "1.json" in refused.reason
    assert manifest.run_id in refused.remedy
    assert os.readlink(latest(tmp_path)) == f"runs/{first.run_id}"
    assert os.listdir(tmp_path / "reports" / "runs") == [first.run_id]

    for archive in shop.data.iterdir():
        archive.unlink()  # nothing is read again
    published = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert (published.state, published.exit_code) == ("published", 3)
    assert os.readlink(latest(tmp_path)) == f"runs/{manifest.run_id}"
    assert units(published) == 2
    assert json.loads(text(tmp_path, "summary.json"))["status"] == "incomplete"


def test_option_of_the_run_allows_incomplete(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(2), BROKEN)
    outcome = run_local(shop, tmp_path, publish_incomplete=False, allow_incomplete=True)
    assert outcome.exit_code == 3


def test_older_run_published_late_does_not_take_over(tmp_path: Path) -> None:
    older = plan_local(shop_of(tmp_path / "1", sales(1)), tmp_path)
    process_local(tmp_path, older)
    newer_shop = shop_of(tmp_path / "2", sales(2))
    newer = plan_local(newer_shop, tmp_path)
    while newer.run_id < older.run_id:  # within a second, chance decides
        newer = plan_local(newer_shop, tmp_path)
    process_local(tmp_path, newer)
    publish_local(tmp_path, newer)
    late = publish_local(tmp_path, older)
    assert late.exit_code == 0
    assert os.readlink(latest(tmp_path)) == f"runs/{newer.run_id}"
    assert (tmp_path / "reports" / "runs" / older.run_id / "sales_report.csv").is_file()


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    manifest = plan_local(shop_of(tmp_path, sales(1)), tmp_path)
    process_local(tmp_path, manifest)
    first = publish_local(tmp_path, manifest)
    before = {path: path.stat().st_mtime_ns for path in latest(tmp_path).rglob("*")}
    assert publish_local(tmp_path, manifest) == first
    assert {path: path.stat().st_mtime_ns for path in latest(tmp_path).rglob("*")} == before


def test_runs_planned_in_one_second_keep_their_order(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(1))
    ids = [plan_local(shop, tmp_path).run_id for _ in range(8)]
    assert ids == sorted(ids)


def test_batch_size_changes_no_byte(tmp_path: Path) -> None:
    shop = _dirty(tmp_path)
    files = ("sales_report.csv", "daily_sales.csv", "rejects.csv", "by_category/Office.csv")
    found = set()
    for size in (1, 3, 1_000_000):
        run_local(shop, tmp_path / str(size), batch_size=size)
        found.add(tuple(text(tmp_path / str(size), name) for name in files))
    assert len(found) == 1


# --- empty and limited runs ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "archives",
    [
        {"week.zip": archive_zip({}), "notes.txt": b"hello"},
        {"week.zip": archive_zip({".readme.txt": b"hello"})},
        {"week.zip": archive_zip({"2024-03-01.zip": day_zip({})})},
        {"week.zip": week(b"[]", b" [ ] \n")},
    ],
)
def test_run_without_sales_publishes_an_empty_report(
    tmp_path: Path, archives: dict[str, bytes]
) -> None:
    outcome = run_local(write_shop(tmp_path / "shop", archives), tmp_path)
    assert outcome.exit_code == 0
    assert text(tmp_path) == f"{SALES_HEADER}\n"
    assert rows(tmp_path, "daily_sales.csv") == []
    assert rejects(tmp_path) == []
    assert list((latest(tmp_path) / "by_category").iterdir()) == []
    totals = summary(outcome).totals
    assert (totals.total_revenue, totals.units_sold, totals.unique_customers) == ("0.00", 0, 0)


def test_empty_or_missing_data_folder_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {})
    with pytest.raises(ConfigError):
        plan_local(shop, tmp_path)
    shop.data.rmdir()
    with pytest.raises(ConfigError):
        plan_local(shop, tmp_path)


@pytest.mark.parametrize(
    ("share", "state"), [(0.0, "refused"), (0.24, "refused"), (0.25, "published")]
)
def test_share_of_rejected_purchases_is_limited(tmp_path: Path, share: float, state: str) -> None:
    views = [{"event_type": "view"}] * 96
    events = part([*views, *[purchase()] * 3, purchase(quantity=0)])
    limits = {"reject_share": share}
    outcome = run_local(
        shop_of(tmp_path, events), tmp_path, limits=limits, publish_incomplete=False
    )
    assert outcome.state == state
    assert latest(tmp_path).exists() == (state == "published")
    if state == "refused":
        assert "1 of 4 purchases had to be rejected" in outcome.reason


def test_reject_share_may_be_overruled(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(), purchase(quantity=0)]))
    outcome = run_local(shop, tmp_path, limits={"reject_share": 0.1})
    assert (outcome.state, outcome.exit_code) == ("published", 3)
