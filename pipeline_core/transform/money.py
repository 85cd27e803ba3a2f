"""Exact money in numpy: sums of quantity x price that may pass 64 bits.

A line of 2**31 - 1 units at 99,999,999.99 is 2.1e19 minor units, more than an int64 holds. So
revenue is two int64 limbs, ``hi * 2**32 + lo`` with ``0 <= lo < 2**32``: the schoolbook
multiplication by 32-bit halves (Knuth, TAOCP 4.3.1, algorithm M). Sums of limbs are exact as
long as no limb's sum passes 2**62, which `group_sums` checks.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from pipeline_core.errors import ContractError

Int64s = NDArray[np.int64]

LIMB_BITS = 32
_LOW = (1 << LIMB_BITS) - 1
MAX_PRICE_MINOR = 2**53 - 1


def line_revenue(units: Int64s, price_minor: Int64s) -> tuple[Int64s, Int64s]:
    """Limbs of ``units * price_minor``, element by element.

    Needs -2**31 < units < 2**31 and 0 <= price_minor <= MAX_PRICE_MINOR; no step passes int64. Of
    less than 0, ``hi`` is negative and ``lo`` is not: shifts round down.
    """
    low = units * (price_minor & _LOW)
    return units * (price_minor >> LIMB_BITS) + (low >> LIMB_BITS), low & _LOW


def group_sums(groups: Int64s, count: int, values: Int64s) -> Int64s:
    """Exact sums of ``values`` (shape (n,)) by group number, shape (count,).

    Raises:
        ContractError: the sum of all absolute values passes 2**62, so that exactness would not
            be certain.
    """
    check_exact(values)
    sums = np.zeros(count, np.int64)
    np.add.at(sums, groups, values)
    return sums


def check_exact(values: Int64s) -> None:
    """Raises ContractError as `group_sums` does."""
    if float(np.abs(values.astype(np.float64)).sum()) >= 2.0**62:
        raise ContractError("a sum passes 2**62; the figures would not be exact")


def carry(hi: Int64s, lo: Int64s) -> tuple[Int64s, Int64s]:
    """The same values with 0 <= lo < 2**32."""
    return hi + (lo >> LIMB_BITS), lo & _LOW


def negated(hi: Int64s, lo: Int64s) -> tuple[Int64s, Int64s]:
    """As much below 0 as it is above, or the other way round."""
    return carry(-hi, -lo)


def as_128_bits(hi: Int64s, lo: Int64s) -> Int64s:
    """The same values of shape (n,) in two's complement, the low half first: shape (n, 2)."""
    halves = np.empty((len(hi), 2), np.int64)
    high, low = carry(hi, lo)
    halves[:, 0] = (high << LIMB_BITS) | low  # what passes 64 bits is in the other half
    halves[:, 1] = high >> LIMB_BITS
    return halves


def to_minor(hi: int, lo: int) -> int:
    """Limbs as one Python int, in minor units."""
    return (int(hi) << LIMB_BITS) + int(lo)


def to_decimal(minor: int, scale: int) -> Decimal:
    """Minor units as a decimal with exactly ``scale`` decimals."""
    return Decimal(to_text(minor, scale))


def to_text(minor: int, scale: int) -> str:
    """As ``to_decimal``, written without an exponent."""
    digits = f"{abs(minor):0{scale + 1}d}"
    sign, point = "-" if minor < 0 else "", "." if scale else ""
    return f"{sign}{digits[: len(digits) - scale]}{point}{digits[len(digits) - scale :]}"


def minor_of(text: str, scale: int) -> int:
    """Decimal text in minor units of at least as many decimals."""
    whole, _, decimals = text.partition(".")
    return int(whole + decimals.ljust(scale, "0"))


def grouped(number: str) -> str:
    """A decimal with thousands separators, every digit kept: 9592475.26 -> 9,592,475.26."""
    whole, point, decimals = number.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{abs(int(whole)):,}{point}{decimals}"
