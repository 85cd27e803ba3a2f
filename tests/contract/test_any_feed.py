"""Whatever a shop calls things, by case: what counts, what is no purchase, what is rejected."""

from __future__ import annotations

import gzip
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.configuration.env_file import read_env_file
from tests.support import PROJECT
from tests.support import archives as build
from tests.support.documents import blocks
from tests.support.exports import CUSTOMERS, EXPORTS, ORDERS, PRODUCTS
from tests.support.oracle import OracleResult, compute
from tests.support.recounted import feed_of
from tests.support.run import rejects, run_local, summary, unreadable
from tests.support.run import text as report
from tests.support.shapes import SHAPES
from tests.support.verified import assert_agrees

pytestmark = pytest.mark.usefixtures("paths_taken_as_set")

PURCHASE = {"event_type": "purchase", "customer_id": "u1", "product_id": "p1", "quantity": 2}
ORDER = {"event_type": "purchase", "customer_id": "u1"}
NO_ITEMS: tuple[Any, ...] = ([], None, "x", {})


def _read(shop: build.Shop, settings: dict[str, str], unknown: Any = "reject") -> OracleResult:
    """The oracle's figures, which are those of a run, and verify's."""
    expected = compute(shop.data, shop.dimensions, unknown=unknown, feed=settings)
    folder = shop.data.parent / "run"
    outcome = run_local(shop, folder, unknown=unknown, feed=feed_of(settings))
    found = summary(outcome)
    events = expected.summary["events"]
    assert (found.events.seen, found.events.counted) == (events["seen"], events["counted"])
    assert found.days.read == expected.summary["days"]["read"]
    assert found.ignored == expected.summary["ignored"]
    left_out = [(row["reason"], row["position"]) for row in rejects(folder)]
    assert left_out == [(each.reason, str(each.position)) for each in expected.rejects]
    assert report(folder) == expected.sales_report.decode()
    assert_agrees(folder, outcome)
    return expected


def _outcome(tmp_path: Path, settings: dict[str, str], *texts: str) -> list[Any]:
    """What becomes of each event: units, a reason, or nothing if it is no purchase."""
    week = build.archive_zip({"2024-03-01/part.jsonl": "".join(f"{t}\n" for t in texts).encode()})
    shop = build.write_shop(tmp_path / "shop", {"week.zip": week}, CUSTOMERS, PRODUCTS)
    found = _read(shop, settings)
    places: dict[object, object] = {each.position: each.units for each in found.counted}
    places |= {each.position: each.reason for each in found.rejects}
    missing = [None] * found.summary["events"]["not_purchase"]
    return [*(places[at] for at in sorted(places, key=str)), *missing]


def _event(**fields: Any) -> str:
    return json.dumps({**PURCHASE, **fields})


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ("quantity=qty", {"qty": 2, "quantity": 5}),
        ("quantity=a.b", {"a": {"b": 2}}),
        ("quantity=a.b", {"a.b": 2, "a": {"b": 3}}),
        ("quantity=a.b.c", {"a": {"b": {"c": 2}}}),
        ("quantity=$quantity", {"$quantity": 2}),
        ("event_type=kind,customer_id=user.id", {"kind": "purchase", "user": {"id": "u1"}}),
    ],
)
def test_names(tmp_path: Path, fields: str, event: dict[str, Any]) -> None:
    assert _outcome(tmp_path, {"SALES_FIELDS": fields}, _event(**event)) == [2]


@pytest.mark.parametrize("event", [{"a": 5}, {"a": {"b": None}}, {"a.b": None, "a": {"b": 2}}, {}])
def test_a_path_to_nothing_is_a_missing_field(tmp_path: Path, event: dict[str, Any]) -> None:
    found = _outcome(tmp_path, {"SALES_FIELDS": "quantity=a.b"}, _event(**event))
    assert found == ["invalid_quantity"]


def test_several_types_are_purchases(tmp_path: Path) -> None:
    settings = {"SALES_PURCHASE_TYPES": "buy,Re buy"}
    kinds = ("buy", "Re buy", "Buy", "purchase", 5)
    texts = [_event(event_type=kind) for kind in kinds]
    assert _outcome(tmp_path, settings, *texts) == [2, 2, "invalid_event_type", None, None]


@pytest.mark.parametrize(
    ("customer", "reason"),
    [
        ("12", "unknown_customer"),
        ("-5", "unknown_customer"),
        ("9" * 5000, "unknown_customer"),
        ("12.0", "invalid_customer_id"),
        ("1e3", "invalid_customer_id"),
        ("true", "invalid_customer_id"),
        ("null", "guest"),
        ('""', "guest"),
    ],
)
def test_integers_as_ids(tmp_path: Path, customer: str, reason: str) -> None:
    text = _event().replace('"u1"', customer)
    assert _outcome(tmp_path, {"SALES_IDS": "any"}, text) == [reason]
    as_text = "guest" if reason == "guest" else "invalid_customer_id"
    assert _outcome(tmp_path / "texts", {}, text) == [as_text]


