"""The price column: exact decimals, and as many places as the prices mean."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pyarrow as pa

from pipeline_core.dimensions.columns import (
    MEANT_PLACES,
    holds_bytes,
    labels,
    plain,
    some,
)
from pipeline_core.errors import ConfigError, InputError

# Prices stay below 2**53 minor units, so that two limbs carry any revenue; transform/money.py.
_MAX_PRICE_MINOR = 2**53 - 1
_MAX_DIGITS = 15
_CURRENCY_PLACES = 2
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_CORRECT = f"Correct that row; a price is a number from 0 with at most {_MAX_DIGITS} decimals."


def price_column(column: pa.ChunkedArray, place: str) -> pa.ChunkedArray:
    """The values themselves, or as text where they are bytes or of double precision: the shortest
    decimal that gives the double again is what was written into it.

    Raises:
        ConfigError: half or single precision, too few digits for a price.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        raise inexact(str(kind), place)
    if holds_bytes(kind) or pa.types.is_float64(kind):
        return labels(column, "price", place)
    return column


def inexact(kind: str, place: str) -> ConfigError:
    """The refusal of a type that holds six digits or fewer."""
    return ConfigError(
        f"{place}: the column price is of type {kind}, which cannot hold a price such as "
        "123456.78.",
        "Use decimal(10,2) (numeric in PostgreSQL), or text.",
    )


def minor_units(
    products: Iterable[str | None], column: pa.ChunkedArray, place: str, declared: int | None
) -> tuple[list[int], int]:
    """Prices in minor units, and their scale: what the column's type declares (``declared``, or
    that of a decimal column), else the most places that any price shows. Of more than
    MEANT_PLACES, shown or declared, trailing zeros are lost down to the currency's two.
    ``products`` are the ids, for messages.

    Raises:
        InputError: a price is missing, negative, no number or too long.
    """
    if declared is None and pa.types.is_decimal(column.type):
        declared = column.type.scale
    prices = _prices(products, column.to_pylist(), place)
    places = [-int(price.as_tuple().exponent) for price in prices]
    if declared is not None and 0 <= declared <= MEANT_PLACES:
        places.append(declared)
    scale = max([0, *places])
    minor = [int(price.scaleb(scale)) for price in prices]
    if max([0, *minor]) > _MAX_PRICE_MINOR:
        raise InputError(f"{place}: a price has more than {_MAX_DIGITS} digits.", _CORRECT)
    return minor, scale


def _prices(products: Iterable[str | None], values: Iterable[Any], place: str) -> list[Decimal]:
    prices, bad = [], []
    for product, value in zip(products, values, strict=True):
        text = str(value).strip()
        price = _unpadded(Decimal(text if _NUMBER.fullmatch(text) else "NaN"))
        if not _is_price(price):
            bad.append(f"{product!r} ({text})")
        prices.append(price)
    if bad:
        raise InputError(f"{place}: no valid price for {some(bad)}.", _CORRECT)
    return prices


def _unpadded(price: Decimal) -> Decimal:
    """Without the zeros that a division (9.9500000000000000) or a wide type put at its end."""
    sign, digits, exponent = price.as_tuple()
    if not isinstance(exponent, int) or -exponent <= MEANT_PLACES:
        return price
    if not price:
        return Decimal((sign, (0,), -_CURRENCY_PLACES))
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    lost = min(zeros, -exponent - _CURRENCY_PLACES)
    return Decimal((sign, digits[: len(digits) - lost], exponent + lost))


def _is_price(price: Decimal) -> bool:
    """Finite, not negative, and with few enough digits on both sides of the point."""
    if not price.is_finite() or price < 0:
        return False
    return price.adjusted() <= _MAX_DIGITS and -int(price.as_tuple().exponent) <= _MAX_DIGITS
