"""Customers and products of which another snapshot says something else, and on which days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.schemas import CUSTOMERS, PRODUCTS
from pipeline_core.transform.ids import NOT_FOUND, index_of, stable_hashes
from pipeline_core.transform.lookup import prepare
from pipeline_core.transform.valid_rows import ValidRows
from pipeline_core.valid_ranges import (
    DAYS,
    FIRST_DAY,
    LAST_DAY,
    distinct_ids,
    distinct_numbers,
)

_EPOCH = date(1970, 1, 1)
# A span without a day begins behind all days, and ends before them.
NEVER = (LAST_DAY + 1, FIRST_DAY - 1)
_UNKNOWN, _GAP, _FOUND = range(3)


def day_number(day: date) -> int:
    """Days since 1970."""
    return (day - _EPOCH).days


@dataclass(frozen=True)
class ChangedRows:
    """Ids of customers or products, by their `stable_hashes` (ascending, an id as often as there
    are spans of days), and whether each is new; ``first`` and ``last`` day of the span, as
    `day_number`, in which something else is found of it, and whether that is so of ``undated``
    days. An empty span is of undated days only."""

    ids: NDArray[np.uint64]
    is_new: NDArray[np.bool_]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    undated: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> ChangedRows:
        """Some of them."""
        return ChangedRows(
            self.ids[mask],
            self.is_new[mask],
            self.first[mask],
            self.last[mask],
            self.undated[mask],
        )


@dataclass(frozen=True)
class _FoundRows:
    """What is found of some ids: ``rows`` and what they say, each column as text or number."""

    valid: ValidRows
    rows: NDArray[np.int64]
    says: tuple[pa.Array, ...]

    def differs(self, other: _FoundRows) -> NDArray[np.bool_]:
        differing: NDArray[np.bool_] = self._kind() != other._kind()
        for one, another in zip(self.says, other.says, strict=True):
            differing |= _unequal(one, another)
        return differing

    def _kind(self) -> NDArray[np.int64]:
        is_gap = self.valid.is_gap[self.rows]
        return np.where(self.rows == NOT_FOUND, _UNKNOWN, np.where(is_gap, _GAP, _FOUND))

    def is_dated(self) -> NDArray[np.bool_]:
        return self.valid.is_dated[self.rows]


# Ids and days (date32) in a table of some rows.
_LookUp = Callable[[pa.Table, pa.LargeBinaryArray, pa.Array], _FoundRows]


def changed_customers(before: Snapshot, after: Snapshot) -> ChangedRows:
    """Customers with another segment, or who are new, gone or valid on other days."""
    return _changed(before.customers, after.customers, _find_customers)


def changed_products(before: Snapshot, after: Snapshot) -> ChangedRows:
    """Products with another category or price (of the same scale), or that are new, gone or valid
    on other days."""
    return _changed(before.products, after.products, _find_products)


def _find_customers(table: pa.Table, ids: pa.LargeBinaryArray, days: pa.Array) -> _FoundRows:
    dimensions = prepare(table, PRODUCTS.empty_table(), 0)
    rows = dimensions.customer_rows(pa.chunked_array([ids]), days)
    segments = _texts(dimensions.labels.segments, dimensions.customer_segment[rows])
    return _FoundRows(dimensions.customers, rows, (segments,))


def _find_products(table: pa.Table, ids: pa.LargeBinaryArray, days: pa.Array) -> _FoundRows:
    dimensions = prepare(CUSTOMERS.empty_table(), table, 0)
    rows = dimensions.product_rows(pa.chunked_array([ids]), days)
    categories = _texts(dimensions.labels.categories, dimensions.product_category[rows])
    return _FoundRows(
        dimensions.products, rows, (categories, pa.array(dimensions.product_price[rows]))
    )


def _texts(labels: Sequence[str], codes: NDArray[np.int32]) -> pa.Array:
    """The labels of some codes, null where there is none."""
    return pa.array(labels, pa.string()).take(pa.array(codes, mask=codes < 0))


def _changed(before: pa.Table, after: pa.Table, look_up: _LookUp) -> ChangedRows:
    ids = _with_other_rows(before, after)
    index = index_of(ids)
    tables = [_rows_of(table, index.rows_of) for table in (before, after)]
    numbers, first, last = _spans(ids, [(table, index.rows_of(_ids(table))) for table in tables])
    spans = ids.take(pa.array(numbers))
    days = pa.array(first, pa.int32()).cast(pa.date32())
    was, is_now = (look_up(table, spans, days) for table in tables)
    differs = was.differs(is_now)
    nothing = pa.nulls(len(ids), pa.date32())
    was_undated, is_undated = (look_up(table, ids, nothing) for table in tables)
    undated = was_undated.differs(is_undated) | (was_undated.is_dated() != is_undated.is_dated())
    empty = np.flatnonzero(undated)
    numbers = np.concatenate([numbers[differs], empty])
    hashes = stable_hashes(ids.take(pa.array(numbers)))
    order = np.argsort(hashes, kind="stable")
    return ChangedRows(
        ids=hashes[order],
        is_new=(was_undated.rows == NOT_FOUND)[numbers][order],
        first=np.concatenate([first[differs], np.full(len(empty), NEVER[0])])[order],
        last=np.concatenate([last[differs], np.full(len(empty), NEVER[1])])[order],
        undated=np.repeat([False, True], [len(numbers) - len(empty), len(empty)])[order],
    )


def _spans(
    ids: pa.LargeBinaryArray, tables: Sequence[tuple[pa.Table, NDArray[np.int64]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Spans of days within which no row of an id in the ``tables`` (with the places of its rows'
    ids) begins or ends: the id's place, the first and the last day. All days of all ids are in
    one."""
    begins = [np.arange(len(ids)) * DAYS]
    for table, places in tables:
        for name in ("valid_from", "valid_to"):
            day = table[name].combine_chunks()
            is_there = day.is_valid().to_numpy(zero_copy_only=False)
            days = day.drop_null().cast(pa.int32()).to_numpy().astype(np.int64)
            begins.append(places[is_there] * DAYS + days - FIRST_DAY)
    keys = np.unique(np.concatenate(begins))
    number, first = keys // DAYS, keys % DAYS + FIRST_DAY
    is_last = np.diff(number, append=len(ids)) != 0
    return number, first, np.where(is_last, LAST_DAY, np.append(first[1:], 0) - 1)


