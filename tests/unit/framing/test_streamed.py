"""A part that comes in many blocks: its windows stay small, and may be left open."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.decode import decode
from pipeline_core.framing import windows as windows_module
from pipeline_core.framing.borders import event_borders
from pipeline_core.framing.kernel import IS_BUILT, Octets
from pipeline_core.framing.shapes import windows
from pipeline_core.messages import Limits
from tests.support.decoding import OURS
from tests.support.parts import read_part

MIB = 1 << 20
EVENTS = [{"event_type": "view", "n": n, "text": "x" * (n % 300)} for n in range(40_000)]
_TEXTS = [json.dumps(event).encode() for event in EVENTS]
ARRAY = b"[" + b", ".join(_TEXTS) + b"]"
LINES = b"".join(text + b"\n" for text in _TEXTS)


@pytest.mark.parametrize("content", [ARRAY, LINES], ids=["array", "lines"])
def test_a_part_of_many_blocks_is_cut_small_however_large_a_window_may_be(content: bytes) -> None:
    blocks = [content[start : start + MIB // 4] for start in range(0, len(content), MIB // 4)]
    found = list(windows(blocks, 64 * MIB, Limits(), OURS))
    assert len(found) > len(content) // (2 * MIB)
    assert max(len(window.text) for window in found) < 2 * MIB
    places = [window.offset for window in found]
    assert places == sorted(set(places))
    if content is ARRAY:
        events = [event for window in found for event in json.loads(window.text)]
    else:
        events = [json.loads(line) for window in found for line in window.text.splitlines()]
    assert events == EVENTS


@pytest.mark.parametrize("content", [ARRAY, LINES], ids=["array", "lines"])
def test_a_part_in_one_block_is_one_window_that_is_not_copied(content: bytes) -> None:
    (window,) = windows([content], 64 * MIB, Limits(), OURS)
    assert window.text is content


@pytest.mark.skipif(not IS_BUILT, reason="the compiled kernel is not built")
def test_where_an_open_window_ends_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[int] = []

    def look(text: Octets) -> tuple[int, int]:
        looked_for.append(len(text))
        return event_borders(text)

    monkeypatch.setattr(windows_module, "event_borders", look)
    kept = _read(are_open=False)
    assert sum(looked_for) > len(ARRAY) // 2
    looked_for.clear()
    assert _read(are_open=True) == kept
    assert not looked_for


def _read(*, are_open: bool) -> list[tuple[int, bytes, int]]:
    blocks = [ARRAY[start : start + MIB // 4] for start in range(0, len(ARRAY), MIB // 4)]
    return [
        (window.offset, bytes(window.text), decoded.seen)
        for window in windows(blocks, MIB, Limits(), OURS, are_open=are_open)
        for decoded in list(decode(window, 64, 1000, OURS))
    ]


CONTENTS = (
    b'[{"event_type":"purchase"},{"event_type":"view"},{"a":[1,{"b":"},{"}]},{"event_type":1}]',
    b'[{"event_type":"purchase"} , {"event_type":"purchase"} , [1] , "],[" , 5 , true ] ',
    b'[{"event_type":"purchase"},{"event_type":1e400},{"event_type":"purchase"},{"a":1},{"b":2}]',
    b'[{"event_type":"purchase"},{"event_type":"purchase"},{"a":NaN},{"a":1},{"a":1},{"a":1}]',
    b'[{"event_type":"purchase"},{"event_type":"purchase"},]  ',
    b'[{"event_type":"purchase"},{"event_type":"purchase"}],{"a":1},{"a":1}]',
    b'[{"event_type":"purchase"},{"a":"\xff"},{"a":1},{"a":x}',
    b'[{"event_type":"purchase"},{"a":1},{"a"',
    b"[[[[[[[[[[],[{}]]]]]]]]],{},{}]",
    b"[   ",
)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("block", [1, 7, 30])
def test_open_windows_are_the_same_and_so_is_what_is_wrong_in_them(
    content: bytes, block: int
) -> None:
    for size in (1, 20, 60):
        for most_rows in (1, 2, 1000):
            with suppress(UnreadablePart):
                read_part(content, size=size, block=block, most_rows=most_rows)
