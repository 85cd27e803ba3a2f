"""Shapes of parts, told by their content: however the same events are written, they are the same.

Every text goes through both tiers, which must say the same."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.decode import decode
from pipeline_core.framing.shapes import windows
from pipeline_core.messages import Feed, Limits
from tests.support.decoding import OURS
from tests.support.parts import ONE_WINDOW, Read, read_part
from tests.support.whole_runs import whole_runs

P = '{"event_type":"purchase","customer_id":"c%d","product_id":"p","quantity":1}'
A, B, C = (P % number for number in (1, 2, 3))
VIEW = '{"event_type":"view"}'
BAD = "not_an_object"

IDS = st.sampled_from(
    ["c1", "ü", '"', "\\", "}, {", "\u2028", "a\nb", "\ud800", "", None, 7, -0.5, 10**30, ["x"]]
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "event_type": st.sampled_from(["purchase", "purchase", "purchase", "view", "", 5, None]),
    "customer_id": IDS,
    "product_id": IDS,
    "quantity": st.sampled_from([1, 2, 2**31 - 1, 2**31, 0, -1, 1.0, "2", None, True, 10**20]),
    "note": st.sampled_from(["x\ny", {"a": [1, {}]}, 1.5e300]),
}
OBJECTS = st.lists(st.fixed_dictionaries({}, optional=VALUES), min_size=2, max_size=8)


def _array(events: list[Any]) -> str:
    return json.dumps(events, indent=1)


def _lines(events: list[Any]) -> str:
    return "\r\n\n".join(map(json.dumps, events)) + "\n"


def _last_line_without_end(events: list[Any]) -> str:
    return "\n".join(map(json.dumps, events))


def _values(events: list[Any]) -> str:
    return "".join(map(json.dumps, events))


def _pretty_values(events: list[Any]) -> str:
    return " ".join(json.dumps(event, indent=2) for event in events)


def _envelope(events: list[Any]) -> str:
    around = {"meta": {"page": [1, 2], "of": "x]}"}, "data": {"rows": events}, "next": [None, "a"]}
    return json.dumps(around)


SHAPES: dict[str, Callable[[list[Any]], str]] = {
    each.__name__.strip("_"): each
    for each in (_array, _lines, _last_line_without_end, _values, _pretty_values, _envelope)
}
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gz": gzip.compress,
    "gz of members": lambda text: b"".join(
        gzip.compress(text[at : at + 50]) for at in range(0, len(text), 50)
    ),
    "zst": zstd.compress,
    "zst of frames": lambda text: b"".join(
        zstd.compress(text[at : at + 50]) for at in range(0, len(text), 50)
    ),
}
NAMES = {
    "ours": Feed(),
    "flat": Feed(
        event_type="type", customer_id="product_id", product_id='s"k\\u', quantity="Menge €"
    ),
    "nested": Feed(event_type="e.t", customer_id="user.id", product_id="user.sku", quantity="n"),
}


def _renamed(event: dict[str, Any], feed: Feed) -> dict[str, Any]:
    """The same event, by the feed's names."""
    found: dict[str, Any] = {}
    for name, value in event.items():
        *outer, last = str(getattr(feed, name, f"other_{name}")).split(".")
        inner = found
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = value
    return found


def _without_texts(found: Read) -> Read:
    return found._replace(candidates=[each._replace(text="") for each in found.candidates])


@given(OBJECTS, st.integers(1, 300), st.integers(1, 300), st.data())
@whole_runs(300)
def test_the_same_events_are_the_same_in_any_shape_packing_and_names(
    events: list[dict[str, Any]], size: int, block: int, data: st.DataObject
) -> None:
    expected = _without_texts(read_part(json.dumps(events).encode()))
    feed, shape, packed = (
        data.draw(st.sampled_from([*each.values()])) for each in (NAMES, SHAPES, PACKINGS)
    )
    text = shape([_renamed(event, feed) for event in events]).encode()
    for cut in ((ONE_WINDOW, ONE_WINDOW), (size, block)):
        found = read_part(packed(text), feed, size=cut[0], block=cut[1], most_rows=3)
        assert _without_texts(found) == expected, text


def positions(content: str, feed: Feed = OURS, **options: Any) -> list[tuple[int, str]]:
    """Where candidates are, and why they are none, in windows of every size."""
    whole = read_part(content.encode(), feed, **options)
    for size in (1, 7, 50, 90):
        assert read_part(content.encode(), feed, size=size, block=size, **options) == whole
    return [(each.position, each.reason) for each in whole.candidates]


