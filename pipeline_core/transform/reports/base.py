"""What a report is: a commutative monoid of partials between sales and a finished table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.transform.lookup import Dimensions, Labels
from pipeline_core.transform.money import as_128_bits, carry, check_exact, group_sums
from pipeline_core.transform.running_merge import RunningMerge
from pipeline_core.transform.sums import Measures, SummedSales

MEASURES = ("units", "revenue_hi", "revenue_lo")
# Of partials that wait for each other; merging fewer is not worth it.
_LEAST_MERGED_BYTES = 1 << 20
# To sort a code takes as long as to look at so many flags, of a byte each.
_FLAGS_A_CODE = 128
# The place of a possible code takes eight bytes: of not too many.
_PLACES_A_CODE = 16


@dataclass(frozen=True)
class Report:
    """``merge`` of partials in any order and grouping equals ``aggregate`` of all their sales
    at once; ``merge([])`` is the empty partial.

    ``aggregate(sales, labels)``: SALES to a partial. ``merge(partials)``: one partial.
    ``finish(partial, scale)``: the table to publish, as file ``name``, revenue as decimal128.
    Where returns have a report of their own, one ``of_returns`` is of them alone, as if they were
    sales, and all others are of sales alone. One that is not ``is_published`` has no file: it is
    for the page, which does without where a run of an earlier version has no partials of it.
    ``from_sums(sold, dimensions)``: the ``aggregate`` of sales that were added up already; of one
    without, there is a row for each sale.
    """

    name: str
    schema: pa.Schema
    aggregate: Callable[[pa.Table, Labels], pa.Table]
    merge: Callable[[Sequence[pa.Table]], pa.Table]
    finish: Callable[[pa.Table, int], pa.Table]
    of_returns: bool = False
    is_published: bool = True
    from_sums: Callable[[SummedSales, Dimensions], pa.Table] | None = None

    def running_merge(self) -> RunningMerge[pa.Table]:
        """To merge partials one after the other."""
        return RunningMerge(self.merge, pa.Table.get_total_buffer_size, _LEAST_MERGED_BYTES)


@dataclass(frozen=True)
class Groups:
    """``keys``: the distinct rows of the grouping columns, in no promised order; ``number``:
    int64 of shape (rows,), which of them each row belongs to."""

    keys: list[pa.Array]
    number: NDArray[np.int64]
    count: int


def group_rows(columns: Sequence[pa.Array]) -> Groups:
    """Groups rows by one or more columns (null is a value like any other)."""
    encoded = [column.dictionary_encode(null_encoding="encode") for column in columns]
    number, count = np.zeros(len(columns[0]), np.int64), 1
    for column in encoded:
        codes = column.indices.to_numpy().astype(np.int64)
        # Renumbering after each column keeps the numbers below the row count.
        size = count * len(column.dictionary)
        number, found = numbered(number * len(column.dictionary) + codes, size)
        count = len(found)
    examples = np.empty(count, np.int64)
    examples[number] = np.arange(len(number))
    return Groups([column.take(pa.array(examples)) for column in columns], number, count)


def distinct(codes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Sorted distinct ``codes``, each from 0 to below ``size``; by flags where there are not
    many more possible codes than there are codes, else by sorting."""
    if size > _FLAGS_A_CODE * len(codes):
        return np.unique(codes)
    flags = np.zeros(size, np.bool_)
    flags[codes] = True
    return np.flatnonzero(flags)


def numbered(codes: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes' places among the distinct ones, and those, as ``distinct`` gives them."""
    if size > _PLACES_A_CODE * len(codes):
        found, number = np.unique(codes, return_inverse=True)
        return number, found
    found = distinct(codes, size)
    places = np.empty(size, np.int64)
    places[found] = np.arange(len(found))
    return places[codes], found


def sum_measures(table: pa.Table, groups: Groups) -> list[pa.Array]:
    """Exact sums of MEASURES by group."""
    return sum_columns([table[name].to_numpy() for name in MEASURES], groups)


def sum_columns(columns: Iterable[NDArray[np.int64]], groups: Groups) -> list[pa.Array]:
    """The same of units and both limbs of revenue."""
    units, hi, lo = (group_sums(groups.number, groups.count, column) for column in columns)
    return [pa.array(column) for column in (units, *carry(hi, lo))]


def measured(sold: Measures) -> list[pa.Array]:
    """MEASURES of groups that were added up."""
    for column in sold.amounts:
        check_exact(column)
    return [pa.array(column) for column in sold.amounts]


def revenue_column(partial: pa.Table, scale: int) -> pa.Array:
    """Revenue as decimal128(38, scale)."""
    hi, lo = (partial[name].to_numpy() for name in MEASURES[1:])
    buffers = [None, pa.py_buffer(as_128_bits(hi, lo))]
    return pa.Array.from_buffers(pa.decimal128(38, scale), len(hi), buffers)


def minors_of(column: pa.ChunkedArray) -> list[int]:
    """Decimals (decimal128, none of them null) in minor units of their scale."""
    if not len(column):
        return []
    values = column.combine_chunks()
    halves = np.frombuffer(values.buffers()[1], np.int64).reshape(-1, 2)
    low, high = halves[values.offset : values.offset + len(values)].T
    if bool((high == low >> 63).all()):
        small: list[int] = low.tolist()
        return small
    lows = low.view(np.uint64).tolist()
    return [(above << 64) + below for above, below in zip(high.tolist(), lows, strict=True)]


def label_column(names: Sequence[str], codes: pa.Array) -> pa.Array:
    """Codes (int32) to their names."""
    return pc.take(pa.array(names, pa.string()), codes)