def _rows_of(
    table: pa.Table, rows_of: Callable[[pa.LargeBinaryArray], NDArray[np.int64]]
) -> pa.Table:
    return table.filter(pa.array(rows_of(_ids(table)) != NOT_FOUND))


def _with_other_rows(before: pa.Table, after: pa.Table) -> pa.LargeBinaryArray:
    """Distinct ids that are in one of the tables only, or have other rows there."""
    was, is_now = _RowsById.of(before), _RowsById.of(after)
    places = index_of(was.ids).rows_of(is_now.ids)
    same = places != NOT_FOUND
    same[same] = was.count[places[same]] == is_now.count[same]
    rows = np.flatnonzero(same[is_now.number])
    number = is_now.number[rows]
    others = was.first[places[number]] + rows - is_now.first[number]
    old, new = before.take(pa.array(others)), after.take(pa.array(rows))
    for name in after.schema.names[1:]:
        same[number[_unequal(old[name].combine_chunks(), new[name].combine_chunks())]] = False
    gone = np.ones(len(was.ids), np.bool_)
    gone[places[places != NOT_FOUND]] = False
    return pa.concat_arrays([is_now.ids.filter(pa.array(~same)), was.ids.filter(pa.array(gone))])


@dataclass(frozen=True)
class _RowsById:
    """The distinct ids of a table, the first row of each and how many it has; by row, which of them
    it has."""

    ids: pa.LargeBinaryArray
    number: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, table: pa.Table) -> _RowsById:
        ids, number = distinct_ids(table), distinct_numbers(table)
        count = np.bincount(number, minlength=len(ids))
        return cls(ids, number, np.cumsum(count) - count, count)


def _ids(table: pa.Table) -> pa.LargeBinaryArray:
    return table[0].combine_chunks()


def _unequal(one: pa.Array, other: pa.Array) -> NDArray[np.bool_]:
    """Row by row; null is a value like any other."""
    is_same = pc.fill_null(pc.equal(one, other), False)
    both = pc.and_(one.is_null(), other.is_null())
    found: NDArray[np.bool_] = pc.or_(is_same, both).to_numpy(zero_copy_only=False)
    return ~found
