"""Shares in hundredths, for people."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

_MOST_PLACES = 3


def percent(share: Fraction) -> str:
    """With one decimal, or with as many more, up to three, as it takes to be seen: ``12.3``,
    ``0.004``. What is smaller still is ``<0.001``, and below zero ``>-0.001``."""
    for places in range(1, _MOST_PLACES + 1):
        text = hundredths(share, places)
        if text.strip("-0."):
            return text
    return hundredths(share, 1) if not share else "<0.001" if share > 0 else ">-0.001"


def hundredths(share: Fraction, places: int) -> str:
    """With so many decimals, rounded half to even, and thousands separators."""
    rounded = Decimal(round(share * 100 * 10**places)).scaleb(-places)
    return f"{rounded:,.{places}f}"
