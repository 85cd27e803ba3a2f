"""Rows of customers or products by id and day: a binary search among those of the id."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.transform.ids import NOT_FOUND, HashTable, IdIndex, index_of
from pipeline_core.valid_ranges import (
    DAYS,
    NO_DAY,
    bounds,
    day_numbers,
    day_of,
    distinct_ids,
    distinct_numbers,
    is_dated,
)

if TYPE_CHECKING:
    from pipeline_core.transform._ids import Table

Calendar = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True)
class ValidRows:
    """The rows of a table that is sorted by its first column, the ids, then by valid_from. Behind
    them stands a *gap* for each id of which a row is not always valid: what is found for a day on
    which none is. Arrays are by row, gaps included; one element more, the last, is for NOT_FOUND
    (-1)."""

    # Which of the distinct ids it has, from 0.
    number: NDArray[np.int64]
    is_gap: NDArray[np.bool_]
    # Whether a row of its id is not always valid, so that the day matters.
    is_dated: NDArray[np.bool_]
    _index: IdIndex = field(repr=False)
    # None where no row is dated: then an id's number is its row.
    _calendar: _Calendar | None = field(repr=False)

    @classmethod
    def of(cls, table: pa.Table) -> ValidRows:
        """Of a table with the columns VALIDITY."""
        ids = table[0].combine_chunks()
        if not is_dated(table):
            number, never = np.arange(len(ids)), np.zeros(len(ids) + 1, np.bool_)
            return cls(np.append(number, NOT_FOUND), never, never, index_of(ids), None)
        number = distinct_numbers(table)
        first = np.flatnonzero(np.diff(number, prepend=NOT_FOUND))
        begins, ends = bounds(table)
        dated = np.zeros(len(first), np.bool_)
        dated[number[table["valid_from"].is_valid().to_numpy()]] = True
        dated[number[table["valid_to"].is_valid().to_numpy()]] = True
        gaps = np.flatnonzero(dated)
        gap = np.full(len(first), NOT_FOUND)
        gap[gaps] = len(number) + np.arange(len(gaps))
        by_row = np.concatenate([number, gaps, [NOT_FOUND]])
        dated, first = np.append(dated, np.False_), np.append(first, NOT_FOUND)
        is_gap = np.zeros(len(by_row), np.bool_)
        is_gap[len(number) : -1] = True
        calendar = _Calendar(dated, first, gap, by_row, number * DAYS + begins, ends)
        return cls(by_row, is_gap, dated[by_row], index_of(distinct_ids(table)), calendar)

    @property
    def has_dates(self) -> bool:
        """Whether any row is not always valid."""
        return self._calendar is not None

    def range_of(self, row: int) -> tuple[date | None, date | None]:
        """The first day on which a row is valid, and the first on which it is not any more; None
        where it is open, is a gap or NOT_FOUND."""
        if self._calendar is None or row == NOT_FOUND or self.is_gap[row]:
            return None, None
        return self._calendar.range_of(row)

    @property
    def compiled(self) -> tuple[Table, Calendar | None] | None:
        """For what is compiled: the ids' table, and the first row of each id, all of them being
        followed by the number of rows, then by row `_Calendar.begins` and `_Calendar.ends`. None
        where nothing is."""
        if not isinstance(self._index, HashTable):
            return None
        calendar = self._calendar
        if calendar is None:
            return self._index.table, None
        rows = len(calendar.begins)
        firsts = np.append(calendar.first[:-1], rows)
        return self._index.table, (firsts, calendar.begins, calendar.ends)

    def gaps(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of ``rows`` are gaps."""
        return self.is_gap[rows] if self.has_dates else np.zeros(len(rows), np.bool_)

    def rows_of(self, ids: pa.LargeBinaryArray, days: pa.Array) -> NDArray[np.int64]:
        """The row of each id that is valid on its day (date32), or the id's gap; NOT_FOUND where
        the id is unknown or null. Where there is no day (null), the newest row."""
        numbers = self._index.rows_of(ids)
        return numbers if self._calendar is None else self._calendar.rows_of(numbers, days)


@dataclass(frozen=True)
class _Calendar:
    """By id, one element more being for NOT_FOUND: whether it is ``dated``, its ``first`` row and
    its ``gap``. By row: the ``number`` of its id, as `ValidRows` has it; that number times DAYS,
    and the first day on which the row is valid (ascending); the first day on which it is not."""

    dated: NDArray[np.bool_]
    first: NDArray[np.int64]
    gap: NDArray[np.int64]
    number: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    def range_of(self, row: int) -> tuple[date | None, date | None]:
        """As `ValidRows.range_of`, of a row that is one."""
        begin = self.begins[row] - self.number[row] * DAYS
        return day_of(int(begin)), day_of(int(self.ends[row]))

    def rows_of(self, numbers: NDArray[np.int64], days: pa.Array) -> NDArray[np.int64]:
        """As `ValidRows.rows_of`, by the numbers of the ids."""
        rows = self.first[numbers]
        asked = np.flatnonzero(self.dated[numbers])
        if len(asked):
            of = numbers[asked]
            day = day_numbers(days.take(pa.array(asked)))
            place = np.searchsorted(self.begins, of * DAYS + day, "right") - 1
            # Before the first row of all stands NOT_FOUND, which is no id's number.
            is_valid = (self.number[place] == of) & ((day < self.ends[place]) | (day == NO_DAY))
            rows[asked] = np.where(is_valid, place, self.gap[of])
        return rows