@pytest.mark.parametrize(
    ("quantity", "integer", "number", "number_3"),
    [
        ("2", 2, 2, 2),
        ("2.0", 0, 2, 2),
        ("2e0", 0, 2, 2),
        ("0.2e1", 0, 2, 2),
        ("20e-1", 0, 2, 2),
        ('"2"', 0, 2, 2),
        ('"2.00"', 0, 2, 2),
        ('"2."', 0, 2, 2),
        ('"02"', 0, 2, 2),
        ('" 2"', 0, 0, 0),
        ('"2e0"', 0, 0, 0),
        ('"+2"', 0, 0, 0),
        ("-2", -2, -2, -2),
        ('"-2"', 0, -2, -2),
        ("-2.0", 0, -2, -2),
        ('"-02.00"', 0, -2, -2),
        ("-20e-1", 0, -2, -2),
        ("-2.5", 0, 0, 0),
        ('"--2"', 0, 0, 0),
        ('"-2e0"', 0, 0, 0),
        ("-0.0", 0, 0, 0),
        ('"-0"', 0, 0, 0),
        ("-2147483647.0", 0, -2147483647, -2147483647),
        ("-2147483648.0", 0, 0, 0),
        ('"-2147483648"', 0, 0, 0),
        ("2.5", 0, 0, 0),
        ("0.0", 0, 0, 0),
        ("1e-400", 0, 0, 0),
        ("1e400", 0, 0, 0),
        ("1e99999999999999999999", 0, 0, 0),
        ("2147483647.0", 0, 2147483647, 2147483647),
        ("2147483648.0", 0, 0, 0),
        ("true", 0, 0, 0),
        ('""', 0, 0, 0),
        ("null", 0, 0, 3),
        ("", 0, 0, 3),
    ],
)
def test_quantities(
    tmp_path: Path, quantity: str, integer: int, number: int, number_3: int
) -> None:
    text = _event().replace(', "quantity": 2', f', "quantity": {quantity}' if quantity else "")
    for setting, units in (("integer", integer), ("number", number), ("number:3", number_3)):
        found = _outcome(tmp_path / setting, {"SALES_QUANTITY": setting}, text)
        assert found == ["return" if units < 0 else units or "invalid_quantity"], setting


@pytest.mark.parametrize(
    ("only", "event", "counts"),
    [
        ("test!=true", {}, True),
        ("test!=true", {"test": True}, False),
        ("test!=true", {"test": "true"}, False),
        ("test!=true", {"test": False}, True),
        ("status=paid|sent", {"status": "sent"}, True),
        ("status=paid|sent", {"status": "Sent"}, False),
        ("status=paid|sent", {}, False),
        ("status=paid|sent", {"status": ["sent"]}, False),
        ("status!=paid|sent", {"status": ["sent"]}, True),
        ("status=null", {"status": None}, True),
        ("status=null", {}, False),
        ("status=5", {"status": 5}, True),
        ("status=5", {"status": "5"}, True),
        ("status=5", {"status": 5.0}, False),
        ("status=5.0", {"status": 5.0}, True),
        ("a.b=x,test!=true", {"a": {"b": "x"}}, True),
        ("a.b=x,test!=true", {"a": {"b": "x"}, "test": True}, False),
        ("test!=true", {"test": True, "event_type": 5}, False),
    ],
)
def test_conditions(tmp_path: Path, only: str, event: dict[str, Any], *, counts: bool) -> None:
    found = _outcome(tmp_path, {"SALES_ONLY": only}, _event(**event))
    assert found == ([2] if counts else [None])


