"""Shares as people read them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pipeline_core.percent import percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(0), "0.0"),
        (Fraction(1), "100.0"),
        (Fraction(1, 8), "12.5"),
        (Fraction(-1, 3), "-33.3"),
        (Fraction(12345), "1,234,500.0"),
        (Fraction(1, 2000), "0.05"),
        (Fraction(4, 10**4), "0.04"),
        (Fraction(4, 10**5), "0.004"),
        (Fraction(4, 10**6), "<0.001"),
        (Fraction(-4, 10**6), ">-0.001"),
    ],
)
def test_a_share_is_seen(share: Fraction, text: str) -> None:
    assert percent(share) == text
