"""The price column: exact decimals, and as many places as the prices mean."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.dimensions.columns import (
    MEANT_PLACES,
    correct,
    holds_bytes,
    labels,
    plain,
    some,
)
from pipeline_core.dimensions.source_table import Located, shortened, shown
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.schemas import NO_PRICE

# Prices stay below 2**53 minor units, so that two limbs carry any revenue; transform/money.py.
_MAX_PRICE_MINOR = 2**53 - 1
_MAX_PLACES = 15
CURRENCY_PLACES = 2
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")


def price_column(at: Located) -> pa.ChunkedArray:
    """The values themselves, or as text where they are bytes or of double precision: the shortest
    decimal that gives the double again is what was written into it.

    Raises:
        ConfigError: a type that holds no numbers, or half or single precision, too few digits.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    column = plain(at.table["price"])
    kind = column.type
    if pa.types.is_float16(kind) or pa.types.is_float32(kind):
        raise inexact(str(kind), at.place)
    if pa.types.is_float64(kind):
        return pc.if_else(pc.is_nan(column), "NaN", labels(at, "price"))
    if holds_bytes(kind):
        return labels(at, "price")
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return column
    raise no_number(str(kind), at.place)


def inexact(kind: str, place: str) -> ConfigError:
    """The refusal of a type that holds six digits or fewer."""
    return _refused(kind, place, "cannot hold a price such as 123456.78")


def no_number(kind: str, place: str) -> ConfigError:
    """The refusal of a type such as a date, whatever the values are."""
    return _refused(kind, place, "is no number")


def _refused(kind: str, place: str, cause: str) -> ConfigError:
    return ConfigError(
        f"{place}: the column price is of type {kind}, which {cause}.",
        "Use decimal(10,2) (numeric in PostgreSQL), or text.",
    )


def minor_units(products: Located, declared: int | None) -> tuple[list[int], int]:
    """Prices in minor units, and their scale: what the column's type declares (``declared``, or
    that of a decimal column), else the most places that any price shows. Of more than
    MEANT_PLACES, shown or declared, trailing zeros are lost down to the currency's two. A price
    that is missing is NO_PRICE: whether anybody bought it, events say.

    Raises:
        InputError: a price is negative, no number or too long; the message names each with its
            product, its row and its cause.
    """
    column = products.table["price"]
    if declared is None and pa.types.is_decimal(column.type):
        declared = column.type.scale
    prices = [_price(value) for value in column.to_pylist()]
    places = [_places(price) for price in prices if isinstance(price, Decimal)]
    if declared is not None and 0 <= declared <= MEANT_PLACES:
        places.append(declared)
    scale = max([0, *places])
    largest = Decimal(_MAX_PRICE_MINOR).scaleb(-scale)
    minor: list[int] = []
    bad: dict[int, str] = {}
    for index, price in enumerate(prices):
        if price is None:
            minor.append(NO_PRICE)
        elif isinstance(price, str):
            bad[index] = price
        elif price > largest:
            bad[index] = f"{shortened(str(price))} is over {largest:f}, the most at scale {scale}"
        else:
            minor.append(int(price.scaleb(scale)))
    if bad:
        raise _no_prices(products, bad)
    return minor, scale


def _no_prices(products: Located, bad: dict[int, str]) -> InputError:
    names = products.table["product_id"]

    def told(index: int) -> str:
        row = f" in {products.row(index)}" if products.number else ""
        return f"{shown(names[index].as_py())}{row} ({bad[index]})"

    return InputError(
        f"{products.place}: no valid price for {some(list(bad), told)}.",
        f"{correct(bad)[:-1]}; a price is a number from 0, written as 1234.50: a point before its "
        f"decimals, of which it has at most {_MAX_PLACES}, and no comma; it is less than 2^53 of "
        "the smallest unit; the scale is the most decimals of any price.",
    )


def _price(value: Any) -> Decimal | str | None:
    """The price, None where it is missing, or why it is none."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        return f"{shortened(text)} is no number"
    price = _unpadded(Decimal(text))
    if price < 0:
        return f"{shortened(text)} is below 0"
    if _places(price) > _MAX_PLACES:
        return f"{shortened(text)} has more than {_MAX_PLACES} decimals"
    return price


def _places(price: Decimal) -> int:
    return -int(price.as_tuple().exponent)


def _unpadded(price: Decimal) -> Decimal:
    """Without the zeros that a division (9.9500000000000000) or a wide type put at its end."""
    sign, digits, exponent = price.as_tuple()
    if not isinstance(exponent, int) or -exponent <= MEANT_PLACES:
        return price
    if not price:
        return Decimal((sign, (0,), -CURRENCY_PLACES))
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    lost = min(zeros, -exponent - CURRENCY_PLACES)
    return Decimal((sign, digits[: len(digits) - lost], exponent + lost))