@pytest.mark.parametrize("items", [[], "x", [5]])
def test_conditions_come_before_the_type_of_an_order_without_items(
    tmp_path: Path, items: object
) -> None:
    settings = {"SALES_ITEMS": "items[]", "SALES_ONLY": "status=done"}
    text = json.dumps({"items": items, "status": "draft", "event_type": 5})
    assert _outcome(tmp_path, settings, text) == [None]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (
            {"items": [{"product_id": "p1", "quantity": 2}, {"product_id": "p2", "quantity": 3}]},
            [2, 3],
        ),
        ({"items": [{"product_id": "p1"}, {}], "product_id": "p2", "quantity": 7}, [7, 7]),
        ({"items": [{"product_id": "p1", "quantity": None}], "quantity": 7}, ["invalid_quantity"]),
        ({"items": [{"product_id": "p1", "quantity": 2, "event_type": "view"}]}, [None]),
        ({"items": [{"product_id": "p1", "quantity": 2}] * 2, "event_type": "view"}, [None, None]),
        ({"items": [5, None, [], "x"]}, ["not_an_object"] * 4),
        ({"items": [5, None], "event_type": "view"}, [None, None]),
        ({"items": []}, [None]),
        ({"items": None}, [None]),
        ({}, [None]),
        ({"items": [5, {}], "event_type": 5}, ["invalid_event_type"] * 2),
        *(
            ({"items": items, "event_type": kind}, ["invalid_event_type"])
            for items in NO_ITEMS
            for kind in (5, None)
        ),
        ({"event_type": []}, ["invalid_event_type"]),
        ({"items": 5}, ["not_an_object"]),
        ({"items": {"product_id": "p1", "quantity": 2}}, ["not_an_object"]),
        ({"items": "x", "event_type": "view"}, [None]),
    ],
)
def test_items(tmp_path: Path, order: dict[str, Any], found: list[object]) -> None:
    text = json.dumps({**ORDER, **order})
    assert _outcome(tmp_path, {"SALES_ITEMS": "items[]"}, text) == found


@pytest.mark.parametrize(
    ("one", "other", "is_copy"),
    [
        ('"1"', '"\\u0031"', True),
        ("1", "1", True),
        ("1", "1.0", False),
        ("1", "1e0", False),
        ("0", "-0", False),
        ("1", '"1"', False),
        ("true", '"true"', False),
        ('"a"', '"A"', False),
        ("0", "null", False),
        ("null", "null", False),
        ('""', '""', False),
        ('""', "null", False),
        ('[""]', '[""]', True),
        ("[1, 2]", "[ 1,2 ]", True),
        ("[1, 2]", "[2, 1]", False),
        ('[0, "1"]', "1", False),
        ("[]", "{}", False),
        ('{"a": 1, "b": {}}', '{"b": {}, "a": 1}', True),
        ('{"a": 1, "a": 2}', '{"a": 2}', True),
        ('{"a": null}', "{}", False),
        ("[" * 254 + "]" * 254, "[" * 254 + "]" * 254, True),
    ],
)
def test_by_what_a_copy_is_known(tmp_path: Path, one: str, other: str, *, is_copy: bool) -> None:
    texts = [_event().replace("}", f', "id": {each}}}') for each in (one, other)]
    found = _outcome(tmp_path, {"SALES_EVENT_ID": "id"}, *texts)
    assert found == [2, "duplicate_event" if is_copy else 2]


@pytest.mark.parametrize(
    ("event_id", "found"),
    [
        # The order's: all items of the first that was sent.
        ("message", ["1", "2", "3", "4", "again", "again", "7"]),
        # The item's, where it has one, else the order's; no item of one order is another's copy.
        ("id", ["1", "2", "3", "4", "5", "again", "again"]),
        ("id,message", ["1", "2", "3", "4", "5", "again", "7"]),
        ("line.no", ["1", "2", "3", "4", "5", "6", "7"]),
    ],
)
def test_ids_of_orders_and_of_their_items(tmp_path: Path, event_id: str, found: list[str]) -> None:
    numbers = itertools.count(1)

    def order(message: str, sent_as: str, *items: str | None) -> str:
        listed = [
            {"product_id": "p1", "quantity": next(numbers), **({"id": each} if each else {})}
            for each in items
        ]
        return json.dumps({**ORDER, "message": message, "id": sent_as, "items": listed})

    settings = {"SALES_ITEMS": "items[]", "SALES_EVENT_ID": event_id}
    became = _outcome(
        tmp_path,
        settings,
        order("m1", "o1", "a", "a", "b", None),
        order("m1", "o2", None, "b"),
        order("m2", "o1", None),
    )
    assert ["again" if each == "duplicate_event" else str(each) for each in became] == found


def test_items_of_several_lists(tmp_path: Path) -> None:
    items: list[Any] = [[{"product_id": "p1", "quantity": 2}], [], None, [{}], {"lines": [{}]}, "x"]
    text = json.dumps({**ORDER, "carts": [*({"lines": each} for each in items), {}]})
    found = _outcome(tmp_path, {"SALES_ITEMS": "carts[].lines[]"}, text)
    assert found == [2, "invalid_product_id", "not_an_object", "not_an_object"]


def test_places_of_items(tmp_path: Path) -> None:
    texts = [json.dumps({**ORDER, "items": [{}] * 2}), "no", json.dumps({**ORDER, "items": 5})]
    week = build.archive_zip({"part.jsonl": "\n".join([*texts, ""]).encode()})
    shop = build.write_shop(tmp_path / "shop", {"week.zip": week}, CUSTOMERS, PRODUCTS)
    found = _read(shop, {"SALES_ITEMS": "items[]"})
    assert [str(each.position) for each in found.rejects] == ["0/0", "0/1", "1", "2"]