def cause(content: str | bytes, feed: Feed = OURS, **options: Any) -> str:
    """Why a part cannot be read, in windows of any size."""
    octets = content.encode() if isinstance(content, str) else content
    said = set()
    for size in (ONE_WINDOW, 1, 7, 50):
        with pytest.raises(UnreadablePart) as error:
            read_part(octets, feed, size=size, block=size, **options)
        said.add(error.value.message)
    (only,) = said
    return only


@pytest.mark.parametrize(
    ("content", "seen", "found"),
    [
        (f"{A}\n{B}\n", 2, [0, 1]),
        (f" \ufeff{A}\n{B}"[2:], 2, [0, 1]),
        (f"{A} \r\n\n \t\n{VIEW}\n{C}\n", 3, [0, 2]),
        (f"{A}\n{B}{C} {VIEW}\n{C}\n", 5, [0, 1, 2, 4]),
        (f"{A}{B}", 2, [0, 1]),
        (f"{A} {B}\n{C}\n", 3, [0, 1, 2]),
        ("{\n" + A[1:] + "\n" + B, 2, [0, 1]),
        ("{\n" + A[1:] + "\n{" + B[1:-1] + "\n}", 2, [0, 1]),
        (A, 1, [0]),
        (f"{A} \n ", 1, [0]),
        (VIEW, 1, []),
        (f'{{"n":2,"records":[{A},{VIEW},{B}],"next":null}}', 3, [0, 2]),
        (f'{{"a":{{"tags":["x"],"b":{{"rows": [\n{A}\n] }}}},"c":[]}}', 1, [0]),
    ],
)
def test_shapes(content: str, seen: int, found: list[int]) -> None:
    assert positions(content) == [(position, "") for position in found]
    assert read_part(content.encode()).seen == seen


@pytest.mark.parametrize("line", ["{bad}", '{"a":1', "x", '{"a":1e}', "{'a':1}", '{"a":NaN}', "}"])
def test_a_bad_line_costs_one_event(line: str) -> None:
    whole = f"{A}\n{line} \r\n{B}\n"
    assert positions(whole) == [(0, ""), (1, BAD), (2, "")]
    assert read_part(whole.encode()).candidates[1].text == line.replace(" ", "")
    assert positions(f"{line}\n{VIEW}\n{B}\n") == [(0, BAD), (2, "")]
    assert positions(f"{A}\n{B}\n{line}\n") == [(0, ""), (1, ""), (2, BAD)]
    assert cause(f"{A}\n{B}\n{line}") == "the part is cut off: its last line is not JSON"


@pytest.mark.parametrize("line", ["5", "null", '"{}"', "[]", f"[{A}]", "true"])
def test_a_line_that_is_no_object_is_an_event(line: str) -> None:
    assert positions(f"{A}\n{line}\n{B}\n{line}") == [(0, ""), (1, BAD), (2, ""), (3, BAD)]


def test_bytes_that_are_no_utf_8_cost_their_line_and_are_shown() -> None:
    found = read_part(b"\n".join([A.encode(), b'{"a":"\xff\xe2\x82"}', b'\xc3{"b":1}', B.encode()]))
    assert [each.reason for each in found.candidates] == ["", BAD, BAD, ""]
    assert [each.text for each in found.candidates[1:3]] == [
        '{"a":"\ufffd\ufffd"}',
        '\ufffd{"b":1}',
    ]


def test_a_line_that_is_too_deep_costs_its_events() -> None:
    limits = Limits(json_depth=3)
    deep = '{"a":[[1]]} {"b":[[[1]]]}'
    assert positions(f"{A}\n{deep}\n{B}\n{{}}", limits=limits) == [
        (0, ""),
        (1, BAD),
        (2, ""),
        (3, "invalid_event_type"),
    ]
    assert "deeper" in cause(A + B + deep, limits=limits)
    assert "deeper" in cause(f'{{"a":[{A},{{"x":[1]}}]}}', limits=limits)
    assert "deeper" in cause(f'{{"a":[{A}],"b":{{"c":{{"d":{{}}}}}}}}', limits=limits)
    assert positions(f'{{"a":[{A}]}}', limits=limits) == [(0, "")]


