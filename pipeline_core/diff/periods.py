"""Times in which the rows of two runs for one id stay the same: what was bought is told apart by
them, and each has at most one row in either run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.diff.causes import UNDATED
from pipeline_core.transform.ids import NOT_FOUND, IdIndex, index_of
from pipeline_core.transform.valid_rows import ValidRows
from pipeline_core.valid_ranges import (
    DAYS,
    LAST_NUMBER,
    NO_DAY,
    bounds,
    day_numbers,
    day_of,
    days_of_numbers,
    distinct_ids,
    distinct_numbers,
)

Int64s = NDArray[np.int64]


class Span(NamedTuple):
    """From the first day (ISO) to before the second, both empty where it is open; UNDATED and
    nothing of days without a date."""

    valid_from: str = ""
    valid_to: str = ""


class Times(NamedTuple):
    """Stretches of days as (begin, end), int64 of shape (stretches, 2)."""

    stretches: Int64s

    def __or__(self, other: Times) -> Times:
        return Times(np.unique(np.concatenate([self.stretches, other.stretches]), axis=0))

    def hold(self, sold_on: date | None) -> bool:
        """Whether a day, or that without a date, is in one of them."""
        day = day_numbers(pa.array([sold_on], pa.date32()))[0]
        begins, ends = self.stretches.T
        return bool(np.any((begins <= day) & (day < ends)))


@dataclass(frozen=True)
class Periods:
    """Sorted by id and begin; the first of an id begins before all days, and the one of days
    without a date, if they differ from the last, at NO_DAY. int64 of shape (periods,)."""

    # Each once; the number of a period is its place here.
    ids: pa.LargeBinaryArray
    number: Int64s
    begin: Int64s
    _index: IdIndex = field(repr=False)

    @classmethod
    def of(cls, before: pa.Table, after: pa.Table) -> Periods:
        """Of two tables (schema CUSTOMERS or PRODUCTS), cut wherever a row begins or ends."""
        known, others = distinct_ids(before), distinct_ids(after)
        is_new = index_of(known).rows_of(others) == NOT_FOUND
        ids = pa.concat_arrays([known, others.filter(pa.array(is_new))])
        index = index_of(ids)
        cuts = [np.arange(len(ids)) * DAYS]
        for table in (before, after):
            number = index.rows_of(distinct_ids(table))[distinct_numbers(table)]
            for borders in bounds(table):
                is_day = (borders > 0) & (borders <= LAST_NUMBER)
                cuts.append(number[is_day] * DAYS + borders[is_day])
                cuts.append(number[is_day] * DAYS + NO_DAY)
        keys = np.unique(np.concatenate(cuts))
        return cls(ids, keys // DAYS, keys % DAYS, index)

    def rows_of(self, rows: ValidRows) -> Int64s:
        """The row of a table that each period has, its id's gap, or NOT_FOUND."""
        return rows.rows_of(self.ids.take(pa.array(self.number)), days_of_numbers(self.begin))

    def without(self, is_same: NDArray[np.bool_]) -> tuple[Periods, Int64s]:
        """Without those that ``is_same`` as the one before, if that is of the same id; and which
        ones are left. ``is_same`` has an element more, which is left in any case."""
        is_left = ~is_same
        is_left[:-1] |= np.diff(self.number, prepend=-1) > 0
        is_left[-1] = True
        left = np.flatnonzero(is_left)
        kept = left[:-1]
        return Periods(self.ids, self.number[kept], self.begin[kept], self._index), left

    def find(self, ids: pa.LargeBinaryArray, sold_on: date | None) -> Int64s:
        """The period of each id on a day; NOT_FOUND where neither run knows it."""
        numbers = self._index.rows_of(ids)
        day = day_numbers(pa.array([sold_on], pa.date32()))[0]
        keys = self.number * DAYS + self.begin
        found: Int64s = np.searchsorted(keys, numbers * DAYS + day, "right") - 1
        return np.where(numbers == NOT_FOUND, NOT_FOUND, found)

    def times(self, periods: Int64s) -> Times:
        """When some of them are."""
        is_last = np.diff(self.number, append=-1) != 0
        ends = np.where(is_last, DAYS, np.append(self.begin[1:], DAYS))
        return Times(np.stack([self.begin[periods], ends[periods]], axis=1))

    def id(self, period: int) -> str:
        """Whose it is."""
        return str(self.ids[self.number[period]].as_py().decode())

    def span(self, period: int) -> Span:
        """When it is."""
        if self.begin[period] == NO_DAY:
            return Span(UNDATED)
        begin, end = day_of(int(self.begin[period])), None
        if period + 1 < len(self.number) and self.number[period + 1] == self.number[period]:
            end = day_of(int(self.begin[period + 1]))
        return Span(*("" if day is None else day.isoformat() for day in (begin, end)))
