"""Which archives are cut into shares, and how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.messages import ArchiveRef, DayRef, Manifest, Options
from pipeline_core.planning.shares import split_into_shares


def _archive(number: int, *day_sizes: int, duplicate_of: str | None = None) -> ArchiveRef:
    days = tuple(DayRef(f"{n}.zip", n, size, 0) for n, size in enumerate(day_sizes))
    size, name = sum(day_sizes), f"{number}.zip"
    return ArchiveRef(
        id=str(number), name=name, size=size, version="", days=days, duplicate_of=duplicate_of
    )


def _cut(archives: list[ArchiveRef], processes: int) -> list[int]:
    return [len(archive.shares) for archive in split_into_shares(archives, processes)]


def test_one_archive_is_cut_for_two_processes_and_not_for_one_or_nobody_knows_how_many() -> None:
    week = _archive(0, *[10] * 7)
    assert _cut([week], 0) == [0]
    assert _cut([week], 1) == [0]
    assert _cut([week], 2) == [4]
    assert _cut([week], 100) == [7]


@pytest.mark.parametrize(("count", "processes"), [(50, 2), (50, 32), (8, 4), (4, 3), (2, 1)])
def test_archives_of_one_size_that_are_enough_for_all_stay_whole(
    count: int, processes: int
) -> None:
    assert _cut([_archive(n, *[10] * 7) for n in range(count)], processes) == [0] * count


def test_only_the_giant_among_many_is_cut() -> None:
    archives = [_archive(0, *[1000] * 7), *(_archive(n, *[10] * 7) for n in range(1, 20))]
    assert _cut(archives, 2) == [4, *[0] * 19]


def test_what_has_one_day_no_day_or_is_a_duplicate_stays_whole() -> None:
    archives = [_archive(0, 70), _archive(1), _archive(2, 0, 0)]
    assert _cut(archives, 8) == [0, 0, 0]
    twice = [_archive(0, *[10] * 7), _archive(1, *[10] * 7, duplicate_of="0.zip")]
    assert _cut(twice, 2) == [4, 0]


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(2, 30))
def test_shares_hold_each_day_once_and_in_order(sizes: list[int], processes: int) -> None:
    (archive,) = split_into_shares([_archive(0, *sizes)], processes)
    if archive.shares:
        assert len(archive.shares) > 1
        assert [index for share in archive.shares for index in share] == list(range(len(sizes)))


def test_work_is_named_apart_and_comes_largest_first() -> None:
    archives = split_into_shares([_archive(0, 5, 5), _archive(1, 30, 1, 50)], 2)
    manifest = Manifest(
        run_id="1",
        created_at="",  # type: ignore[arg-type]
        engine="local",
        data="",
        reports="",
        options=Options(),
        dimensions_digest="",
        archives=archives,
    )
    assert [work.id for work in manifest.planned_work()] == [
        "1-s0002",
        "1-s0000",
        "0",
        "1-s0001",
    ]
    assert manifest.work_unit == "pieces of archives"
