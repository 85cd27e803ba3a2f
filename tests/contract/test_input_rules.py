"""What counts, what costs one event, and what cannot be read: CONTRACT, section Input."""

from __future__ import annotations

import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.frames import EventExtractor
from pipeline_core.messages import Limits
from tests.support import archives as build
from tests.support.archives import RawEntry, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import (
    Place,
    reasons,
    rejects,
    rows,
    run_local,
    sales,
    shop_of,
    summary,
    text,
    units,
    unreadable,
    week,
)
from tests.support.verified import assert_agrees

DAY = "2024-03-01.zip"
WEEK = "week.zip"
CUSTOMERS = (("c1", "2020-01-01", "Retail"), ("c0", "2020-01-01", None))
PRODUCTS = (("p1", "Pen", "Office", "0.10"), ("p0", "Pen", None, "0.10"))


# --- rejects -------------------------------------------------------------------------------------

# In the order in which the reasons are tried; each event has the faults that come after, too.
ORDERED: list[tuple[str, Any]] = [
    ("not_an_object", ["purchase"]),
    ("invalid_event_type", purchase(None, None, None) | {"event_type": 5}),
    ("guest", purchase("", "", -1)),
    ("invalid_customer_id", purchase(5, "", -1)),
    ("invalid_product_id", purchase("nobody", "", 0)),
    ("return", purchase("nobody", "nothing", -1)),
    ("invalid_quantity", purchase("nobody", "nothing", 0)),
    ("unknown_product", purchase("nobody", "nothing")),
    ("unknown_customer", purchase("nobody", "p0")),
    ("missing_category", purchase("c0", "p0")),
    ("missing_segment", purchase("c0", "p1")),
]


@pytest.mark.parametrize(("reason", "event"), ORDERED)
def test_first_reason_wins_and_one_bad_event_costs_one_event(
    tmp_path: Path, reason: str, event: Any
) -> None:
    parts = part([purchase(quantity=2), event, purchase(quantity=3)])
    outcome = run_local(shop_of(tmp_path, parts, customers=CUSTOMERS, products=PRODUCTS), tmp_path)
    assert outcome.exit_code == 0
    assert units(outcome) == 5
    found = rejects(tmp_path)
    assert [(row["reason"], row["position"]) for row in found] == [(reason, "1")]
    assert json.loads(found[0]["event"]) == event


@pytest.mark.parametrize(
    ("reason", "field", "values", "missing"),
    [
        ("invalid_event_type", "event_type", [None, 1, True, ["purchase"], {}], None),
        ("guest", "customer_id", [None, ""], "guest"),
        ("invalid_customer_id", "customer_id", [0, 12, False, ["c1"], {}], "guest"),
        ("invalid_product_id", "product_id", [None, "", 0, 12, False, ["p1"], {}], None),
        ("return", "quantity", [-1, -7, -(2**31 - 1)], "invalid_quantity"),
        (
            "invalid_quantity",
            "quantity",
            [None, 0, -(2**31), 2**31, 10**30, -(10**30), 1.0, -1.0, 1e2, True, "1", "-1", [1]],
            None,
        ),
    ],
)
def test_wrong_or_missing_field_is_rejected(
    tmp_path: Path, reason: str, field: str, values: list[Any], missing: str | None
) -> None:
    events = [purchase() | {field: value} for value in values]
    without = purchase()
    del without[field]
    run_local(shop_of(tmp_path, part([*events, without])), tmp_path)
    assert reasons(tmp_path) == [*[reason] * len(values), missing or reason]


def test_quantity_may_be_one_to_the_largest_int32(tmp_path: Path) -> None:
    outcome = run_local(
        shop_of(tmp_path, part([purchase(quantity=1), purchase(quantity=2**31 - 1)])), tmp_path
    )
    assert units(outcome) == 2**31


def test_only_the_exact_type_is_a_purchase_and_other_strings_are_only_counted(
    tmp_path: Path,
) -> None:
    kinds = ["Purchase", "purchase ", "", "view", "purchase\u0000", "p\u00fcrchase"]
    events = [{"event_type": kind, "quantity": -1} for kind in kinds]
    outcome = run_local(shop_of(tmp_path, part([*events, purchase()])), tmp_path)
    counts = summary(outcome).events
    assert (counts.seen, counts.counted, counts.not_purchase, counts.rejected) == (7, 1, 6, 0)


