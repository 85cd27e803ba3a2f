"""From when and until when a row of customers or products is valid: checked dates, and rows of one
id that are never valid on one day."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.dimensions.columns import correct, holds_bytes, labels, plain, some
from pipeline_core.dimensions.source_table import Located, value_of
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.valid_ranges import (
    DAYS,
    FIRST_DAY,
    LAST_DAY,
    bounds,
    distinct_numbers,
    is_dated,
)

# A date, at midnight if there is a time; with a zone that is UTC's.
_DATE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|\+00(?::?00)?)?)?"
)
# As PostgreSQL writes dates that never come.
_OPEN = {"valid_from": "-infinity", "valid_to": "infinity"}
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_REMEDY = (
    "Write it as 2024-03-01: the first day on which the row counts, and the first on which it does "
    "not any more; empty where there is none. A time has to be midnight."
)


def date_column(at: Located, name: str) -> pa.ChunkedArray:
    """The values of valid_from or valid_to as date32, null where they are open.

    Raises:
        ConfigError: a type that holds no dates.
        InputError: a value is no date, or a time other than midnight; the message names the rows.
    """
    column = plain(at.table[name])
    kind = column.type
    if pa.types.is_null(kind):
        return column.cast(pa.date32())
    if holds_bytes(kind):
        return _of_texts(at, name)
    if pa.types.is_date32(kind):
        days = column.cast(pa.int32())
    elif pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        unit = "ms" if pa.types.is_date64(kind) else kind.unit
        numbers = column.cast(pa.int64())
        days = pc.divide(numbers, _DAY[unit])
        _check(at, name, pc.not_equal(pc.multiply(days, _DAY[unit]), numbers))
    else:
        raise ConfigError(
            f"{at.place}: the column {name} is of type {kind}, which holds no dates.",
            "Use the type date, or text such as 2024-03-01.",
        )
    _check(at, name, pc.or_(pc.less(days, FIRST_DAY), pc.greater(days, LAST_DAY)))
    return days.cast(pa.int32()).cast(pa.date32())


def _of_texts(at: Located, name: str) -> pa.ChunkedArray:
    known: dict[str, date | None] = {"": None, _OPEN[name]: None}
    bad: list[int] = []
    found: list[date | None] = []
    for row, value in enumerate(labels(at, name).to_pylist()):
        text = "" if value is None else value.strip()
        if text not in known:
            try:
                known[text] = _date(text)
            except ValueError:
                bad.append(row)
        found.append(known.get(text))
    if bad:
        raise _no_date(at, name, bad)
    return pa.chunked_array([pa.array(found, pa.date32())])


def _date(text: str) -> date:
    whole = _DATE.fullmatch(text)
    if whole is None:
        raise ValueError(text)
    return date.fromisoformat(whole[1])


def _check(at: Located, name: str, is_bad: pa.ChunkedArray) -> None:
    bad = pc.indices_nonzero(pc.fill_null(is_bad, fill_value=False)).to_pylist()
    if bad:
        raise _no_date(at, name, bad)


def _no_date(at: Located, name: str, rows: list[int]) -> InputError:
    def told(row: int) -> str:
        return at.row(row, value_of(at.table[name], row))

    return InputError(f"{at.place}: {name} is no date in {some(rows, told)}.", _REMEDY)


def order_of(table: pa.Table) -> pa.UInt64Array:
    """Rows by the first column, the ids, then by the first day on which they are valid."""
    if not is_dated(table):
        return pc.sort_indices(table[0])
    keys = pa.table({"id": table[0], "begins": bounds(table)[0]})
    return pc.sort_indices(keys, [(name, "ascending") for name in keys.schema.names])


def check_ranges(at: Located, table: pa.Table, order: NDArray[np.int64]) -> None:
    """``table`` has the rows of ``at``, sorted by id and valid_from, and ``order`` says where they
    were.

    Raises:
        InputError: a row ends before it begins, or two of one id are valid on one day; the message
            names ids and rows.
    """
    begins, ends = bounds(table)
    empty = np.flatnonzero(begins >= ends)
    if len(empty):
        raise InputError(
            f"{at.place}: valid_from is not before valid_to in "
            f"{some(sorted(order[empty].tolist()), at.row)}.",
            f"{correct(empty)} On the day of valid_to a row does not count any more.",
        )
    number = distinct_numbers(table)
    # Until when any row so far is valid; every further one of the same id has to begin later.
    reached = np.maximum.accumulate(number * DAYS + ends)
    again = 1 + np.flatnonzero(reached[:-1] > (number * DAYS + begins)[1:])
    if len(again):
        raise _valid_twice(at, table, order, again)


def _valid_twice(
    at: Located, table: pa.Table, order: NDArray[np.int64], again: NDArray[np.int64]
) -> InputError:
    """The refusal of rows ``again``, which begin while another one of their id is valid."""
    begins, ends = bounds(table)
    number = distinct_numbers(table)
    name = table.schema.names[0]

    def told(first: int) -> str:
        rows = np.flatnonzero(number == number[first])
        outlives_next = np.append(ends[rows[:-1]] > begins[rows[1:]], np.False_)
        places = sorted(order[rows[outlives_next | np.isin(rows, again)]].tolist())
        day = table["valid_from"][first].as_py()
        what = "stands twice" if day is None else f"is valid twice on {day}"
        return f"{table[name][first].as_py().decode()} {what} ({some(places, at.row)})"

    firsts = again[np.unique(number[again], return_index=True)[1]]
    return InputError(f"{at.place}: {name} {some(firsts.tolist(), told)}.", correct(again))
