"""Decoding: events that are like others are passed over in a hurry; one that differs is not missed.

Each stands among many that are alike, and both tiers must say the same of it."""

from __future__ import annotations

from random import Random

import pytest

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.windows import Shape, Window
from tests.support.decoding import by_both_tiers

BEFORE = 9
MANY = 300  # more than are looked at one by one after some that are no others
VIEW = b'{"time":"2024-01-01T00:00:00","event_type":"view","customer_id":"c17","quantity":3}'
PURCHASE = (
    b'{"time":"2024-01-01T00:00:00","event_type":"purchase","customer_id":"c17","quantity":3}'
)
LONG = b"x" * 31
GAPS = {
    Shape.ARRAY: (b",", b", ", b" ,\n\t"),
    Shape.LINES: (b"\n", b" \r\n"),
    Shape.VALUES: (b"", b" "),
}
SOUND = {
    "a purchase": PURCHASE,
    "a type as long as a purchase": VIEW.replace(b'"view"', b'"purchasE"'),
    "no type": VIEW.replace(b'"view"', b'""'),
    "a type of numbers": VIEW.replace(b'"view"', b"12345"),
    "a type with an escape": VIEW.replace(b'"view"', rb'"purch\u0061se"'),
    "a type over its place": VIEW.replace(b'"view"', b'"' + LONG * 3 + b'"'),
    "a text of 31": PURCHASE.replace(b"c17", LONG),
    "a text of 32": PURCHASE.replace(b"c17", LONG + b"x"),
    "a text of 64": PURCHASE.replace(b"c17", 2 * LONG + b"xx"),
    "a text of brackets": VIEW.replace(b"c17", b"},{" * 20),
    "a text of another script": PURCHASE.replace(b"c17", "ü€😀".encode()),
    "a text with an escape": VIEW.replace(b"c17", rb"\"c\u0031"),
    "a text that is empty": PURCHASE.replace(b"c17", b""),
    "a number below 0": PURCHASE.replace(b":3}", b":-3}"),
    "a number with decimals": PURCHASE.replace(b":3}", b":3.0}"),
    "a number with an exponent": PURCHASE.replace(b":3}", b":3e0}"),
    "a number beyond all": PURCHASE.replace(b":3}", b":" + b"9" * 40 + b"}"),
    "a number of 0": PURCHASE.replace(b":3}", b":0}"),
    "a null": PURCHASE.replace(b":3}", b":null}"),
    "one name more": PURCHASE.replace(b":3}", b':3,"more":1}'),
    "one name less": PURCHASE.replace(b'"customer_id":"c17",', b""),
    "a name twice": VIEW.replace(b":3}", b':3,"event_type":"purchase"}'),
    "names like others": PURCHASE.replace(b"customer_id", b"customer_ix"),
    "blanks": PURCHASE.replace(b'":"', b'": "').replace(b"{", b"{ ").replace(b"}", b" }"),
}
DAMAGED = {
    "a control character": VIEW.replace(b"c17", b"c\x1f"),
    "a NUL": VIEW.replace(b"c17", b"c\0"),
    "half a character": VIEW.replace(b"c17", b"c\xc3"),
    "an escape of nothing": VIEW.replace(b"c17", rb"c\x"),
    "zeros before a number": VIEW.replace(b":3}", b":03}"),
    "a point at the end of a number": VIEW.replace(b":3}", b":3.}"),
    "no number": VIEW.replace(b":3}", b":}"),
    "no end": VIEW.replace(b":3}", b":3"),
    "no quote": VIEW.replace(b'c17"', b"c17"),
    "a comma too many": VIEW.replace(b":3}", b":3,}"),
    "a bracket too many": VIEW + b"}",
}


def _window(event: bytes, alike: bytes, shape: Shape, gap: bytes) -> Window:
    text = gap.join([alike] * BEFORE + [event] + [alike] * BEFORE)
    return Window(b"[" + text + b"]" if shape is Shape.ARRAY else text, 0, shape)


@pytest.mark.parametrize(
    ("shape", "gap"), [(shape, gap) for shape, gaps in GAPS.items() for gap in gaps]
)
@pytest.mark.parametrize("what", SOUND)
@pytest.mark.parametrize("alike", [VIEW, PURCHASE])
def test_a_sound_event_among_others_is_what_it_is_alone(
    shape: Shape, gap: bytes, what: str, alike: bytes
) -> None:
    alone = by_both_tiers(Window(SOUND[what], 0, Shape.VALUES))
    found = by_both_tiers(_window(SOUND[what], alike, shape, gap))
    assert found.seen == 2 * BEFORE + 1
    assert found.not_purchase == alone.not_purchase + 2 * BEFORE * (alike is VIEW)
    there = [each for each in found.candidates if each.position == BEFORE]
    assert [each._replace(position=0) for each in there] == alone.candidates


@pytest.mark.parametrize("shape", [Shape.ARRAY, Shape.VALUES])
@pytest.mark.parametrize("what", DAMAGED)
def test_damage_among_events_that_are_alike_is_seen(shape: Shape, what: str) -> None:
    with pytest.raises(UnreadablePart):
        by_both_tiers(_window(DAMAGED[what], VIEW, shape, GAPS[shape][0]))


def test_runs_of_events_of_any_kind_are_counted_in_their_places() -> None:
    choose = Random(5)  # noqa: S311
    kinds = [event for event in SOUND.values() if event.count(b"{") == 1]
    events = [
        each for _ in range(MANY) for each in [choose.choice(kinds)] * choose.choice((1, 2, 40))
    ]
    alone = {each: by_both_tiers(Window(each, 0, Shape.VALUES)) for each in kinds}
    found = by_both_tiers(Window(b"[" + b",".join(events) + b"]", 0))
    assert found.seen == len(events)
    assert found.candidates == [
        candidate._replace(position=position)
        for position, each in enumerate(events)
        for candidate in alone[each].candidates
    ]
