"""Small work is handed to processes by some at a time, large work piece by piece."""

from __future__ import annotations

from pipeline_core.messages import Work
from pipeline_core.running.local import portions


def handed_over(bytes_each: list[int], jobs: int) -> list[int]:
    """Pieces of each portion; checked to be all of the work, in its order."""
    sizes = {Work(f"{number:05d}"): size for number, size in enumerate(bytes_each)}
    found = list(portions(list(sizes), sizes, jobs))
    assert [work for portion in found for work in portion] == list(sizes)
    return [len(portion) for portion in found]


def test_of_much_small_work_eight_pieces_are_handed_over_at_once() -> None:
    assert handed_over([5_000] * 5_000, 2) == [8] * 625


def test_of_little_work_every_process_is_handed_several_portions() -> None:
    assert handed_over([5_000] * 40, 2) == [2] * 20
    assert handed_over([5_000] * 20, 2) == [1] * 20
    assert handed_over([5_000], 8) == [1]


def test_large_work_is_handed_over_piece_by_piece() -> None:
    assert handed_over([3 << 20] * 500, 2) == [1] * 500
    assert handed_over([3 << 20] * 2 + [100 << 10] * 500, 2) == [1, 1] + [2] * 250


def test_work_that_was_not_planned_so_is_handed_over_alone() -> None:
    work = [Work("00000", skip=(number,)) for number in range(100)]
    assert [len(each) for each in portions(work, {}, 2)] == [1] * 100
