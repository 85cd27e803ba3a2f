"""A part that comes in many blocks: its windows stay small."""

from __future__ import annotations

import json

import pytest

from pipeline_core.framing.shapes import windows
from pipeline_core.messages import Limits
from tests.support.decoding import OURS

MIB = 1 << 20
EVENTS = [{"event_type": "view", "n": n, "text": "x" * (n % 300)} for n in range(40_000)]
ARRAY = json.dumps(EVENTS).encode()
LINES = b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS)


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
