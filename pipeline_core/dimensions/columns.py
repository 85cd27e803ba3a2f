"""Columns of any Arrow type as text: each value as PostgreSQL would write it, and null as null."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.dimensions.source_table import AS_UTF8, Located, bad_byte
from pipeline_core.errors import ConfigError, InputError

_T = TypeVar("_T")
# More places than this are a type's, as of decimal(38,18), and not the shop's.
MEANT_PLACES = 6
_SHOWN = 5
# Trailing zeros of a fraction of seconds, which PostgreSQL does not write.
_FRACTION = r"(?:(\.\d*[1-9])|\.)0+$"
# Arrow writes these as PostgreSQL does.
_CAST = (pa.types.is_boolean, pa.types.is_integer, pa.types.is_date, pa.types.is_null)
# Exponents that PostgreSQL writes no exponent for, by a float's bytes.
_PLAIN = {8: range(-4, 15), 4: range(-4, 6), 2: range(-4, 6)}
_IN_BYTES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def ids(at: Located, name: str) -> pa.ChunkedArray:
    """As `labels`, but floating-point numbers are none.

    Raises:
        ConfigError: the type has no text, or is floating-point; the message names the column.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    kind = at.table[name].type
    if pa.types.is_floating(plain_type(kind)):
        raise ConfigError(
            f"{at.place}: the column {name} is of type {kind}, and a floating-point number is no "
            "id.",
            "Write it as a whole number or as text.",
        )
    return labels(at, name)


def labels(at: Located, name: str) -> pa.ChunkedArray:
    """The values of a column as text (string): numbers by their digits, 1.0 being ``1``; dates and
    times in ISO 8601, in UTC where they have a zone; ``true`` and ``false``; text and bytes as
    they are. A floating-point NaN is null.

    Raises:
        ConfigError: the type has no text; the message names the column.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    column = plain(at.table[name])
    kind = column.type
    if holds_bytes(kind):
        return _decoded(column, name, at)
    if any(holds(kind) for holds in _CAST):
        return column.cast(pa.string())
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _time_texts(column)
    if (write := _writer(kind)) is not None:
        chunks = [
            pa.array(
                [None if value is None else write(value) for value in chunk.to_pylist()],
                pa.string(),
            )
            for chunk in column.chunks
        ]
        return pa.chunked_array(chunks, pa.string())
    raise ConfigError(
        f"{at.place}: the column {name} is of type {kind}, which has no text of its own.",
        "Write it as text.",
    )


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values themselves, however they are encoded."""
    kind = plain_type(column.type)
    return column if kind == column.type else column.cast(kind)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type of the values, however they are encoded."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    return kind.storage_type if isinstance(kind, pa.JsonType) else kind


def holds_bytes(kind: pa.DataType) -> bool:
    """Whether it is text, or bytes that may be."""
    return any(holds(kind) for holds in _IN_BYTES)


def some(values: Sequence[_T], told: Callable[[_T], str]) -> str:
    """The first few, as ``told`` tells them, and how many more there are."""
    first = ", ".join(map(told, values[:_SHOWN]))
    return first if len(values) <= _SHOWN else f"{first} and {len(values) - _SHOWN} more"


def correct(rows: Sized) -> str:
    """The sentence that asks for it."""
    return f"Correct {'that row' if len(rows) == 1 else 'these rows'}."


def _decoded(column: pa.ChunkedArray, name: str, at: Located) -> pa.ChunkedArray:
    """Checked: Parquet's and Arrow's own text may hold any bytes."""
    raw = column.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        values = raw.to_pylist()
        bad = {n: byte for n, value in enumerate(values) if value and (byte := _bad_byte(value))}
        where = some(list(bad), lambda n: f"{at.row(n, values[n])}: {bad[n]}")
        raise InputError(f"{at.place}: {name} is not UTF-8 in {where}.", AS_UTF8) from None


def _bad_byte(value: bytes) -> str | None:
    try:
        value.decode()
    except UnicodeDecodeError as error:  # the answer, not an error
        return bad_byte(error)
    return None


def _time_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    zone = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if zone:
        column = column.cast(pa.timestamp(column.type.unit))
    texts = pc.replace_substring_regex(column.cast(pa.string()), _FRACTION, r"\1")
    return pc.binary_join_element_wise(texts, "+00", "") if zone else texts


def _writer(kind: pa.DataType) -> Callable[[Any], str | None] | None:
    if pa.types.is_decimal(kind):
        return _decimal_text
    if pa.types.is_floating(kind):
        number = kind.to_pandas_dtype()
        return lambda value: _float_text(number(value))
    if isinstance(kind, pa.UuidType):
        return str
    return None


def _decimal_text(value: Decimal) -> str:
    text = f"{value:f}"
    if len(text.partition(".")[2]) > MEANT_PLACES:
        text = text.rstrip("0").removesuffix(".")
    return text


def _float_text(value: np.floating[Any]) -> str | None:
    """The shortest digits that give this value again, with an exponent where PostgreSQL's
    float8out and float4out use one."""
    if np.isnan(value):
        return None
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    value += value.dtype.type(0)  # -0 is 0
    short = np.format_float_scientific(value, trim="-", exp_digits=2)
    if int(short.partition("e")[2]) in _PLAIN[value.dtype.itemsize]:
        return np.format_float_positional(value, trim="-")
    return short