def test_timestamp_never_rejects(tmp_path: Path) -> None:
    stamps: list[Any] = ["yesterday", None, 5, [], "2024-03-01T08:26:00"]
    outcome = run_local(
        shop_of(tmp_path, part([purchase(timestamp=stamp) for stamp in stamps])), tmp_path
    )
    assert units(outcome) == 5


def test_reject_figures_are_null_where_they_cannot_be_known(tmp_path: Path) -> None:
    events = [event for _, event in ORDERED]
    outcome = run_local(
        shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS), tmp_path
    )
    figures = {
        reason: (found.events, found.units, found.revenue)
        for reason, found in summary(outcome).rejected.items()
    }
    assert figures == {
        "not_an_object": (1, None, None),
        "invalid_event_type": (1, None, None),
        "guest": (1, 0, "0.00"),
        "invalid_customer_id": (1, 0, "0.00"),
        "invalid_product_id": (1, None, None),
        "return": (1, -1, None),
        "invalid_quantity": (1, None, None),
        "unknown_product": (1, 1, None),
        "unknown_customer": (1, 1, "0.10"),
        "missing_category": (1, 1, "0.10"),
        "missing_segment": (1, 1, "0.10"),
    }


def test_what_came_back_is_left_out_with_its_units_and_money(tmp_path: Path) -> None:
    back = [("c1", "p1", -3), ("nobody", "p0", -1), ("c1", "nothing", -4), (None, "p1", -5)]
    events = [purchase(), *(purchase(*each) for each in back), purchase("c1", "p1", 1 - 2**31)]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    left_out = {}
    for unknown in ("reject", "bucket"):
        outcome = run_local(shop, tmp_path / unknown, unknown=unknown)
        left_out[unknown] = {
            reason: (found.events, found.units, found.revenue)
            for reason, found in summary(outcome).rejected.items()
        }
        assert rows(tmp_path / unknown) == [["Office", "Retail", "0.10", "1", "1"]]
        assert_agrees(tmp_path / unknown, outcome)
    assert left_out == {
        "reject": {"guest": (1, 0, "0.00"), "return": (4, -2147483655, "-214748365.10")},
        "bucket": {"return": (5, -2147483660, "-214748365.60")},
    }


# --- bucket mode ---------------------------------------------------------------------------------


def test_bucket_keeps_the_unknown_under_unknown(tmp_path: Path) -> None:
    guest: dict[str, Any] = purchase(quantity=1000)
    del guest["customer_id"]
    events = [
        purchase("nobody", "p1", 1),
        purchase("c1", "nothing", 10),
        purchase("c0", "p0", 100),
        guest,
        purchase(None, "p1", 1000),
        purchase("", "p1", 1000),
        purchase("nobody", "p1", 1),
    ]
    outcome = run_local(
        shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS),
        tmp_path,
        unknown="bucket",
    )
    assert rows(tmp_path) == [
        ["Office", "Unknown", "300.20", "3002", "1"],
        ["Unknown", "Unknown", "10.00", "100", "1"],
        ["Unknown", "Retail", "0.00", "10", "1"],
    ]
    assert summary(outcome).totals.unique_customers == 3
    assert summary(outcome).events.rejected == 0


def test_bucket_rejects_everything_else_as_before(tmp_path: Path) -> None:
    events = [
        5,
        purchase() | {"event_type": None},
        purchase(customer=7, quantity=-1),
        purchase(customer=None, product="", quantity=-1),
        purchase(customer=None, quantity=-1),
        purchase(customer="nobody", quantity=0),
        purchase(customer=[]),
    ]
    run_local(shop_of(tmp_path, part(events)), tmp_path, unknown="bucket")
    assert reasons(tmp_path) == [
        "not_an_object",
        "invalid_event_type",
        "invalid_customer_id",
        "invalid_product_id",
        "return",
        "invalid_quantity",
        "invalid_customer_id",
    ]


