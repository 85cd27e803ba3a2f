"""Decoding: candidates are what the standard library's decoder and the rules would give.

Every text goes through both tiers, which must say the same."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.decode import Decoded, decode, decode_generally, event_texts
from pipeline_core.extract.windows import Window, windows
from pipeline_core.messages import RejectReason
from tests import strategies
from tests.oracle import _parse

LARGEST = 2**31 - 1
IDS = st.sampled_from(["c1", "p1", "ü", '"', "\\", "}, {", "\u2028"])
EVENTS = strategies.events(IDS, IDS)
ANY_PARTS = strategies.parts(EVENTS)


class Candidate(NamedTuple):
    position: int
    reason: str
    guest: bool
    customer: bytes | None
    product: bytes | None
    quantity: int


class Read(NamedTuple):
    seen: int
    not_purchase: int
    candidates: list[Candidate]


def _window(content: bytes) -> Window:
    return Window(content, 0)


def _decoded(window: Window, depth: int = 256) -> Decoded:
    """By both tiers."""
    try:
        general = decode_generally(window, depth)
    except UnreadablePart as error:
        with pytest.raises(UnreadablePart, match=f"^{re.escape(error.message)}$"):
            decode(window, depth)
        raise
    decoded = decode(window, depth)
    assert decoded.candidates.equals(general.candidates)
    assert (decoded.seen, decoded.not_purchase) == (general.seen, general.not_purchase)
    rows = np.arange(len(decoded.candidates))
    assert event_texts(window, decoded, rows) == event_texts(window, general, rows)
    return decoded


def _read(content: bytes, size: int = 1 << 30, block: int = 1 << 30) -> Read:
    """The whole part, cut into windows."""
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    seen = not_purchase = 0
    found: list[Candidate] = []
    for window in windows(blocks, size, 1 << 30):
        decoded = _decoded(window)
        found += [
            Candidate(
                seen + row["position"],
                "" if row["defect"] == 0 else list(RejectReason)[row["defect"] - 1].value,
                row["guest"],
                row["customer_id"],
                row["product_id"],
                row["quantity"],
            )
            for row in decoded.candidates.to_pylist()
        ]
        seen += decoded.seen
        not_purchase += decoded.not_purchase
    return Read(seen, not_purchase, found)


def _expected(events: list[Any]) -> Read:
    found = []
    for position, event in enumerate(events):
        if not isinstance(event, dict):
            found.append(Candidate(position, "not_an_object", True, None, None, 0))
            continue
        kind = event.get("event_type")
        if isinstance(kind, str) and kind != "purchase":
            continue
        quantity = event.get("quantity")
        valid = type(quantity) is int and 1 <= quantity <= LARGEST
        found.append(
            Candidate(
                position,
                "" if isinstance(kind, str) else "invalid_event_type",
                event.get("customer_id") in (None, ""),
                _id(event.get("customer_id")),
                _id(event.get("product_id")),
                quantity if valid and isinstance(quantity, int) else 0,
            )
        )
    return Read(len(events), len(events) - len(found), found)


def _id(value: object) -> bytes | None:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) and value else None


@given(ANY_PARTS, st.integers(1, 300), st.integers(1, 300))
@settings(max_examples=400, deadline=None)
def test_candidates_are_those_of_json_loads_in_windows_of_any_size(
    content: bytes, size: int, block: int
) -> None:
    events = _parse(content)
    if events is None:
        for cut in ((1 << 30, 1 << 30), (size, block)):
            with pytest.raises(UnreadablePart):
                _read(content, *cut)
    else:
        assert _read(content) == _expected(events)
        assert _read(content, size, block) == _expected(events)


@given(strategies.parts(EVENTS, damage=False))
@settings(max_examples=200, deadline=None)
def test_event_texts_say_the_same_as_the_part_on_one_line(content: bytes) -> None:
    (window,) = windows([content], 1 << 30, 1 << 30)
    events = json.loads(content.decode("utf-8-sig"), parse_int=str)
    decoded = _decoded(window)
    texts = event_texts(window, decoded, np.arange(len(decoded.candidates)))
    expected = [events[position] for position in decoded.candidates["position"].to_pylist()]
    assert repr([json.loads(text, parse_int=str) for text in texts]) == repr(expected)
    assert not any(b"\n" in text or b"\r" in text for text in texts)


def test_event_text_keeps_spelling_and_drops_blanks_outside_strings_only() -> None:
    content = b'[1, {"a" : "x  \\u00e9 \\" ,", \n"b":[ 1.50 , "\\ud800" ]} ]'
    window = _window(content)
    assert event_texts(window, _decoded(window), np.array([1])) == [
        b'{"a":"x  \\u00e9 \\" ,","b":[1.50,"\\ud800"]}'
    ]


@pytest.mark.parametrize("depth", [1, 2, 255, 256])
def test_depth_up_to_the_limit_is_read(depth: int) -> None:
    assert _decoded(_window(b"[" * depth + b"]" * depth), 256).seen == (depth > 1)


@pytest.mark.parametrize("depth", [257, 300, 1025, 50_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_beyond_the_limit_is_refused(depth: int, start: bytes, end: bytes) -> None:
    content = b"[" + start * (depth - 1) + (b"1" if start != b"[" else b"") + end * (depth - 1)
    with pytest.raises(UnreadablePart, match="nested"):
        _decoded(_window(content + b"]"))


def test_depth_is_of_one_event_not_of_many() -> None:
    content = b"[" + b",".join([b'{"a":{"b":[]}}'] * 1000) + b"]"
    assert _decoded(_window(content), 4).seen == 1000
    with pytest.raises(UnreadablePart, match="deeper than the limit of 3"):
        _decoded(_window(content), 3)


def test_brackets_in_strings_are_no_depth() -> None:
    content = b'[{"note": "' + b"[{" * 1000 + b'\\"["}]'
    assert _decoded(_window(content), 2).seen == 1


def test_depth_limit_holds_whatever_the_decoder_that_reads_it() -> None:
    deep = b"[" * 256 + b"]" * 256
    with pytest.raises(UnreadablePart, match="nested deeper"):
        _decoded(_window(b'["\\ud800", 1e400, ' + deep + b"]"))


PURCHASE = '{{"event_type":"purchase","customer_id":{},"product_id":{},"quantity":{}}}'


@pytest.mark.parametrize(
    ("customer", "product", "quantity", "expected"),
    [
        ('"\\ud800"', '"p1"', "1", (b"\xed\xa0\x80", b"p1", 1)),
        ('"\\ud83d\\ude00"', '"p1"', "1", ("😀".encode(), b"p1", 1)),
        ('"c1"', '"\\udfff"', "1", (b"c1", b"\xed\xbf\xbf", 1)),
        ('"c1"', '"p1"', "9" * 5000, (b"c1", b"p1", 0)),
        ('"c1"', '"p1"', "-" + "9" * 5000, (b"c1", b"p1", 0)),
        ('"c1"', '"p1"', "1e400", (b"c1", b"p1", 0)),
        ('"c1"', '"p1"', "1.0", (b"c1", b"p1", 0)),
        ('"c1"', '"p1"', "2147483647", (b"c1", b"p1", LARGEST)),
        ('"c1"', '"p1"', "2147483648", (b"c1", b"p1", 0)),
        ('"c1"', '"p1"', "-0", (b"c1", b"p1", 0)),
        ("1e400", '"p1"', "1", (None, b"p1", 1)),
        ("9" * 5000, "-" + "9" * 400, "1", (None, None, 1)),
    ],
)
@pytest.mark.parametrize("neighbour", ["5", '"\\ud800"', '{"event_type":"view"}'])
def test_extreme_values_cost_at_most_their_event(
    customer: str,
    product: str,
    quantity: str,
    expected: tuple[bytes | None, bytes | None, int],
    neighbour: str,
) -> None:
    event = PURCHASE.format(customer, product, quantity)
    read = _read(f"[{neighbour},{event},{neighbour}]".encode())
    assert read.seen == 3
    (found,) = (candidate for candidate in read.candidates if not candidate.reason)
    assert found == (1, "", False, *expected)


@pytest.mark.parametrize(
    "garbage",
    ["", "1 2", "NaN", "-Infinity", "01", "1.", ".5", "+1", "1e", "'a'", '{"a"}', '{"a":1,}']
    + ['"\\x"', '"\\u12"', '"a\nb"', '"\x00"', "\ufeff1", "\xa0", "tru", "}", "]", "{", "/**/1"],
)
@pytest.mark.parametrize("slow", ["", '"\\ud800",'])
def test_garbage_is_not_json_in_either_decoder(garbage: str, slow: str) -> None:
    with pytest.raises(UnreadablePart, match="not a JSON array"):
        _decoded(_window(f"[{slow}{garbage},1]".encode()))


def test_cause_names_the_byte_of_the_part() -> None:
    with pytest.raises(UnreadablePart, match="at byte 1006"):
        _decoded(Window('["ü",x]'.encode(), 1000))
    with pytest.raises(UnreadablePart, match=r"not UTF-8: .* at byte 1002"):
        _decoded(Window(b'["\xff"]', 1000))
