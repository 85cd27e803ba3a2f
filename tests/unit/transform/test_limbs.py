"""Money in limbs, as Python's own integers have it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.transform.money import (
    MAX_PRICE_MINOR,
    carry,
    group_sums,
    grouped,
    line_revenue,
    minor_of,
    to_minor,
    to_text,
)

LARGEST = 2**31 - 1
UNITS = st.one_of(st.integers(-LARGEST, LARGEST), st.sampled_from([-LARGEST, -1, 1, LARGEST]))
PRICES = st.one_of(
    st.integers(0, MAX_PRICE_MINOR), st.sampled_from([0, 1, 2**32 - 1, 2**32, MAX_PRICE_MINOR])
)


@given(st.lists(st.tuples(UNITS, PRICES), min_size=1))
def test_lines_and_their_sum_are_exact_whatever_their_signs(lines: list[tuple[int, int]]) -> None:
    units, prices = (np.array(column, np.int64) for column in zip(*lines, strict=True))
    hi, lo = line_revenue(units, prices)
    assert all(0 <= each < 2**32 for each in lo.tolist())
    expected = [many * price for many, price in lines]
    assert [to_minor(*limbs) for limbs in zip(hi, lo, strict=True)] == expected
    together = np.zeros(len(lines), np.int64)
    (high,), (low,) = carry(group_sums(together, 1, hi), group_sums(together, 1, lo))
    assert 0 <= low < 2**32
    assert to_minor(high, low) == sum(expected)


@pytest.mark.parametrize(
    ("minor", "scale", "text", "shown"),
    [
        (-57027013, 2, "-570270.13", "-570,270.13"),
        (-5, 2, "-0.05", "-0.05"),
        (-100, 2, "-1.00", "-1.00"),
        (0, 2, "0.00", "0.00"),
        (-1234, 0, "-1234", "-1,234"),
        (-1, 3, "-0.001", "-0.001"),
    ],
)
def test_less_than_nothing_as_text(minor: int, scale: int, text: str, shown: str) -> None:
    assert to_text(minor, scale) == text
    assert minor_of(text, scale) == minor
    assert grouped(text) == shown
