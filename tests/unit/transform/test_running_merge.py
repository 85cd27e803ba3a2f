"""Pieces are merged once as many wait as there are, into what merging all at once gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pipeline_core.transform.running_merge import RunningMerge, Waiting


def test_what_waits_is_measured_and_taken_at_once() -> None:
    waiting = Waiting[str]()
    waiting.add("ab", 2)
    waiting.add("c", 1)
    assert (waiting.pieces, waiting.size) == (["ab", "c"], 3)
    assert waiting.taken() == ["ab", "c"]
    assert (waiting.pieces, waiting.size) == ([], 0)


@pytest.mark.parametrize("least", [0, 1, 7, 10_000])
def test_each_piece_is_in_the_whole_once_and_merging_costs_what_the_pieces_do(least: int) -> None:
    merged: list[int] = []

    def merge(pieces: Sequence[list[int]]) -> list[int]:
        merged.append(sum(map(len, pieces)))
        return [item for piece in pieces for item in piece]

    running = RunningMerge(merge, len, least)
    assert running.whole() == []
    pieces = [list(range(n % 5)) for n in range(300)]
    for piece in pieces:
        running.add(piece)
    assert running.whole() == [item for piece in pieces for item in piece]
    assert sum(merged) <= 4 * sum(map(len, pieces))
    calls = len(merged)
    running.whole()
    assert len(merged) == calls, "nothing waits"
