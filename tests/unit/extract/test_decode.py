"""Decoding: candidates are what the standard library's decoder and the rules would give.

Every text goes through both tiers, which must say the same."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipeline_core.containers.cut import is_cut
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract import candidates as candidates_module
from pipeline_core.extract import decode as decode_module
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.general_tier import decode_generally
from pipeline_core.extract.scan import Names, Scanned, scan
from pipeline_core.framing.borders import Structure
from pipeline_core.framing.shapes import windows
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed, Limits, RejectReason
from tests.support import strategies
from tests.support.decoding import OURS, by_both_tiers, collected
from tests.support.oracle_parts import events_of_array
from tests.support.whole_runs import whole_runs

LARGEST = 2**31 - 1
FOUR_NAMES = (b"t", b"c", b"p", b"q")
NO_LIMITS = Limits(event_bytes=1 << 30)
IDS = st.sampled_from(["c1", "p1", "ü", '"', "\\", "}, {", "\u2028"])
EVENTS = strategies.events(IDS, IDS)
ANY_PARTS = strategies.parts(EVENTS)


class Purchase(NamedTuple):
    position: int
    reason: str
    guest: bool
    customer: bytes | None
    product: bytes | None
    quantity: int


class Read(NamedTuple):
    seen: int
    not_purchase: int
    candidates: list[Purchase]


def _window(content: bytes) -> Window:
    return Window(content, 0)


def _read(
    content: bytes, size: int = 1 << 30, block: int = 1 << 30, most_rows: int = 1 << 20
) -> Read:
    """The whole part, cut into windows."""
    blocks = [content[start : start + block] for start in range(0, len(content), block)]
    seen = not_purchase = 0
    found: list[Purchase] = []
    for window in windows(blocks, size, NO_LIMITS, OURS):
        outcome = by_both_tiers(window, most_rows=most_rows)
        for each in outcome.candidates:
            reason = list(RejectReason)[each.defect - 1].value if each.defect else ""
            found.append(Purchase(seen + each.position, reason, *each[3:7]))
        seen += outcome.seen
        not_purchase += outcome.not_purchase
    return Read(seen, not_purchase, found)


def _expected(events: list[Any]) -> Read:
    found = []
    for position, event in enumerate(events):
        if not isinstance(event, dict):
            found.append(Purchase(position, "not_an_object", True, None, None, 0))
            continue
        kind = event.get("event_type")
        if isinstance(kind, str) and kind != "purchase":
            continue
        quantity = event.get("quantity")
        if not isinstance(quantity, int) or isinstance(quantity, bool):
            quantity = 0
        found.append(
            Purchase(
                position,
                "" if isinstance(kind, str) else "invalid_event_type",
                event.get("customer_id") in (None, ""),
                _id(event.get("customer_id")),
                _id(event.get("product_id")),
                quantity if abs(quantity) <= LARGEST else 0,
            )
        )
    return Read(len(events), len(events) - len(found), found)


def _id(value: object) -> bytes | None:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) and value else None


@given(ANY_PARTS, st.integers(1, 300), st.integers(1, 300), st.integers(1, 4))
@whole_runs(400)
def test_candidates_are_those_of_json_loads_in_windows_of_any_size(
    content: bytes, size: int, block: int, most_rows: int
) -> None:
    events = events_of_array(content)
    if events is None:
        for cut in ((1 << 30, 1 << 30), (size, block, most_rows)):
            with pytest.raises(UnreadablePart):
                _read(content, *cut)
    else:
        assert _read(content) == _expected(events)
        assert _read(content, size, block, most_rows) == _expected(events)


@given(strategies.parts(EVENTS, damage=False), st.sampled_from(["view_product", "purch", ""]))
@whole_runs(200)
def test_both_tiers_know_returns_by_their_type(content: bytes, kind: str) -> None:
    (window,) = windows([content], 1 << 30, NO_LIMITS, OURS)
    feed = Feed(return_types=(kind, "add_to_cart"), price="quantity_price", ids="any")
    units = {each.position: each.quantity for each in by_both_tiers(window, feed=feed).candidates}
    for position, event in enumerate(events_of_array(content) or ()):
        if isinstance(event, dict) and event.get("event_type") in feed.return_types:
            assert units[position] <= 0


@given(strategies.parts(EVENTS, damage=False))
@whole_runs(200)
def test_event_texts_say_the_same_as_the_part_on_one_line(content: bytes) -> None:
    (window,) = windows([content], 1 << 30, NO_LIMITS, OURS)
    events = json.loads(content.decode("utf-8-sig"), parse_int=str)
    candidates = by_both_tiers(window).candidates
    texts = [candidate.text for candidate in candidates]
    expected = [events[candidate.position] for candidate in candidates]
    assert repr([json.loads(text, parse_int=str) for text in texts]) == repr(expected)
    assert not any("\n" in text or "\r" in text for text in texts)


def test_event_text_keeps_spelling_and_drops_blanks_outside_strings_only() -> None:
    content = b'[1, {"a" : "x  \\u00e9 \\" ,", \n"b":[ 1.50 , "\\ud800" ]} ]'
    found = by_both_tiers(_window(content)).candidates[1]
    assert found.text == '{"a":"x  \\u00e9 \\" ,","b":[1.50,"\\ud800"]}'


@pytest.mark.parametrize("depth", [1, 2, 255, 256])
def test_depth_up_to_the_limit_is_read(depth: int) -> None:
    assert by_both_tiers(_window(b"[" * depth + b"]" * depth), 256).seen == (depth > 1)


@pytest.mark.parametrize("depth", [257, 300, 1025, 50_000])
@pytest.mark.parametrize(("start", "end"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth_beyond_the_limit_is_refused(depth: int, start: bytes, end: bytes) -> None:
    content = b"[" + start * (depth - 1) + (b"1" if start != b"[" else b"") + end * (depth - 1)
    with pytest.raises(UnreadablePart, match="nested"):
        by_both_tiers(_window(content + b"]"))


def test_depth_is_of_one_event_not_of_many() -> None:
    content = b"[" + b",".join([b'{"a":{"b":[]}}'] * 1000) + b"]"
    assert by_both_tiers(_window(content), 4).seen == 1000
    with pytest.raises(UnreadablePart, match="deeper than the limit of 3"):
        by_both_tiers(_window(content), 3)


def test_brackets_in_strings_are_no_depth() -> None:
    content = b'[{"note": "' + b"[{" * 1000 + b'\\"["}]'
    assert by_both_tiers(_window(content), 2).seen == 1


def test_depth_limit_holds_whatever_the_decoder_that_reads_it() -> None:
    deep = b"[" * 256 + b"]" * 256
    with pytest.raises(UnreadablePart, match="nested deeper"):
        by_both_tiers(_window(b'["\\ud800", 1e400, ' + deep + b"]"))


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
        by_both_tiers(_window(f"[{slow}{garbage},1]".encode()))


def test_cause_names_the_byte_of_the_part() -> None:
    with pytest.raises(UnreadablePart, match="at byte 1006"):
        by_both_tiers(Window('["ü",x]'.encode(), 1000))
    with pytest.raises(UnreadablePart, match=r"not UTF-8: .* at byte 1002"):
        by_both_tiers(Window(b'["\xff"]', 1000))


def test_the_general_tier_goes_on_where_the_fast_one_gave_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    window = _window(f"[{','.join(['{}', PURCHASE.format(1, 2, 3), '5', '{}'] * 5)}]".encode())
    expected = by_both_tiers(window)

    def gives_up(
        window: Window, start: int, most_rows: int, json_depth: int, names: Names
    ) -> Scanned | None:
        if start > len(window.text) // 2:
            return None
        return scan(window, start, most_rows, json_depth, names)

    monkeypatch.setattr(decode_module, "scan", gives_up)
    for most_rows in range(1, 20):
        assert collected(decode_module.decode(window, 256, most_rows, OURS)) == expected


def test_very_short_events_are_decoded_a_piece_at_once() -> None:
    window = _window(b"[" + b",".join([b"1", b"{}"] * 300_000) + b"]")
    pieces = list(decode_generally(window, 256, reading_of(OURS)))
    assert len(pieces) > 1
    assert sum(piece.seen for piece in pieces) == 600_000
    torn = _window(bytes(window.text[:-1]) + b",]")
    with pytest.raises(UnreadablePart, match="no event after byte"):
        list(decode_generally(torn, 256, reading_of(OURS)))


def test_texts_of_candidates_are_verbatim_with_and_without_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    events = [
        '{"event_type": "purchase", "quantity" : 1}',
        '{"event_type":"view"}',
        "5",
        '"\\u00e4"',
    ]
    window = Window(("[" + " ,\n".join(events) + "]").encode(), 0)
    expected = [event.encode() for event in (events[0], *events[2:])]
    (decoded,) = decode_module.decode(window, 256, 50, OURS)
    for _ in ("as it is", "without"):
        texts, lengths = candidates_module.candidate_texts(decoded)
        assert (texts, lengths.tolist()) == (b"".join(expected), [len(text) for text in expected])
        monkeypatch.setattr(candidates_module, "kernel", None)


@pytest.mark.parametrize("span", [(-1, 1), (2, 1), (0, 4), (4, 4), (0, 2**62)])
def test_spans_that_lead_outside_of_the_text_are_refused(span: tuple[int, int]) -> None:
    kernel = pytest.importorskip("pipeline_core.framing._kernel")
    assert kernel.gather(b"abc", np.array([(0, 3), (3, 3), (1, 2)])) == b"abcb"
    with pytest.raises(ValueError, match="outside of the text"):
        kernel.gather(b"abc", np.array([(0, 1), span]))


@pytest.mark.parametrize("spans", [np.zeros(3, np.int64), np.zeros(4), np.zeros(4, np.int32)])
def test_spans_that_are_no_pairs_are_refused(spans: NDArray[Any]) -> None:
    kernel = pytest.importorskip("pipeline_core.framing._kernel")
    with pytest.raises(ValueError, match="no pairs of int64"):
        kernel.gather(b"abc", spans)


@pytest.mark.parametrize("depth", [-(2**31), -1, 0, 513, 2**31 - 1])
def test_a_depth_that_no_stack_is_sure_to_hold_is_refused_by_the_kernel(depth: int) -> None:
    kernel = pytest.importorskip("pipeline_core.framing._kernel")
    with pytest.raises(ValueError, match="depth is not one of"):
        kernel.scan(b"[" * 1_000_000, 0, 0, 5, depth, 1, 2, FOUR_NAMES, (), 0, False, 2)


@pytest.mark.parametrize("depth", [-1, 0, 1, 600, 2**31])
@pytest.mark.parametrize("nested", [b"[]", b"[" * 550 + b"]" * 550, b'[{"event_type": "x"}]'])
def test_any_depth_means_the_same_to_both_tiers(nested: bytes, depth: int) -> None:
    with nullcontext() if depth >= Structure.of(nested).depth else pytest.raises(UnreadablePart):
        assert by_both_tiers(Window(nested, 0), depth, 5).seen == (len(nested) > 2)


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (
            '{"a":"12345678901234567890123"}',
            '{"a":"12345678901234567890123"… (cut, 31 bytes in all)',
        ),
        ('{"a":"1234567890123456789012"}', '{"a":"1234567890123456789012"}'),
        ('{ "a" : "1234567890123456789012" }', '{"a":"1234567890123456789012"}'),
        ('{"a":"1234567890123456789\u20ac"}', '{"a":"1234567890123456789\u20ac"}'),
        ('{"a":"12345678901234567890\u20ac", "b":1}', None),
        ('{"a":"123456789012345678901\u20ac", "b":1}', None),
        (
            '{"a":"' + "\U0001f600" * 9 + '"}',
            '{"a":"' + "\U0001f600" * 6 + "… (cut, 44 bytes in all)",
        ),
    ],
)
def test_long_event_is_cut_between_characters_and_marked(event: str, shown: str | None) -> None:
    (found,) = by_both_tiers(_window(f"[{event}]".encode())).candidates
    if shown is not None:
        assert found.beginning == shown
    kept, mark, _ = found.beginning.partition("… (cut, ")
    assert found.text.startswith(kept)
    assert 27 <= len(kept.encode()) <= 30
    assert bool(mark) == (len(found.text.encode()) > 30)
    assert is_cut(found.beginning) == bool(mark)
