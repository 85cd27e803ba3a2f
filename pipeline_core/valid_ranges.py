"""When rows of customers and products are valid, in numbers.

A day is a number from 0 to below DAYS; what is open begins before and ends behind all of them.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.configuration.dimension_tables import VALIDITY_COLUMNS
from pipeline_core.schemas import VALIDITY

_EPOCH = date(1970, 1, 1)
# As date32 counts them.
FIRST_DAY, LAST_DAY = ((each - _EPOCH).days for each in (date.min, date.max))
_BEFORE_ALL, _AFTER_ALL = FIRST_DAY - 1, LAST_DAY + 1
# More than there are days: an id's number times it, and a day, are one number.
DAYS = 2**22
LAST_NUMBER = LAST_DAY - _BEFORE_ALL
# What stands for no day, behind all.
NO_DAY = DAYS - 1


def is_dated(table: pa.Table) -> bool:
    """Whether any row of it is not always valid."""
    return any(table[name].null_count < table.num_rows for name in VALIDITY_COLUMNS)


def with_validity(table: pa.Table) -> pa.Table:
    """With the columns VALIDITY, open where it had none."""
    for field in VALIDITY:
        if field.name not in table.schema.names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table


def bounds(table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first day on which each row is valid, and the first on which it is not any more."""
    begins, ends = (
        pc.fill_null(table[name].cast(pa.int32()), open_).to_numpy().astype(np.int64) - _BEFORE_ALL
        for name, open_ in zip(VALIDITY_COLUMNS, (_BEFORE_ALL, _AFTER_ALL), strict=True)
    )
    return begins, ends


def day_numbers(days: pa.Array) -> NDArray[np.int64]:
    """date32 as numbers, null being NO_DAY."""
    numbers = pc.fill_null(days.cast(pa.int32()), NO_DAY + _BEFORE_ALL).to_numpy()
    counted: NDArray[np.int64] = numbers.astype(np.int64) - _BEFORE_ALL
    return counted


def day_number(day: date | None) -> int:
    """One day as `day_numbers` counts it."""
    return NO_DAY if day is None else (day - _EPOCH).days - _BEFORE_ALL


def days_of_numbers(numbers: NDArray[np.int64]) -> pa.Array:
    """What `day_numbers` counts; that before all days is one, too."""
    days = (numbers + _BEFORE_ALL).astype(np.int32)
    return pa.array(days, pa.int32(), mask=numbers == NO_DAY).cast(pa.date32())


def day_of(number: int) -> date | None:
    """The day that `bounds` calls so, None being open."""
    day = number + _BEFORE_ALL
    return _EPOCH + timedelta(days=day) if FIRST_DAY <= day <= LAST_DAY else None


def distinct_ids(table: pa.Table) -> pa.LargeBinaryArray:
    """Of a table that is sorted by its first column, the ids: each once, in their order."""
    ids = table[0].combine_chunks()
    first = np.flatnonzero(np.diff(distinct_numbers(table), prepend=-1))
    return ids if len(first) == len(ids) else ids.take(pa.array(first))


def lasting_ids(table: pa.Table, day: date) -> pa.LargeBinaryArray:
    """The same without ids of which no row is valid on that day or later."""
    if not is_dated(table):
        return distinct_ids(table)
    is_last = np.diff(distinct_numbers(table), append=-1) != 0
    lasts = bounds(table)[1] > day_numbers(pa.array([day], pa.date32()))[0]
    return table[0].combine_chunks().filter(pa.array(is_last & lasts))


def distinct_numbers(table: pa.Table) -> NDArray[np.int64]:
    """Of a table that is sorted by its first column, the ids: which of the distinct ids each row
    has, from 0."""
    ids = table[0].combine_chunks()
    if not len(ids):
        return np.zeros(0, np.int64)
    is_same = pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(zero_copy_only=False)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(~is_same)])