def test_bucket_shares_its_row_with_a_category_that_is_called_unknown(tmp_path: Path) -> None:
    products = (("p1", "Pen", "Unknown", "0.10"), ("p0", "Pen", None, "0.10"))
    events = part([purchase(), purchase(product="p0"), purchase(product="nothing")])
    run_local(shop_of(tmp_path, events, products=products), tmp_path, unknown="bucket")
    assert rows(tmp_path) == [["Unknown", "Retail", "0.20", "3", "1"]]


# --- unreadable parts ----------------------------------------------------------------------------

NOT_JSON = [
    b"",
    b" \n",
    b"{}",
    b"null",
    b'"[]"',
    b"[",
    b"[1",
    b"[1,]",
    b"[,1]",
    b"[1 2]",
    b"[]]",
    b"[][]",
    b"[]x",
    b"[NaN]",
    b"[Infinity]",
    b"[01]",
    b"['a']",
    b'["\\x41"]',
    b'["a\nb"]',
    b'[{"a":1,}]',
    b'[{"event_type": "purchase"',
    b"\xef\xbb\xbf\xef\xbb\xbf[]",
    "[]".encode("utf-16"),
]
NOT_UTF8 = [b'["\xe9"]', b'[{"note": "\xc0\x80"}]', b'["\xed\xa0\x80"]', b'["\xf5\x80\x80\x80"]']


def _one_bad(shop_folder: Path, name: str, day: bytes) -> Callable[..., dict[Place, str]]:
    """A shop with a bad day (or a day with a bad part) among sound ones; 3 units are sound."""
    shop = write_shop(
        shop_folder / "shop",
        {WEEK: archive_zip({name: day, "2024-03-02.zip": day_zip({"a.json": sales(3)})})},
    )

    def run(**options: Any) -> dict[Place, str]:
        outcome = run_local(shop, shop_folder, **options)
        assert outcome.status == "incomplete"
        assert outcome.exit_code == 3
        assert units(outcome) == 3
        assert summary(outcome).events.seen == 1
        return unreadable(outcome)

    return run


@pytest.mark.parametrize("content", NOT_JSON)
def test_part_that_is_no_array_is_recorded_and_contributes_nothing(
    tmp_path: Path, content: bytes
) -> None:
    causes = _one_bad(tmp_path, DAY, day_zip({"bad.json": content}))()
    assert list(causes) == [(WEEK, DAY, "bad.json")]
    cause = causes[WEEK, DAY, "bad.json"]
    assert re.search(r"not a JSON array|holds no JSON events|no array of events", cause)


@pytest.mark.skipif(sys.platform != "linux", reason="a name may be any bytes on Linux only")
def test_archive_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales())
    (shop.data / os.fsdecode(b"\xff.txt")).write_bytes(b"anything else is ignored")
    assert run_local(shop, tmp_path).exit_code == 0
    (shop.data / os.fsdecode(b"\xff.zip")).write_bytes(b"")
    outcome = run_local(shop, tmp_path)
    assert unreadable(outcome) == {("\\udcff.zip", None, None): "its name is not UTF-8"}
    assert units(outcome) == 1
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("content", NOT_UTF8)
def test_part_that_is_not_utf8_says_so(tmp_path: Path, content: bytes) -> None:
    causes = _one_bad(tmp_path, DAY, day_zip({"bad.json": content}))()
    assert "not UTF-8" in causes[WEEK, DAY, "bad.json"]


@pytest.mark.parametrize("batch_size", [1, 50_000])
def test_part_that_breaks_late_takes_back_what_came_before(tmp_path: Path, batch_size: int) -> None:
    good = [purchase(quantity=7), purchase(quantity=0)] * 200
    content = part(good)[:-1] + b", oops]"
    causes = _one_bad(tmp_path, DAY, day_zip({"bad.json": content}))(batch_size=batch_size)
    assert list(causes) == [(WEEK, DAY, "bad.json")]
    assert reasons(tmp_path) == []


def _tiny_parts_day() -> bytes:
    return day_zip({"big.json": part([purchase(quantity=9)] * 50)})