@pytest.mark.parametrize(
    "content",
    [f"{A},{B}", f"{A}{B}]", f"{A} 01", f"{A}{{", f"{A}{{}}x", f"{A}{B[:-1]}", f'{A}"a\nb"'],
)
def test_one_bad_value_spoils_the_part(content: str) -> None:
    assert "not JSON values one after another" in cause(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "object of the part has no array of events; set SALES_RECORDS"),
        ('{"a":[1]}', "has no array of events (a); set SALES_RECORDS"),
        ('{"n":0,"a":{"b":[ ]}}', "its array a.b is empty; SALES_RECORDS=a.b would"),
        ('{"a":[],"b":{"c":[]}}', "several arrays of events (a, b.c); set SALES_RECORDS"),
        ('{"a":[{}],"b":{"c":[{}]}}', "several arrays of events (a, b.c); set SALES_RECORDS"),
        ('{"a":[{}],"a":[{}]}', "a key of its array a twice"),
        ('{"a":[{}],"b":nil}', "it is not JSON: Expecting value"),
        ('{"a":[{}]]}', "it is not JSON"),
        ('{"a":[{}],"b":1', "cut off"),
        ('{"a":[{}', "cut off"),
        ("{bad}\n{worse}\n", "it is not JSON: Expecting property name"),
        ("event_type,customer_id\n", "does not begin with '[' or '{'"),
        ("[1]\n[2]\n", "not a JSON array"),
    ],
)
def test_what_is_none_of_the_shapes_is_refused(content: str, said: str) -> None:
    assert said in cause(content)


def test_an_event_may_hold_arrays() -> None:
    order = f'{A[:-1]},"items":[{{"a":1}}]}}'
    assert positions(order) == [(0, "")]
    order = order.replace("event_type", "what")
    assert positions(order, Feed(event_type="what")) == [(0, "")]
    assert positions(order, Feed(records="items")) == [(0, "invalid_event_type")]
    order = f'{{"n":1,"lines":[{{"a":1}}],"rows":[{A}]}}'
    assert read_part(order.encode(), Feed(items="lines[]")) == Read(1, 1, [])  # of `rows`


def test_the_named_array_holds_the_events() -> None:
    content = f'{{"a":[{VIEW}],"data":{{"rows":[{A},5]}},"b":[{B}]}}'
    assert positions(content, Feed(records="data.rows")) == [(0, ""), (1, BAD)]
    assert positions(content, Feed(records="b")) == [(0, "")]
    assert positions('{"data.rows":[]}', Feed(records="data.rows")) == []
    assert "no array at c, which SALES_RECORDS names" in cause(content, Feed(records="c"))
    assert "no array at data" in cause(content, Feed(records="data"))
    twice = '{"a":[{}],"a":[{}]}'
    assert "a key of its array a twice" in cause(twice, Feed(records="a"))


def test_an_envelope_may_be_larger_than_an_event() -> None:
    limits = Limits(event_bytes=120)
    content = f'{{"n":1,"rows":[{",".join([A] * 50)}],"next":"x"}}'
    assert len(positions(content, limits=limits)) == 50
    assert "several arrays" in cause(content[:-1] + f',"more":[{A}]}}', limits=limits)
    assert "longer than the limit" in cause(
        content.replace('"x"', '"' + "x" * 150 + '"'), limits=limits
    )
    assert "longer than the limit" in cause(
        '{"event_type":"view","a":[' + ",".join(["{}"] * 50) + "]}", limits=limits
    )
    assert "longer than the limit" in cause(
        '{"n":"' + "x" * 150 + f'","rows":[{A}]}}', limits=limits
    )
    assert "cut off" in cause(content[:-20], limits=limits)


@pytest.mark.parametrize("length", [100, 101])
def test_the_longest_line_and_value_are_exact(length: int) -> None:
    long = '{"event_type":"' + "x" * (length - 17) + '"}'
    assert len(long) == length
    for content in (f"{VIEW}\n{long}\n{VIEW}\n", f"{VIEW}\n{long}", f"{VIEW}{long}{VIEW}"):
        if length == 100:
            assert positions(content, limits=Limits(event_bytes=100)) == []
        else:
            assert "longer than the limit" in cause(content, limits=Limits(event_bytes=100))


@pytest.mark.parametrize("filler", [b" ", b"\n", b"x", b'"x', b"{", b'{"a":[', b"[", b'"\n'])
@pytest.mark.parametrize("start", [b"{}{", b"{}\n{", b"{", b'{"a":[', b'{"a":[{},'])
def test_an_endless_event_is_given_up_before_it_is_read(start: bytes, filler: bytes) -> None:
    fed = 0

    def endless() -> Iterator[bytes]:
        nonlocal fed
        yield start
        while fed < 1_000_000:
            fed += 1000
            yield (filler * 1000)[:1000]

    if start.endswith(b"\n{") and b"\n" in filler:
        return  # lines without end
    found = windows(endless(), 10_000, Limits(event_bytes=50_000), OURS)
    with pytest.raises(UnreadablePart):
        list(chain.from_iterable(decode(window, 256, 1000, OURS) for window in found))
    assert fed <= 160_000


def test_a_text_that_does_not_end_is_told_with_its_place() -> None:
    assert cause('[{"a": "b}]').endswith(": Unterminated string starting at byte 7")