def test_a_pattern_makes_parts_and_a_pattern_leaves_out(tmp_path: Path) -> None:
    part = _event().encode()
    packed = {"b.log.gz": gzip.compress(part), "c.log.zst": part, "d.log.bz2": part}
    entries = packed | {
        "A.LOG": part,
        "shop-1": part,
        "x/SHOP-2.bin": part,
        "shop-old": part,
        "y.txt": part,
    }
    week = build.archive_zip({**entries, "old/part.json": part, "old/2024-03-01.zip": part})
    shop = build.write_shop(tmp_path / "shop", {"week.zip": week}, CUSTOMERS, PRODUCTS)
    found = _read(shop, {"SALES_PARTS": ".log,shop-*", "SALES_IGNORE": "OLD/*,*-old"})
    assert found.summary["totals"]["units_sold"] == 10
    assert found.summary["ignored"] == {"": 1, ".txt": 1, ".zip": 1, ".json": 1, ".log.bz2": 1}


def test_hours_of_a_date_are_one_day_and_a_day_counts_once(tmp_path: Path) -> None:
    hours = {f"2024/03/01/{hour}/part.json": _event(quantity=hour).encode() for hour in (11, 12)}
    weeks = {
        "a.zip": build.archive_zip({**hours, "events_2024-03-02.zip": b"no zip"}),
        "b.zip": build.archive_zip({**dict(reversed(hours.items())), "x.json": b"[]"}),
        "c.zip": build.archive_zip({"2024-03-01/part.json": _event(quantity=1).encode()}),
    }
    shop = build.write_shop(tmp_path / "shop", weeks, CUSTOMERS, PRODUCTS)
    found = _read(shop, {})
    assert found.summary["days"] == {"read": 3, "duplicate": 1, "unreadable": 1}
    assert found.summary["totals"]["units_sold"] == 24
    assert found.summary["conflicting_days"] == ["2024-03-01"]


def test_parts_of_every_shape(tmp_path: Path) -> None:
    """Each is a day of its own, read without a setting."""
    shapes = {name: shape for name, shape in SHAPES.items() if not shape.settings}
    days = {f"{name}.zip": build.day_zip({"0.json": s.content}) for name, s in shapes.items()}
    shop = build.write_shop(tmp_path / "shop", {"week.zip": build.archive_zip(days)})
    outcome = run_local(shop, tmp_path)
    broken = {day for _, day, _ in unreadable(outcome)}
    assert broken == {f"{name}.zip" for name, shape in shapes.items() if shape.events is None}
    seen = [event for shape in shapes.values() for event in shape.events or ()]
    assert summary(outcome).events.seen == len(seen)
    left_out = [event for event in seen if not isinstance(event, dict)]
    assert summary(outcome).rejected["not_an_object"].events == len(left_out)
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_products(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]()
    shop = build.write_shop(tmp_path / "shop", {"w_43.zip": export.archive}, CUSTOMERS, PRODUCTS)
    found = _read(shop, export.settings, "bucket")
    bought = Counter(
        (order.day if export.has_days else "", order.user, product, units)
        for order in ORDERS
        # Without SALES_EVENT_ID what was sent twice counts twice.
        for product, units in order.items * (2 if order.is_sent_twice else 1)
    )
    counted = Counter((e.date, e.customer, e.product, e.units) for e in found.counted)
    assert counted == bought
    assert [each.reason for each in found.rejects] == ["invalid_price"] * export.refunds


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_products_without_what_was_sent_twice(tmp_path: Path, name: str) -> None:
    export = EXPORTS[name]()
    shop = build.write_shop(tmp_path / "shop", {"w_43.zip": export.archive}, CUSTOMERS, PRODUCTS)
    found = _read(shop, {**export.settings, "SALES_EVENT_ID": export.event_id}, "bucket").summary
    units = sum(units for order in ORDERS for _, units in order.items)
    assert found["totals"]["units_sold"] == units
    twice = [order for order in ORDERS if order.is_sent_twice]
    left_out = found["rejected"]["duplicate_event"]["events"]
    assert left_out == sum(len(order.items) for order in twice)


def test_the_settings_of_exports_are_documented(tmp_path: Path) -> None:
    page = PROJECT / "docs" / "how-to" / "your-own-feed.md"
    documented = [block.text for block in blocks(page) if block.kind == "ini"]
    for name, text in zip(EXPORTS, documented, strict=True):
        (tmp_path / name).write_text(text)
        export = EXPORTS[name]()
        tested = {**export.settings, "SALES_EVENT_ID": export.event_id}
        tested.pop("SALES_ONLY", None)  # a shop's own
        assert feed_of(read_env_file(tmp_path / name, "SALES_", {})) == feed_of(tested), name