@pytest.mark.parametrize(
    ("limits", "cause"),
    [
        ({"part_bytes": 2000}, "the part holds more than the limit of 2000 bytes"),
        ({"json_depth": 2}, "nested deeper than the limit of 2"),
        ({"event_bytes": 100}, "an event is longer than the limit of 100 bytes"),
    ],
)
def test_part_over_a_limit_is_unreadable(
    tmp_path: Path, limits: Mapping[str, int], cause: str
) -> None:
    big = part([purchase(quantity=9, note="x" * 40, nested=[])] * 50)
    causes = _one_bad(tmp_path, DAY, day_zip({"bad.json": big}))(limits=limits)
    assert list(causes) == [(WEEK, DAY, "bad.json")]
    assert cause in causes[WEEK, DAY, "bad.json"]


def test_part_of_exactly_the_limits_is_read(tmp_path: Path) -> None:
    event = purchase()
    content = part([event])
    limits = {"part_bytes": len(content), "event_bytes": len(json.dumps(event)), "json_depth": 2}
    outcome = run_local(shop_of(tmp_path, content), tmp_path, limits=limits)
    assert outcome.exit_code == 0
    assert units(outcome) == 1


def test_depth_of_256_is_read_and_257_is_not(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, build.deep_part(256), build.deep_part(257), build.deep_part(100_000))
    outcome = run_local(shop, tmp_path)
    assert set(unreadable(outcome)) == {(WEEK, DAY, "1.json"), (WEEK, DAY, "2.json")}
    assert reasons(tmp_path) == ["not_an_object"]


INVALID_PARTS: dict[str, tuple[bytes, str]] = {
    "bad CRC": (build.flipped(day_zip({"a.json": sales(9)}, compression=0)), "CRC"),
    "bad deflate": (build.flipped(day_zip({"a.json": sales(9) + b" " * 999})), "inflated"),
    "encrypted": (build.encrypted_zip("a.json", sales(9)), "encrypted"),
    "unsupported": (build.unsupported_zip("a.json", sales(9)), "not supported"),
    "declares less": (build.lying_zip("a.json", sales(9), declared=20), "inflated"),
    "declares nothing": (build.lying_zip("a.json", sales(9), declared=0), "inflated"),
    "declares more": (build.lying_zip("a.json", sales(9), declared=5000), "declares 5000 bytes"),
}


@pytest.mark.parametrize("kind", INVALID_PARTS)
def test_part_that_cannot_be_inflated_is_unreadable(tmp_path: Path, kind: str) -> None:
    day, cause = INVALID_PARTS[kind]
    causes = _one_bad(tmp_path, DAY, day)()
    assert list(causes) == [(WEEK, DAY, "a.json")]
    assert cause in causes[WEEK, DAY, "a.json"]


def test_part_that_declares_too_much_is_over_the_limit(tmp_path: Path) -> None:
    day = build.lying_zip("a.json", sales(9), declared=5 << 30)
    causes = _one_bad(tmp_path, DAY, day)()
    assert "limit of 4294967296 bytes" in causes[WEEK, DAY, "a.json"]


def test_sound_parts_of_a_day_count_beside_unreadable_ones(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(1), b"oops", sales(10), b'["\xff"]', sales(100))
    outcome = run_local(shop, tmp_path)
    assert units(outcome) == 111
    assert set(unreadable(outcome)) == {(WEEK, DAY, "1.json"), (WEEK, DAY, "3.json")}
    assert (summary(outcome).parts.read, summary(outcome).parts.unreadable) == (3, 2)
    assert summary(outcome).days.read == 1


# --- unreadable days -----------------------------------------------------------------------------

INVALID_DAYS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a zip"),
    "text": (b"[]", "not a zip"),
    "truncated": (build.truncated(_tiny_parts_day()), "not a zip"),
    "bare signature": (b"PK\3\4", "not a zip"),
    "end cut off": (_tiny_parts_day()[:-5], "not a zip"),
}


