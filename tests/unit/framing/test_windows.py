"""Windows: wherever a part is cut, its events are what json.loads says they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.borders import Structure
from pipeline_core.framing.kernel import IS_BUILT, kernel
from pipeline_core.framing.shapes import windows
from pipeline_core.framing.windows import Window, array_windows
from pipeline_core.messages import Limits
from tests.support import strategies
from tests.support.decoding import OURS
from tests.support.parts import ONE_WINDOW, read_part

NO_LIMIT = 1 << 30
PARTS = strategies.parts(
    strategies.events(st.sampled_from(["c1", "ü", '"', "\\"]), st.sampled_from(["p1", "}{", ","])),
    damage=False,
)


def _blocks(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def _cut(
    content: bytes, *, size: int = 1, block: int = 1, max_event_bytes: int = NO_LIMIT
) -> list[Window]:
    limits = Limits(event_bytes=max_event_bytes)
    return list(windows(_blocks(content, block), size, limits, OURS))


def _events(found: Sequence[Window]) -> list[Any]:
    return [event for window in found for event in json.loads(window.text, parse_int=str)]


@given(PARTS, st.integers(1, 200), st.integers(1, 200))
@settings(max_examples=300, deadline=None)
def test_any_cut_gives_the_events_of_the_whole(content: bytes, size: int, block: int) -> None:
    whole = json.loads(content.decode("utf-8-sig"), parse_int=str)
    assert repr(_events(_cut(content, size=size, block=block))) == repr(whole)


@pytest.mark.skipif(not IS_BUILT, reason="the compiled kernel is not built")
@given(PARTS)
@settings(max_examples=300, deadline=None)
def test_the_kernel_and_numpy_find_the_same_borders(content: bytes) -> None:
    (window,) = array_windows([content], NO_LIMIT, NO_LIMIT)
    commas = Structure.of(window.text).event_commas.tolist()
    for end in range(1, len(window.text) + 1):
        found = [0, *(comma for comma in commas if comma < end)]
        longest = max(after - before for before, after in pairwise([*found, end - 1]))
        assert kernel.event_borders(window.text[:end]) == (found[-1], longest)


@pytest.mark.skipif(not IS_BUILT, reason="the compiled kernel is not built")
@given(st.text('"[]{},a', max_size=400).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_the_kernel_and_numpy_find_the_same_borders_of_no_json(text: bytes) -> None:
    commas = Structure.of(text).event_commas.tolist()
    longest = max(after - before for before, after in pairwise([0, *commas, len(text) - 1]))
    assert kernel.event_borders(text) == ([0, *commas][-1], max(longest, 0))


@pytest.mark.skipif(not IS_BUILT, reason="the compiled kernel is not built")
@pytest.mark.parametrize("filler", range(130))
def test_brackets_in_strings_are_none_wherever_an_escape_stands(filler: int) -> None:
    text = "x" * filler
    item = {text + '\\"]}': ['"', "{[", {"\\": text + "\\\\"}, "]" * 70, []]}
    first, second = json.dumps(item).encode(), json.dumps([item, {}, text]).encode()
    array = b"[" + first + b"," + second + b"]"
    assert kernel.event_borders(array) == (len(first) + 1, len(second) + 1)
    assert kernel.value_end(array, 1) == len(first) + 1
    assert kernel.value_borders(first + second) == (len(first + second), len(second))
    for end in range(len(first), 0, -1):
        assert not kernel.value_end(first[: end - 1], 0)


def test_small_part_is_one_window_without_its_bom_and_leading_blanks() -> None:
    assert _cut(b"\xef\xbb\xbf \n[1, 2] ", size=100) == [Window(b"[1, 2] ", 0)]


def test_windows_are_cut_at_event_commas_only() -> None:
    event = {"a": [1, 2], "b": 'x, y", [}', "c": {"d": "\\\\", "e": [{}, [","]]}}
    found = _cut(json.dumps([event, "],", [1, 2]] * 20).encode())
    assert len(found) > 10
    assert [item for window in found for item in json.loads(window.text)] == [
        event,
        "],",
        [1, 2],
    ] * 20


def test_windows_stay_near_their_size_however_long_the_part() -> None:
    content = json.dumps([{"n": n} for n in range(10_000)]).encode()
    assert max(len(window.text) for window in _cut(content, size=1000, block=100)) < 2000


def test_offset_is_the_window_place_in_the_part() -> None:
    content = b"[10, 20, 30, 40]"
    found = _cut(content)
    assert len(found) == 4
    for window in found:
        first = window.text[1:-1]
        assert content[window.offset + 1 :].startswith(first)


@pytest.mark.parametrize(
    "content",
    [b"", b" ", b"\xef\xbb\xbf", b"{}", b"1", b"\xef\xbb\xbf{}", b"x[]", b"\xef\xbb[", b"{"],
)
@pytest.mark.parametrize("block", [1, 2, 100])
def test_what_begins_with_no_bracket_and_is_no_event_is_refused(content: bytes, block: int) -> None:
    with pytest.raises(UnreadablePart, match=r"no JSON events|no array of events|cut off"):
        _cut(content, block=block)


@pytest.mark.parametrize("size", range(1, 12))
@pytest.mark.parametrize("content", [b"[1,2,]", b"[1,2, ]", b"[1, 2,", b"[1,2,\n]\n"])
def test_trailing_comma_is_noticed_wherever_the_cut_falls(content: bytes, size: int) -> None:
    with pytest.raises((UnreadablePart, json.JSONDecodeError)):
        _events(_cut(content, size=size))


def _accepted(content: bytes, size: int, block: int, max_event_bytes: int) -> bool:
    try:
        _cut(content, size=size, block=block, max_event_bytes=max_event_bytes)
    except UnreadablePart as error:
        assert "longer than the limit" in error.message  # noqa: PT017
        return False
    return True


@pytest.mark.parametrize("size", [1, 7, 20, 23, 50, 1000])
@pytest.mark.parametrize("block", [1, 13, 1000])
@pytest.mark.parametrize("place", [0, 1, 4])
def test_event_limit_is_exact_wherever_the_event_and_the_cut(
    place: int, block: int, size: int
) -> None:
    def content(length: int) -> bytes:
        events = [b"1234567"] * 5
        events[place] = b'"' + b"x" * (length - 2) + b'"'
        return b"[" + b",".join(events) + b"]"

    assert _accepted(content(20), size, block, 20)
    assert not _accepted(content(21), size, block, 20)


@given(
    st.lists(st.integers(2, 30), max_size=6), st.integers(1, 80), st.integers(1, 80), st.booleans()
)
@settings(max_examples=500, deadline=None)
def test_event_limit_is_independent_of_window_and_block_size(
    lengths: list[int], size: int, block: int, blanks: bool
) -> None:
    between = b" , " if blanks else b","
    events = between.join(b'"' + b"x" * (length - 2) + b'"' for length in lengths)
    content = b"[" + events + b"]" + b" " * 3 * blanks
    assert _accepted(content, size, block, 20) == _accepted(content, 10_000, 10_000, 20)


@pytest.mark.parametrize("filler", [b" ", b"[", b"{", b"x", b'"x'])
def test_endless_event_is_given_up_before_it_is_read(filler: bytes) -> None:
    fed = 0

    def endless() -> Any:
        nonlocal fed
        yield b"["
        while True:
            fed += 1000
            yield (filler * 1000)[:1000]

    with pytest.raises(UnreadablePart, match="longer than the limit of 50000 bytes"):
        list(windows(endless(), 10_000, Limits(event_bytes=50_000), OURS))
    assert fed <= 120_000


def test_leading_blanks_are_never_held() -> None:
    blanks = (b" " * 1000 for _ in range(1000))
    assert list(windows([*blanks, b"[1]"], 10, Limits(event_bytes=20), OURS)) == [Window(b"[1]", 0)]


@pytest.mark.parametrize(
    ("content", "depth"),
    [
        (b"[]", 1),
        (b"[[], {}]", 2),
        (b'["[[[[", {"a": [1]}]', 3),
        (b'["\\"[[", "\\\\", [[]]]', 3),
        (b"[" * 257 + b"]" * 257, 257),
    ],
)
def test_structure_knows_the_depth(content: bytes, depth: int) -> None:
    assert Structure.of(content).depth == depth


@pytest.mark.parametrize("size", [1, 3, 8, ONE_WINDOW])
@pytest.mark.parametrize(
    "text", [b"[\n, true\n]", b'[{"a": 1},\n, {"a": "longer than a window"}]', b"[,1]"]
)
def test_a_comma_without_an_event_before_it_is_no_array_wherever_it_is_cut(
    text: bytes, size: int
) -> None:
    for block in (1, 4, 13, 40, ONE_WINDOW):
        with pytest.raises(UnreadablePart):
            read_part(text, size=size, block=block)
