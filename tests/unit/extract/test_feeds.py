"""What a shop calls things: paths, types, ids, quantities, conditions and items. Every text goes
through both tiers, which must say the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.framing.kernel import IS_BUILT
from pipeline_core.messages import Condition, Feed, Numbers
from tests.support.decoding import OURS
from tests.support.parts import Purchase, read_part

SOUND = {"event_type": "purchase", "customer_id": "c", "product_id": "p", "quantity": 2}


def found(event: Any, feed: Feed = OURS) -> Purchase | None:
    """The candidate that an event is, in a part of any shape, or None."""
    text = event if isinstance(event, str) else json.dumps(event)
    whole = read_part(f"[{text}]".encode(), feed)
    lines = read_part(f"\n{text}\n{text}\n".encode(), feed)
    values = read_part(f"{text}{text}".encode(), feed)
    assert lines == values
    assert lines.candidates[: whole.seen] == whole.candidates
    assert whole.seen == 1
    return next(iter(whole.candidates), None)


def ids(event: Any, feed: Feed) -> tuple[bytes | None, bytes | None]:
    """Customer and product."""
    purchase = found(event, feed)
    assert purchase is not None
    return purchase.customer, purchase.product


def quantity(text: str, numbers: Numbers = "number", missing: int | None = None) -> int:
    """Units of the quantity, 0 if it is none."""
    event = json.dumps(SOUND).replace('"quantity": 2', text)
    purchase = found(event, Feed(numbers=numbers, missing_quantity=missing))
    assert purchase is not None
    return purchase.quantity


@pytest.mark.parametrize(
    ("event", "product"),
    [
        ({"a": {"b": "x"}}, b"x"),
        ({"a.b": "y", "a": {"b": "x"}}, b"y"),
        ({"a.b": None, "a": {"b": "x"}}, None),
        ({"a": {"b": {"c": "x"}}}, None),
        ({"a": "b"}, None),
        ({"a": [{"b": "x"}]}, None),
        ({"b": "x"}, None),
    ],
)
def test_a_path_is_the_key_itself_or_leads_into_an_object(
    event: dict[str, Any], product: bytes | None
) -> None:
    feed = Feed(product_id="a.b")
    assert ids(SOUND | event, feed) == (b"c", product)


def test_a_path_leads_as_deep_as_it_says() -> None:
    feed = Feed(product_id="a.b.c")
    assert ids(SOUND | {"a": {"b": {"c": "x"}}}, feed)[1] == b"x"
    assert ids(SOUND | {"a": {"b.c": "x", "b": {"c": "y"}}}, feed)[1] == b"x"
    twice = json.dumps(SOUND)[:-1] + ',"a":{"b":{"c":"x"}},"a":{"b":{"c":"y"}}}'
    assert ids(twice, feed)[1] == b"y"


def test_other_keys_of_ours_say_nothing() -> None:
    feed = Feed(event_type="type", customer_id="who", product_id="sku", quantity="n")
    assert found(SOUND, feed) is not None  # no type
    event = SOUND | {"event_type": "view", "type": "purchase", "who": "w", "sku": "s", "n": 5}
    purchase = found(event, feed)
    assert purchase is not None
    assert purchase[2:7] == ("", False, b"w", b"s", 5)


@pytest.mark.parametrize(
    "types",
    [
        ("purchase",),
        ("order", "Purchase", "sale é"),
        ("p",) * 40,
        tuple("abcdefghijklmnopqrstuvwxyz"),
    ],
)
def test_types_of_purchases_are_exact(types: tuple[str, ...]) -> None:
    feed = Feed(purchase_types=types)
    for kind in ("purchase", "order", "Purchase", "sale é", "p", "", "purchases", "orde", "ORDER"):
        assert (found(SOUND | {"event_type": kind}, feed) is not None) == (kind in types)
    odd = SOUND | {"event_type": types[-1]}
    escaped, plain = (
        found(json.dumps(odd, ensure_ascii=False).replace("e", "\\u0065"), feed),
        found(odd, feed),
    )
    assert escaped is not None
    assert plain is not None
    assert escaped[:-1] == plain[:-1]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5", b"5"),
        ("-5", b"-5"),
        ("0", b"0"),
        ("-0", b"0"),
        ("9" * 30, b"9" * 30),
        ("9" * 5000, b"9" * 5000),
        ("-" + "9" * 30, b"-" + b"9" * 30),
        ("1.0", None),
        ("1e3", None),
        ("true", None),
        ("null", None),
        ("[1]", None),
        ('"7"', b"7"),
        ('""', None),
    ],
)
def test_any_ids_are_texts_or_the_digits_of_integers(number: str, text: bytes | None) -> None:
    event = json.dumps(SOUND).replace('"c"', number).replace('"p"', number)
    assert ids(event, Feed(ids="any")) == (text, text)
    is_text = number.startswith('"')
    assert ids(event, OURS) == ((text, text) if is_text else (None, None))
    nested = Feed(ids="any", quantity="no.thing")
    assert ids(event, nested) == (text, text)


def test_a_number_is_no_guest_and_no_type() -> None:
    purchase = found(SOUND | {"customer_id": 0}, Feed(ids="any"))
    assert purchase is not None
    assert not purchase.guest
    typed = found(SOUND | {"event_type": 5}, Feed(ids="any", purchase_types=("5",)))
    assert typed is not None
    assert typed.reason == "invalid_event_type"


@pytest.mark.parametrize(
    ("text", "integer", "number"),
    [
        ('"quantity":3', 3, 3),
        ('"quantity":3.0', 0, 3),
        ('"quantity":3e0', 0, 3),
        ('"quantity":30e-1', 0, 3),
        ('"quantity":0.3E+1', 0, 3),
        ('"quantity":2147483647.000', 0, 2**31 - 1),
        ('"quantity":2147483648.0', 0, 0),
        ('"quantity":3.5', 0, 0),
        ('"quantity":-3', -3, -3),
        ('"quantity":-3.0', 0, -3),
        ('"quantity":-0.3E+1', 0, -3),
        ('"quantity":-2147483647', 1 - 2**31, 1 - 2**31),
        ('"quantity":-2147483648', 0, 0),
        ('"quantity":-3.5', 0, 0),
        ('"quantity":0.0', 0, 0),
        ('"quantity":-0', 0, 0),
        ('"quantity":1e400', 0, 0),
        ('"quantity":1e-400', 0, 0),
        ('"quantity":1e99999999999999999999', 0, 0),
        ('"quantity":' + "9" * 5000, 0, 0),
        ('"quantity":"3"', 0, 3),
        ('"quantity":"3."', 0, 3),
        ('"quantity":"003.00"', 0, 3),
        ('"quantity":"' + "0" * 5000 + '3"', 0, 3),
        ('"quantity":"3.5"', 0, 0),
        ('"quantity":"-3"', 0, -3),
        ('"quantity":"-003.00"', 0, -3),
        ('"quantity":"-2147483648"', 0, 0),
        ('"quantity":"-0"', 0, 0),
        ('"quantity":"+3"', 0, 0),
        ('"quantity":" 3"', 0, 0),
        ('"quantity":"3\\n"', 0, 0),
        ('"quantity":"٣"', 0, 0),
        ('"quantity":"3e0"', 0, 0),
        ('"quantity":""', 0, 0),
        ('"quantity":"2147483648"', 0, 0),
        ('"quantity":true', 0, 0),
        ('"quantity":null', 0, 0),
        ('"x":0', 0, 0),
    ],
)
def test_quantities(text: str, integer: int, number: int) -> None:
    assert quantity(text, "integer") == integer
    assert quantity(text) == number
    is_missing = text in {'"quantity":null', '"x":0'}
    assert quantity(text, missing=7) == (7 if is_missing else number)


@pytest.mark.parametrize(
    ("value", "equal"),
    [
        ('"paid"', True),
        ('"p\\u0061id"', True),
        ("true", True),
        ("null", True),
        ("1.50", True),
        ("10", True),
        ('"1.50"', True),
        ("1.5", False),
        ("false", False),
        ('"PAID"', False),
        ('""', False),
        ("[]", False),
        ('{"paid":1}', False),
    ],
)
def test_conditions_compare_the_text_of_a_scalar(value: str, equal: bool) -> None:
    values = ("paid", "true", "null", "1.50", "10")
    event = json.dumps(SOUND)[:-1] + f',"a":{{"b":{value}}}}}'
    for is_equal in (True, False):
        feed = Feed(only=(Condition("a.b", is_equal, values),))
        assert (found(event, feed) is not None) == (equal == is_equal)
        assert (found(SOUND, feed) is not None) == (not is_equal)


def test_all_conditions_must_hold_and_nothing_else_is_asked_then() -> None:
    feed = Feed(only=(Condition("a", True, ("1",)), Condition("b", False, ("2", "3"))))
    assert found(SOUND | {"a": 1, "b": 4}, feed) is not None
    assert found(SOUND | {"a": 1, "b": 3}, feed) is None
    assert found(SOUND | {"a": 2}, feed) is None
    assert found({"event_type": 5, "a": 2}, feed) is None, "it is no purchase, whatever its type"
    assert read_part(b"[7]", feed).candidates != []


ORDER = {"event_type": "purchase", "customer_id": "c", "order": {"lines": []}}


def items(order: Any, path: str = "order.lines[]", **feed: Any) -> list[tuple[Any, ...]]:
    """Positions and values of what an order comes to, of two that are the same."""
    text = order if isinstance(order, str) else json.dumps(order)
    made = Feed(items=path, **feed)
    parts = [
        f"[{text},\n{text}]",
        f" {text}\n\n{text}",
        f"{text}{text}",
        f'{{"a":[{text}, {text}]}}',
    ]
    one, *others = [
        read_part(part.encode(), made, size=size) for part in parts for size in (1, 999)
    ]
    assert [other for other in others if other != one] == []
    first, second = (
        [each for each in one.candidates if each.position == position] for position in (0, 1)
    )
    assert [each._replace(position=0) for each in second] == first
    assert one.seen - one.not_purchase == len(one.candidates)
    return [
        (each.item, each.reason, each.customer, each.product, each.quantity, each.text)
        for each in first
    ]


def test_each_item_of_an_order_is_an_event() -> None:
    lines = [{"product_id": "p", "quantity": 1}, {"product_id": "q", "quantity": 2}, 5]
    order = {"event_type": "purchase", "order": {"lines": lines, "id": 7}, "customer_id": "c"}
    texts = [
        f'{{"event_type":"purchase","order":{{"lines":[{each}],"id":7}},"customer_id":"c"}}'
        for each in ('{"product_id":"p","quantity":1}', '{"product_id":"q","quantity":2}', "5")
    ]
    assert items(order) == [
        (0, "", b"c", b"p", 1, texts[0]),
        (1, "", b"c", b"q", 2, texts[1]),
        (2, "not_an_object", None, None, 0, texts[2]),
    ]


def test_a_field_is_the_item_s_or_the_order_s() -> None:
    order: dict[str, Any] = ORDER | {"quantity": 7, "product_id": "o"}
    lines = [{"quantity": None}, {}]
    item = {"customer_id": "i", "product_id": "q", "event_type": "view"}
    assert [each[2:5] for each in items(order | {"lines": [*lines, item]}, "lines[]")] == [
        (b"c", b"o", 0),
        (b"c", b"o", 7),
    ]


@pytest.mark.parametrize("lines", [[], None, {}, "", 5, [{"lines": 5}], {"lines": None}])
def test_an_order_without_items_is_no_purchase_or_no_object(lines: Any) -> None:
    text = json.dumps(ORDER | {"order": {"lines": lines}})
    for order in (text, text.replace("purchase", "view")):
        is_bad = lines not in (None, []) and not isinstance(lines, list) and "purchase" in order
        expected = [(None, "not_an_object", None, None, 0, order)] if is_bad else []
        if not isinstance(lines, list) or not lines:
            assert items(order) == expected
    without = {key: value for key, value in ORDER.items() if key != "order"}
    assert items(without) == []
    assert read_part(json.dumps([without]).encode(), Feed(items="order.lines[]")).seen == 1


@pytest.mark.parametrize("kind", [{"event_type": 5}, {"event_type": None}, {}])
@pytest.mark.parametrize("lines", [{}, {"lines": []}, {"lines": None}, {"lines": "x"}])
def test_an_order_whose_type_is_no_text_is_told_with_or_without_items(
    kind: dict[str, Any], lines: dict[str, Any]
) -> None:
    order = {"customer_id": "c", **kind, **lines}
    (found,) = items(order, "lines[]")
    assert found[:2] == (None, "invalid_event_type")
    assert json.loads(found[5]) == order
    with_items = items(order | {"lines": [5, {}]}, "lines[]")
    assert [each[:2] for each in with_items] == [(n, "invalid_event_type") for n in (0, 1)]


def test_what_is_no_order_is_an_event() -> None:
    (five,) = read_part(b"[5]", Feed(items="order.lines[]")).candidates
    assert (five.position, five.item, five.reason) == (0, None, "not_an_object")
    other = ORDER | {"event_type": "view", "order": {"lines": [{}, 5]}}
    part = json.dumps([other]).encode()
    assert read_part(part, Feed(items="order.lines[]"))[:2] == (2, 2)


def test_lists_in_lists() -> None:
    def line(name: str) -> dict[str, str]:
        return {"product_id": name}

    order = ORDER | {
        "quantity": 1,
        "visits": [
            {"more": {"lines": [line("a"), line("b")]}},
            {"more": {"lines": []}},
            {},
            7,
            {"more.lines": [line("c")]},
        ],
    }
    found = items(order, "visits[].more.lines[]")
    assert [each[:4] for each in found] == [
        (0, "", b"c", b"a"),
        (1, "", b"c", b"b"),
        (2, "not_an_object", None, None),
        (3, "", b"c", b"c"),
    ]
    visits = ('{"more":{"lines":[{"product_id":"b"}]}}', "7", '{"more.lines":[{"product_id":"c"}]}')
    assert [json.loads(each[5]) for each in found[1:]] == [
        order | {"visits": [json.loads(visit)]} for visit in visits
    ]


@pytest.mark.parametrize("odd", [5, "x", True, {}, {"c": [{"product_id": "z"}]}])
def test_something_in_place_of_a_list_in_a_list_is_one_item(odd: Any) -> None:
    def order(*inner: object) -> dict[str, Any]:
        return ORDER | {"quantity": 1, "u": [{"v": each} for each in inner], "z": [0]}

    def line(name: str) -> dict[str, Any]:
        return {"c": [{"product_id": name}]}

    whole = order([line("p"), {"c": odd}], None, odd, [], [line("q")])
    found = items(whole, "u[].v[].c[]")
    assert [each[:4] for each in found] == [
        (0, "", b"c", b"p"),
        (1, "not_an_object", None, None),
        (2, "not_an_object", None, None),
        (3, "", b"c", b"q"),
    ]
    alone = [[line("p")], [{"c": odd}], odd, [line("q")]]
    assert [json.loads(each[5]) for each in found] == [order(each) for each in alone]
    assert [each[:2] for each in items(ORDER | {"u": odd}, "u[].v[].c[]")] == [
        (None, "not_an_object")
    ]
    assert items(whole | {"event_type": "view"}, "u[].v[].c[]") == []


def test_conditions_of_items_and_orders() -> None:
    order = ORDER | {
        "status": "paid",
        "lines": [{"product_id": "p", "gift": True}, {"product_id": "q"}, {"status": "open"}, 5],
    }
    only = (Condition("gift", False, ("true",)), Condition("status", True, ("paid",)))
    assert [each[0] for each in items(order, "lines[]", only=only)] == [1, 3]


def test_texts_of_items_are_verbatim() -> None:
    item = '{ "product_id" : "\\ud800", "a":[1.50, {"}":"]"}], "price":1e400 }'
    order = (
        f'{{"x":"\\"[{{","event_type":"purchase","lines":0,"lines":[{item}, {item}\n]}}'.replace(
            "\n", " "
        )
    )
    alone = '{"product_id":"\\ud800","a":[1.50,{"}":"]"}],"price":1e400}'
    assert [each[5] for each in items(order, "lines[]")] == [
        f'{{"x":"\\"[{{","event_type":"purchase","lines":0,"lines":[{alone}]}}'
    ] * 2


@pytest.mark.parametrize(("length", "is_whole"), [(20, True), (2000, False)])
def test_texts_of_items_are_no_multiple_of_a_large_order(length: int, is_whole: bool) -> None:
    order = {"event_type": "purchase", "lines": [{}] * 100, "x": "x" * length}
    whole = json.dumps(order | {"lines": [{}]}, separators=(",", ":"))
    assert {each[5] for each in items(order, "lines[]")} == {whole if is_whole else "{}"}


@pytest.mark.skipif(not IS_BUILT, reason="the compiled kernel is not built")
def test_the_kernel_takes_other_names_types_and_ids() -> None:
    renamed = Feed(event_type="typ", customer_id='k"', product_id="a b", ids="any")
    assert reading_of(Feed(event_type="typ", purchase_types=("a", "b"), ids="any")).names
    assert reading_of(renamed).names is None
    assert reading_of(Feed(product_id="a.b")).names is None


@pytest.mark.parametrize(
    "feed",
    [
        Feed(numbers="number"),
        Feed(items="cart.lines[]"),
        Feed(only=(Condition("a", True, ("b",)),)),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        '{"event_type":"view"}',
        '{"event_type":"purchase","event_type":"view","cart":{}}',
        '{"event_type":"view","cart":{"lines":[{},{"event_type":"purchase"}]}}',
        '{"event_type":"view","cart.lines":[1,2,3]}',
        r'{"event_type":"view","cart":{"l\u0069nes":[4,{"event_type":"purchase"}]}}',
        r'{"event_type":"view","\u0065vent_type":"purchase","cart":{"lines":[{}]}}',
        '{"event_type":5}',
        '{"event_type":"view","a":1e999}',
        r'{"event_type":"view","a":"\ud800"}',
        '{"a":1}',
    ],
)
def test_what_is_no_purchase_counts_alike_in_every_shape(text: str, feed: Feed) -> None:
    """Of an array and of lines most of it never becomes Python's values; of others it does."""
    array = read_part(f"[{text}, {text}]".encode(), feed)
    lines = read_part(f"{text}\n{text}\n".encode(), feed)
    values = read_part(f"{text}{text}".encode(), feed)
    assert array == lines == values