@pytest.mark.parametrize("kind", INVALID_DAYS)
def test_day_that_is_no_zip_is_recorded_without_a_part(tmp_path: Path, kind: str) -> None:
    day, cause = INVALID_DAYS[kind]
    causes = _one_bad(tmp_path, DAY, day)()
    assert list(causes) == [(WEEK, DAY, None)]
    assert cause in causes[WEEK, DAY, None]


def test_day_over_its_limit_contributes_nothing_of_what_was_read_before(tmp_path: Path) -> None:
    parts = {f"{n}.json": part([purchase(quantity=9), 5] * 20) for n in range(9)}
    causes = _one_bad(tmp_path, DAY, day_zip(parts))(limits={"day_bytes": 5000}, batch_size=1)
    assert causes == {(WEEK, DAY, None): "the day holds more than the limit of 5000 bytes"}
    assert reasons(tmp_path) == []


def test_day_with_too_many_entries_is_unreadable(tmp_path: Path) -> None:
    parts = [(f"{n}.txt", b"") for n in range(20)] + [("a.json", sales(9))]
    causes = _one_bad(tmp_path, DAY, day_zip(parts))(limits={"zip_entries": 20})
    assert causes == {(WEEK, DAY, None): "the day has more than 20 entries"}


@pytest.mark.parametrize(
    "archive",
    [
        build.encrypted_zip(DAY, day_zip({"a.json": sales(9)})),
        build.unsupported_zip(DAY, day_zip({"a.json": sales(9)})),
        build.flipped(archive_zip({DAY: _tiny_parts_day()}, compression=0)),
        build.lying_zip(DAY, _tiny_parts_day(), declared=30),
        build.lying_zip(DAY, _tiny_parts_day(), declared=99_999),
    ],
)
def test_day_that_cannot_be_inflated_is_unreadable(tmp_path: Path, archive: bytes) -> None:
    shop = write_shop(tmp_path / "shop", {WEEK: archive, "other.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path)
    assert list(unreadable(outcome)) == [(WEEK, DAY, None)]
    assert units(outcome) == 3
    assert summary(outcome).days.unreadable == 1
    assert summary(outcome).archives.read == 2


# --- unreadable archives -------------------------------------------------------------------------


def test_an_entry_without_a_name_is_no_part_and_not_nothing(tmp_path: Path) -> None:
    nameless = build.raw_zip([build.RawEntry("", b"[]", 2, zlib.crc32(b"[]"))])
    days = {"1.zip": nameless, DAY: build.day_zip({"0.json": sales(2)})}
    outcome = run_local(write_shop(tmp_path / "shop", {WEEK: week(days=days)}), tmp_path)
    assert unreadable(outcome) == {
        (WEEK, "1.zip", None): "the day holds no part, but 1 without an ending"
    }
    assert units(outcome) == 2


def test_an_archive_that_lost_its_first_bytes_costs_its_first_day(tmp_path: Path) -> None:
    days = {"1.zip": build.day_zip({"0.json": sales(1)}), DAY: build.day_zip({"0.json": sales(2)})}
    shop = write_shop(tmp_path / "shop", {WEEK: week(days=days)[8:]})
    outcome = run_local(shop, tmp_path)
    assert list(unreadable(outcome)) == [(WEEK, "1.zip", None)]
    assert units(outcome) == 2


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"no zip at all", build.truncated(week(sales(9) * 9)), b"\0" * 1000]
)
def test_archive_that_is_no_zip_is_recorded_without_a_day(tmp_path: Path, content: bytes) -> None:
    shop = write_shop(tmp_path / "shop", {WEEK: content, "other.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path)
    causes = unreadable(outcome)
    assert list(causes) == [(WEEK, None, None)]
    assert "not a zip" in causes[WEEK, None, None]
    assert units(outcome) == 3
    archives = summary(outcome).archives
    assert (archives.read, archives.unreadable) == (1, 1)


def test_archive_over_its_limit_contributes_nothing(tmp_path: Path) -> None:
    days = {
        f"2024-03-0{n}.zip": day_zip({"a.json": part([purchase(quantity=9), n] * 20)})
        for n in range(1, 9)
    }
    shop = write_shop(tmp_path / "shop", {WEEK: archive_zip(days), "other.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path, limits={"archive_bytes": 5000}, batch_size=1)
    assert unreadable(outcome) == {
        (WEEK, None, None): "the archive holds more than the limit of 5000 bytes"
    }
    assert units(outcome) == 3
    assert reasons(tmp_path) == []
    assert summary(outcome).days.read == 1


def test_archive_with_too_many_entries_is_unreadable(tmp_path: Path) -> None:
    crowd = {f"{n}.zip": day_zip({"a.json": sales(n)}) for n in range(1, 8)}
    shop = write_shop(tmp_path / "shop", {WEEK: archive_zip(crowd), "other.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path, limits={"zip_entries": 6})
    assert unreadable(outcome) == {(WEEK, None, None): "the archive has more than 6 entries"}
    assert units(outcome) == 3


def test_archive_that_changed_after_the_plan_is_unreadable(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {WEEK: week(sales(9)), "other.zip": week(sales(3))})
    outcome = run_local(
        shop, tmp_path, after_plan=lambda: (shop.data / WEEK).write_bytes(week(sales(77777)))
    )
    assert unreadable(outcome) == {
        (WEEK, None, None): "the archive changed after the run was planned"
    }
    assert units(outcome) == 3


def test_archive_that_vanished_after_the_plan_is_unreadable(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {WEEK: week(sales(9)), "other.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path, after_plan=(shop.data / WEEK).unlink)
    assert unreadable(outcome) == {
        (WEEK, None, None): "the archive vanished after the run was planned"
    }
    assert units(outcome) == 3


def test_day_counts_from_its_second_archive_if_the_first_cannot_be_read(tmp_path: Path) -> None:
    day = day_zip({"a.json": sales(3)})
    big = day_zip({"b.json": b" " * 9000 + sales(9)})
    shop = write_shop(
        tmp_path / "shop",
        {
            "a.zip": archive_zip({DAY: day, "2024-03-02.zip": big}),
            "b.zip": archive_zip({DAY: day}),
        },
    )
    outcome = run_local(shop, tmp_path, limits={"archive_bytes": 5000})
    assert list(unreadable(outcome)) == [("a.zip", None, None)]
    assert units(outcome) == 3


def test_copy_of_an_archive_that_vanished_after_the_plan_counts(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"a.zip": week(sales(3)), "b.zip": week(sales(3))})
    outcome = run_local(shop, tmp_path, after_plan=(shop.data / "a.zip").unlink)
    assert list(unreadable(outcome)) == [("a.zip", None, None)]
    assert units(outcome) == 3


def test_the_text_of_a_bad_line_is_the_line_as_it_stands(tmp_path: Path) -> None:
    deep = '{"a":  [[[[ ]]]]}'
    lines = ['{"event_type": "view"}', '{"a" : 1,  ', 'no  json "x  y"\t', "[1,  2]", deep]
    day = day_zip({"0.jsonl": ("\n".join(lines) + "\n").encode()})
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip({DAY: day})})
    expected = ['{"a" : 1,', 'no  json "x  y"', "[1,2]", deep]
    for name in ("renamed.zip", "again.zip"):  # the second run takes the extract of the first
        run_local(shop, tmp_path, limits={"json_depth": 4})
        assert [row["event"] for row in rejects(tmp_path)] == expected
        next(shop.data.iterdir()).rename(shop.data / name)
    frame = EventExtractor(shop.data, limits=Limits(json_depth=4)).to_frame()
    assert list(frame["not_an_object"].dropna()) == expected


# --- what is read --------------------------------------------------------------------------------


def test_everything_else_is_ignored(tmp_path: Path) -> None:
    hidden = sales(1000)
    day = day_zip(
        {
            "a/b/c/Part.JSON": sales(3),
            "__MACOSX/a.json": hidden,
            "x/__MACOSX/a/a.json": hidden,
            ".a.json": hidden,
            "x/._a.json": hidden,
            "x\\.a.json": hidden,
            ".ipynb_checkpoints/a.json": hidden,
            "./x/../b.json": sales(4),
            "a.json.txt": hidden,
            "a.jsonl.txt": hidden,
            "json": hidden,
            "folder.json/": b"",
            ".DS_Store": b"\0",
            "nested.zip": day_zip({"a.json": hidden}),
        }
    )
    junk = week(hidden)
    archive = archive_zip(
        {
            "deep/er/2024-03-01.ZIP": day,
            "__MACOSX/2024-03-02.zip": junk,
            ".2024-03-02.zip": junk,
            "x/.2024-03-02.zip": junk,
            "x/.old/2024-03-02.zip": junk,
            ".old/2024-03-02/a.json": hidden,
            "2024-03-02.zip.part": junk,
            "a.xml": hidden,
            "folder.zip/": b"",
            "readme.txt": b"",
        }
    )
    shop = write_shop(
        tmp_path / "shop",
        {"Week.ZIP": archive, ".week.zip": junk, "week.zip.tmp": junk, "notes.txt": b"hello"},
    )
    (shop.data / "sub").mkdir()
    (shop.data / "sub" / "week.zip").write_bytes(junk)
    outcome = run_local(shop, tmp_path)
    assert outcome.exit_code == 0
    assert units(outcome) == 7
    assert list(summary(outcome).inputs) == ["Week.ZIP"]


SOUND = (
    '[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4}]',
    '\ufeff[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4}]',
    '\r\n\t [ {\n"quantity" :4 ,"product_id":\t"p1",'
    '"customer_id":"c1","event_type":"purchase"}\n]\n',
    '[{"\\u0065vent_type":"p\\u0075rchase","customer\\u005Fid":"\\u00631","product_id":"p1",'
    '"quantity":4}]',
    '[{"event_type":"view","quantity":0,"customer_id":null,"product_id":5,'
    '"quantity":4,"customer_id":"c1","product_id":"p1","event_type":"purchase"}]',
    '[{"meta":{"event_type":"view","quantity":9,"x":[{"event_type":"purchase"}]},'
    '"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4}]',
    '[{"note":"}, {\\"event_type\\": \\"purchase\\", \\"quantity\\": 7}]",'
    '"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4,"end":"\\\\"}]',
    '[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4,'
    '"big":1e400,"long":' + "9" * 5000 + ',"lone":"\\ud800"}]',
    '[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4,"ü":"🛒"}]',
)


@pytest.mark.parametrize("content", SOUND)
def test_any_spelling_of_one_purchase_counts(tmp_path: Path, content: str) -> None:
    outcome = run_local(shop_of(tmp_path, content.encode()), tmp_path)
    assert outcome.exit_code == 0
    events = summary(outcome).events
    assert (units(outcome), events.seen, events.counted) == (4, 1, 1)


def test_last_of_equal_keys_counts(tmp_path: Path) -> None:
    content = (
        b'[{"event_type":"purchase","customer_id":"c1","product_id":"p1","quantity":4,"quantity":0}'
        b',{"event_type":"purchase","event_type":"view"}]'
    )
    outcome = run_local(shop_of(tmp_path, content), tmp_path)
    assert reasons(tmp_path) == ["invalid_quantity"]
    assert summary(outcome).events.not_purchase == 1


@pytest.mark.parametrize("name", ["../../x.json", "/etc/x.json", "C:\\x.json", "..\\..\\x.json"])
def test_entry_name_is_never_a_path(tmp_path: Path, name: str) -> None:
    day_name = name.replace("json", "zip")
    # By hand: ZipInfo would tidy some of the names.
    day = _raw(name, part([purchase(quantity=3), 5]))
    shop = write_shop(tmp_path / "deep" / "shop", {WEEK: _raw(day_name, day)})
    before = {path for path in tmp_path.rglob("*") if "run" not in path.parts}
    outcome = run_local(shop, tmp_path / "deep" / "run")
    assert units(outcome) == 3
    after = {path for path in tmp_path.rglob("*") if "run" not in path.parts}
    assert after == before
    assert not list(tmp_path.rglob("x.json"))
    (reject,) = rejects(tmp_path / "deep" / "run")
    assert (reject["day"], reject["part"]) == (day_name, name)


def _raw(name: str, content: bytes) -> bytes:
    return build.raw_zip([RawEntry(name, content, len(content), zlib.crc32(content))])


# --- duplicates ----------------------------------------------------------------------------------


def test_same_archive_under_two_names_counts_once(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {name: week(sales(3)) for name in ("a.zip", "b.zip")})
    outcome = run_local(shop, tmp_path)
    found = summary(outcome)
    assert (units(outcome), found.archives.read, found.archives.duplicate) == (3, 1, 1)
    assert found.conflicting_days == ()
    assert found.inputs["a.zip"] == found.inputs["b.zip"] is not None


def test_a_copy_of_an_unreadable_archive_is_a_duplicate_still(tmp_path: Path) -> None:
    broken = build.truncated(week(sales(3)))
    shop = write_shop(tmp_path / "shop", dict.fromkeys(("a.zip", "b.zip", "c.zip"), broken))
    found = summary(run_local(shop, tmp_path))
    assert (found.archives.unreadable, found.archives.duplicate) == (1, 2)
    assert [place.archive for place in found.unreadable] == ["a.zip"]


def test_same_day_in_two_archives_counts_once_whatever_it_is_called(tmp_path: Path) -> None:
    day = day_zip({"a.json": sales(3)})
    other = day_zip({"a.json": sales(10)})
    shop = write_shop(
        tmp_path / "shop",
        {
            "a.zip": archive_zip({DAY: day}),
            "b.zip": archive_zip({"2024-03-02.zip": day, "2024-03-03.zip": other}),
        },
    )
    outcome = run_local(shop, tmp_path)
    found = summary(outcome)
    assert (units(outcome), found.days.read, found.days.duplicate) == (13, 2, 1)
    assert [row[0] for row in rows(tmp_path, "daily_sales.csv")] == ["2024-03-01", "2024-03-03"]


def test_same_day_twice_in_one_archive_counts_once(tmp_path: Path) -> None:
    day = day_zip({"a.json": sales(3)})
    for entries in ([(DAY, day), ("x/" + DAY, day)], [(DAY, day), (DAY, day)]):
        folder = tmp_path / str(len(entries[1][0]))
        outcome = run_local(write_shop(folder / "shop", {WEEK: archive_zip(entries)}), folder)
        found = summary(outcome)
        assert (units(outcome), found.days.read, found.days.duplicate) == (3, 1, 1)
        assert found.conflicting_days == ()


def test_one_day_name_with_different_bytes_in_two_archives_counts_both_and_is_told(
    tmp_path: Path,
) -> None:
    shop = write_shop(
        tmp_path / "shop",
        {
            "a.zip": archive_zip({"x/" + DAY: day_zip({"a.json": sales(1)})}),
            "b.zip": archive_zip({"y/" + DAY: day_zip({"a.json": sales(10)})}),
        },
    )
    outcome = run_local(shop, tmp_path)
    assert outcome.exit_code == 0
    assert units(outcome) == 11
    assert summary(outcome).conflicting_days == (DAY,)


def test_days_of_equal_size_and_crc_are_told_apart_by_their_bytes(tmp_path: Path) -> None:
    def entry(day: bytes) -> bytes:
        return build.raw_zip([RawEntry(DAY, day, len(day), 0)])

    one, two = (day_zip({"a.json": sales(n)}) for n in (1, 2))
    assert len(one) == len(two)
    shop = write_shop(tmp_path / "shop", {"a.zip": entry(one), "b.zip": entry(two)})
    outcome = run_local(shop, tmp_path)
    assert summary(outcome).days.duplicate == 0
    assert set(unreadable(outcome)) == {("a.zip", DAY, None), ("b.zip", DAY, None)}


def test_rejects_name_archive_day_part_and_position(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(), part([purchase(), {"event_type": 1, "ü": " a  b "}]))
    run_local(shop, tmp_path)
    assert text(tmp_path, "rejects.csv") == (
        "reason,archive,day,part,position,event\n"
        'invalid_event_type,week.zip,2024-03-01.zip,1.json,1,"{""event_type"":1,'
        '""\\u00fc"":"" a  b ""}"\n'
    )
