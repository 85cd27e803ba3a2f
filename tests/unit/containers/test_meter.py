"""Limits on inflated bytes: which level is over its limit does not depend on the blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.containers.meter import Meter, archive_meter, day_meter, part_meter
from pipeline_core.errors import InputError, UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.messages import Limits


def _meters(part: int, day: int, archive: int) -> list[Meter]:
    limits = Limits(part_bytes=part, day_bytes=day, archive_bytes=archive)
    outer = archive_meter(limits)
    middle = day_meter(limits, outer)
    return [part_meter(limits, middle), middle, outer]


def _count(meters: list[Meter], blocks: list[int]) -> tuple[type[InputError] | None, list[int]]:
    try:
        for block in blocks:
            meters[0].add(block)
    except InputError as error:
        return type(error), [meter.used for meter in meters]
    return None, [meter.used for meter in meters]


@given(
    st.lists(st.integers(1, 50), min_size=3, max_size=3),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_blocks_of_any_size_count_alike(limits: list[int], blocks: list[int]) -> None:
    byte_by_byte = _count(_meters(*limits), [1] * sum(blocks))
    assert _count(_meters(*limits), blocks) == byte_by_byte
    assert _count(_meters(*limits), [sum(blocks)]) == byte_by_byte


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ((5, 7, 9), UnreadablePart),
        ((9, 5, 7), UnreadableDay),
        ((9, 7, 5), UnreadableArchive),
        ((5, 5, 5), UnreadablePart),
        ((9, 5, 5), UnreadableDay),
        ((10, 10, 10), None),
    ],
)
def test_the_level_whose_limit_is_passed_first_is_named(
    limits: tuple[int, int, int], error: type[InputError] | None
) -> None:
    assert _count(_meters(*limits), [10])[0] is error
