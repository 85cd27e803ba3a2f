"""Unknown feeds and tables: what is seen of them, and the settings that are proposed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline_core.catalog.tables import Table
from pipeline_core.inspection.fields import fields_of, type_values
from pipeline_core.inspection.proposal import proposals
from pipeline_core.inspection.rows import items_of, lists_of, quantity, view_of
from pipeline_core.messages import Condition, Feed
from pipeline_core.messages.inspection import Field, TypeValue
from tests.support.known_tables import CUSTOMERS, PRODUCTS, labels, tables


def events(count: int = 200, **extra: object) -> list[object]:
    kinds = ("view", "cart", "view", "purchase")
    return [
        {
            "event_type": kind,
            "customer_id": CUSTOMERS[n % len(CUSTOMERS)],
            "product_id": PRODUCTS[n % 7],
            **({"quantity": 1 + n % 3} if kind == "purchase" else {}),
            **extra,
        }
        for n, kind in ((n, kinds[n % 4]) for n in range(count))
    ]


def best(found: Sequence[object], known: Sequence[Table] | None = None) -> Feed:
    return proposals(found, tables() if known is None else known)[0].feed


def test_fields_are_told_with_types_examples_and_how_often_they_are_there() -> None:
    found = fields_of([{"a": {"b": 1}, "c": "x"}, {"a": {"b": 2.5}, "c": None}, "no object"])
    assert found == [
        Field("a.b", 2, 2, {"integer": 1, "number": 1}, 2, ["1", "2.5"]),
        Field("c", 2, 2, {"string": 1, "null": 1}, 2, ["x", "null"]),
    ]


def test_fields_of_items_have_the_path_of_their_list() -> None:
    found = fields_of([{"n": 1, "items": [{"sku": "a"}, {"sku": "b", "of": [{"x": 1}]}]}])
    shown = [(each.path, each.present, each.rows) for each in found]
    assert shown == [
        ("n", 1, 1),
        ("items", 1, 1),
        ("items[].sku", 2, 2),
        ("items[].of", 1, 2),
        ("items[].of[].x", 1, 1),
    ]


def test_lists_in_lists_are_followed() -> None:
    order = {"visits": [{"items": [{"n": 1}, {"n": 2}]}, {"items": [{"n": 3}]}, {"items": None}]}
    assert lists_of([order]) == ["visits[]", "visits[].items[]"]
    assert items_of(order, "visits[].items[]") == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_an_item_s_field_comes_before_its_order_s() -> None:
    view = view_of([{"id": "o", "user": "u", "items": [{"id": "a"}, {}]}], "items[]")
    assert view.columns["id"] == ["a", "o"]
    assert view.columns["user"] == ["u", "u"]


@pytest.mark.parametrize(
    ("value", "units"),
    [(2, 2), (2.0, 2), ("2", 2), ("2.0", 2), (0, None), (-1, None), (2.5, None), (True, None)],
)
def test_quantities_are_read_however_they_are_written(value: object, units: int | None) -> None:
    assert quantity(value) == units


def test_a_feed_with_our_names_needs_no_setting() -> None:
    assert best(events()) == Feed()


def test_names_of_others_are_found() -> None:
    renamed = [
        {"type": e["event_type"], "user": {"id": e["customer_id"]}, "sku": e["product_id"]}
        | ({"qty": e["quantity"]} if "quantity" in e else {})
        for e in events()
        if isinstance(e, dict)
    ]
    assert best(renamed) == Feed(
        event_type="type", customer_id="user.id", product_id="sku", quantity="qty"
    )


def test_names_that_say_nothing_are_found_by_what_the_tables_hold() -> None:
    renamed = [
        {"f1": e["event_type"].upper(), "f2": e["customer_id"], "f3": e["product_id"]}
        | ({"f4": e["quantity"]} if "quantity" in e else {})
        for e in events()
        if isinstance(e, dict)
    ]
    assert best(renamed) == Feed(
        event_type="f1",
        customer_id="f2",
        product_id="f3",
        quantity="f4",
        purchase_types=("PURCHASE",),
    )


def test_the_type_that_carries_quantities_is_the_purchase_also_if_it_is_called_nothing() -> None:
    other = [
        {**e, "event_type": {"view": "a", "cart": "b"}.get(e["event_type"], "c")}
        for e in events()
        if isinstance(e, dict)
    ]
    assert best(other).purchase_types == ("c",)


def test_a_type_that_carries_quantities_and_is_called_something_else_is_no_purchase() -> None:
    carts = [{**e, "quantity": 1} for e in events() if isinstance(e, dict)]
    assert best(carts) == Feed()


@pytest.mark.parametrize("name", ["a=b", "a,b", " qty", "qty\x1b[2J", "qty\u202e"])
def test_what_a_setting_cannot_name_is_not_proposed(name: str) -> None:
    odd = [
        {name if key == "quantity" else key: value for key, value in e.items()}
        for e in events()
        if isinstance(e, dict)
    ]
    assert name not in [each.feed.quantity for each in proposals(odd, tables())]


def test_integer_ids_are_any() -> None:
    numbers = [
        {**e, "customer_id": 1000 + n % 30, "product_id": 500 + n % 7}
        for n, e in enumerate(events())
        if isinstance(e, dict)
    ]
    known = tables([str(1000 + n) for n in range(30)], [str(500 + n) for n in range(10)])
    assert best(numbers, known) == Feed(ids="any")


def test_items_of_orders_are_found() -> None:
    orders: list[object] = [
        {
            "event": kind,
            "userId": CUSTOMERS[n % 30],
            "properties": {
                "order_id": f"o{n}",
                "products": [
                    {"product_id": PRODUCTS[n % 7], "sku": f"S{n % 7}", "quantity": 1},
                    {"product_id": PRODUCTS[n % 5], "sku": f"S{n % 5}", "quantity": 2},
                ],
            },
        }
        for n, kind in enumerate(
            labels("Checkout Started", "Order Completed", "Order Refunded", count=60)
        )
    ]
    assert best(orders) == Feed(
        event_type="event",
        customer_id="userId",
        items="properties.products[]",
        purchase_types=("Order Completed",),
    )


@pytest.mark.parametrize("write", [str, float, lambda units: f"{units}.0"])
def test_quantities_that_are_no_integers_are_numbers(write: object) -> None:
    assert callable(write)
    texts = [
        {**e, **({"quantity": write(e["quantity"])} if "quantity" in e else {})}
        for e in events()
        if isinstance(e, dict)
    ]
    assert best(texts) == Feed(numbers="number")


def test_a_quantity_that_is_often_missing_counts_one() -> None:
    some = [
        {key: value for key, value in e.items() if key != "quantity" or n % 8 == 3}
        for n, e in enumerate(events())
        if isinstance(e, dict)
    ]
    assert best(some) == Feed(numbers="number", missing_quantity=1)


def test_a_few_slips_are_not_the_shop_s_way() -> None:
    slips = [*events(400), *events(4)]
    slips[-1] = {**slips[3], "quantity": "2", "customer_id": 7}  # type: ignore[dict-item]
    assert best(slips) == Feed()


def test_tests_are_left_out() -> None:
    tests = [{**e, "test": n % 20 == 3} for n, e in enumerate(events()) if isinstance(e, dict)]
    assert best(tests).only == (Condition("test", is_equal=False, values=("true",)),)


def test_values_of_the_type_are_counted() -> None:
    found = type_values(events(8), "event_type", None)
    assert found == [
        TypeValue("view", 4),
        TypeValue("cart", 2),
        TypeValue("purchase", 2),
    ]


def test_events_of_a_type_are_counted_beside_their_items() -> None:
    orders: list[object] = [
        {"kind": "sold", "items": [{}, {"kind": "gift"}, {}]},
        {"kind": "sold", "items": []},
        {"kind": "seen"},
        {"items": [{"kind": "gift"}]},
        "no object",
    ]
    assert type_values(orders, "kind", "items[]") == [
        TypeValue("gift", 2, 2),
        TypeValue("sold", 2, 2),
        TypeValue("seen", 1, 0),
    ]


def test_nothing_is_proposed_where_there_is_nothing() -> None:
    assert proposals([], tables()) == []
    assert proposals([{"a": 1}, "x"], tables()) == []
    assert proposals(events(), []) != []


def test_a_type_that_says_nothing_and_seldom_has_quantities_is_no_purchase() -> None:
    """Such as one that all events have."""
    told = [{**e, "event_type": "track"} for e in events() if isinstance(e, dict)]
    assert proposals(told, tables()) == []
