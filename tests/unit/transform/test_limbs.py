"""Money in limbs, as Python's own integers have it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.transform.money import (
    MAX_PRICE_MINOR,
    carry,
    group_sums,
    grouped,
    line_revenue,
    minor_of,
    to_decimal,
    to_minor,
    to_text,
)
from pipeline_core.transform.reports.base import minors_of, revenue_column

LARGEST = 2**31 - 1
UNITS = st.one_of(st.integers(-LARGEST, LARGEST), st.sampled_from([-LARGEST, -1, 1, LARGEST]))
PRICES = st.one_of(
    st.integers(0, MAX_PRICE_MINOR), st.sampled_from([0, 1, 2**32 - 1, 2**32, MAX_PRICE_MINOR])
)


@settings(deadline=None)  # what Arrow loads when it is first asked takes a while
@given(
    st.lists(st.integers(-(2**90), 2**90) | st.sampled_from([0, -1, 2**63, -(2**63), 2**64])),
    st.sampled_from([0, 2, 18]),
)
def test_a_column_of_limbs_is_one_of_decimals(minor: list[int], scale: int) -> None:
    hi, lo = (
        np.array(limbs, np.int64)
        for limbs in ([each >> 32 for each in minor], [each & (2**32 - 1) for each in minor])
    )
    expected = [to_decimal(each, scale) for each in minor]
    limbs = pa.table({"revenue_hi": hi, "revenue_lo": lo})
    found = revenue_column(limbs, scale)
    found.validate(full=True)
    assert found.equals(pa.array(expected, pa.decimal128(38, scale)))
    assert minors_of(pa.chunked_array([found])) == minor
    cut = len(minor) // 2
    pieces = pa.chunked_array([found.slice(cut), found.slice(0, cut)], found.type)
    assert minors_of(pieces) == minor[cut:] + minor[:cut]


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
