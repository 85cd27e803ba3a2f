"""What was bought, as the customers and products of two runs, or anything in between, see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import UnknownMode
from pipeline_core.transform.ids import IdIndex, index_of
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND, Dimensions, Labels, prepare
from pipeline_core.transform.money import group_sums
from pipeline_core.transform.reports.base import group_rows
from pipeline_core.transform.running_merge import RunningMerge

Int64s = NDArray[np.int64]
# Python's integers: prices brought to another scale may have more than 64 bits.
Integers = NDArray[np.object_]

_NO_CELL = -1
_LEAST_MERGED_ROWS = 1 << 18


class Amount(NamedTuple):
    """Minor units of the larger scale, and units."""

    revenue: int
    units: int

    @property
    def rank(self) -> tuple[int, int]:
        """Sorts the largest change first."""
        return -abs(self.revenue), -abs(self.units)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.revenue - other.revenue, self.units - other.units)


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum of all."""
    revenue = units = 0
    for amount in amounts:
        revenue, units = revenue + amount.revenue, units + amount.units
    return Amount(revenue, units)


# By cell (a number of United) and whatever is to be told apart there.
Amounts = dict[tuple[int, int], Amount]


@dataclass(frozen=True)
class Bought:
    """Units of purchases that may count: one row for each origin, product and group of customers
    (numbers of United). int64 of shape (rows,)."""

    origin: Int64s
    product: Int64s
    customers: Int64s
    units: Int64s

    def where(self, mask: NDArray[np.bool_]) -> Bought:
        """Some of the rows."""
        columns = (self.origin, self.product, self.customers, self.units)
        return Bought(*(column[mask] for column in columns))


@dataclass(frozen=True)
class ReportView:
    """Categories and prices by product, segments by group of customers, and what becomes of the
    unknown. Labels are NO_LABEL, and prices 0, where there are none."""

    category: NDArray[np.int32]
    price: Integers
    segment: NDArray[np.int32]
    unknown: UnknownMode

    def cells(self, bought: Bought, labels: Labels) -> Int64s:
        """The cell in which each row counts, or _NO_CELL."""
        category, segment = self.category[bought.product], self.segment[bought.customers]
        if self.unknown == "bucket":
            category = np.where(category == NO_LABEL, labels.unknown_category, category)
            segment = np.where(segment == NO_LABEL, labels.unknown_segment, segment)
        cells = category.astype(np.int64) * len(labels.segments) + segment
        return np.where((category == NO_LABEL) | (segment == NO_LABEL), _NO_CELL, cells)


@dataclass(frozen=True)
class Side:
    """Customers and products of one run, by the numbers of United."""

    product_known: NDArray[np.bool_]
    category: NDArray[np.int32]
    price: Integers
    customer_known: NDArray[np.bool_]
    segment: NDArray[np.int32]

    def view(self, unknown: UnknownMode) -> ReportView:
        """The report of this run."""
        return ReportView(self.category, self.price, self.segment, unknown)


@dataclass(frozen=True)
class United:
    """Customers and products of both runs. A product has a number of its own; the last one is of
    those that neither run knows. Customers are told apart only if their segments differ, behind
    one group for each segment and, first of all, one without. ``scale`` is the larger one."""

    scale: int
    labels: Labels
    product_ids: pa.LargeBinaryArray
    customer_ids: pa.LargeBinaryArray
    before: Side
    after: Side
    _products: IdIndex
    _customers: IdIndex
    _group: Int64s

    @property
    def first_customer(self) -> int:
        """The group of the first of ``customer_ids``."""
        return 1 + len(self.labels.segments)

    def bought(self, candidates: pa.Table, origin: int) -> Bought:
        """Those of ``candidates`` (schema CANDIDATES) that count if customer and product do."""
        is_guest = candidates["guest"].to_numpy(zero_copy_only=False)
        sound = (
            (candidates["defect"].to_numpy() == 0)
            & (candidates["quantity"].to_numpy() > 0)
            & candidates["product_id"].is_valid().to_numpy()
            & (candidates["customer_id"].is_valid().to_numpy() | is_guest)
        )
        rows = candidates.filter(pa.array(sound))
        product = self._products.rows_of(rows["product_id"].combine_chunks())
        customer = self._customers.rows_of(rows["customer_id"].combine_chunks())
        return Bought(
            np.full(rows.num_rows, origin, np.int64),
            np.where(product == NOT_FOUND, len(self.product_ids), product),
            self._group[customer],
            rows["quantity"].to_numpy().astype(np.int64),
        )

    def cell(self, category: str, segment: str) -> int | None:
        """The number of a cell; None if neither run has such labels."""
        try:
            row = self.labels.categories.index(category)
            return row * len(self.labels.segments) + self.labels.segments.index(segment)
        except ValueError:  # of index
            return None

    def names(self, cell: int) -> tuple[str, str]:
        """Category and segment of a cell."""
        row, column = divmod(cell, len(self.labels.segments))
        return self.labels.categories[row], self.labels.segments[column]

    def amounts(self, bought: Bought, view: ReportView) -> dict[int, Amount]:
        """The report of ``bought``, by cell."""
        nothing = np.zeros(len(bought.units), np.int64)
        found = self.changes(bought, nothing, None, view)
        return {cell: amount for (cell, _), amount in found.items()}

    def changes(
        self, bought: Bought, subjects: Int64s, before: ReportView | None, after: ReportView | None
    ) -> Amounts:
        """What the rows come to in ``after`` less what they come to in ``before``, exactly, by
        cell and ``subjects`` (int64, one a row); None is a report without them."""
        cells, numbers, units, prices = [], [], [], []
        for view, sign in ((before, -1), (after, 1)):
            if view is not None:
                at = view.cells(bought, self.labels)
                kept = at != _NO_CELL
                cells.append(at[kept])
                numbers.append(subjects[kept])
                units.append(sign * bought.units[kept])
                prices.append(view.price[bought.product[kept]])
        units_of = np.concatenate(units)
        groups = group_rows([pa.array(np.concatenate(keys)) for keys in (cells, numbers)])
        revenue = np.zeros(groups.count, object)
        np.add.at(revenue, groups.number, units_of.astype(object) * np.concatenate(prices))
        sums = group_sums(groups.number, groups.count, units_of)
        keys = zip(*(key.to_pylist() for key in groups.keys), strict=True)
        return {
            key: Amount(money, count)
            for key, money, count in zip(keys, revenue.tolist(), sums.tolist(), strict=True)
        }


def unite(before: Snapshot, after: Snapshot) -> United:
    """Customers and products of both runs, brought to one scale."""
    scale = max(before.scale, after.scale)
    lists = [prepare(each.customers, each.products, each.scale) for each in (before, after)]
    labels = Labels(
        tuple(sorted({name for each in lists for name in each.labels.categories})),
        tuple(sorted({name for each in lists for name in each.labels.segments})),
    )
    products = _all_ids(before.products["product_id"], after.products["product_id"])
    customers = _all_ids(before.customers["customer_id"], after.customers["customer_id"])
    found = [_segments(each, customers, labels) for each in lists]
    moved = np.flatnonzero(found[0].segment != found[1].segment)
    group = found[0].segment.astype(np.int64) + 1
    group[moved] = 1 + len(labels.segments) + np.arange(len(moved))
    one, other = (
        _side(each, products, labels, scale, segments, moved)
        for each, segments in zip(lists, found, strict=True)
    )
    return United(
        scale=scale,
        labels=labels,
        product_ids=products,
        customer_ids=customers.take(pa.array(moved)),
        before=one,
        after=other,
        _products=index_of(products),
        _customers=index_of(customers),
        _group=group,
    )


def collect(pieces: Iterable[Bought]) -> Bought:
    """All pieces as one."""
    merged = RunningMerge(_merged, lambda bought: len(bought.units), _LEAST_MERGED_ROWS)
    for piece in pieces:
        merged.add(piece)
    return merged.whole()


def _merged(pieces: Sequence[Bought]) -> Bought:
    """Units of equal rows are added up."""
    origin, product, customers, units = (
        np.concatenate([np.zeros(0, np.int64), *(getattr(piece, name) for piece in pieces)])
        for name in ("origin", "product", "customers", "units")
    )
    groups = group_rows([pa.array(column) for column in (origin, product, customers)])
    origin, product, customers = (key.to_numpy() for key in groups.keys)
    return Bought(origin, product, customers, group_sums(groups.number, groups.count, units))


def _all_ids(before: pa.ChunkedArray, after: pa.ChunkedArray) -> pa.LargeBinaryArray:
    """Both, each of distinct ids, without what stands in both."""
    known, others = before.combine_chunks(), after.combine_chunks()
    is_new = index_of(known).rows_of(others) == NOT_FOUND
    return pa.concat_arrays([known, others.filter(pa.array(is_new))])


class _Segments(NamedTuple):
    """By customer, and once more for one whom nobody knows."""

    known: NDArray[np.bool_]
    segment: NDArray[np.int32]


def _segments(dimensions: Dimensions, ids: pa.LargeBinaryArray, labels: Labels) -> _Segments:
    days = pa.nulls(len(ids), pa.date32())
    codes = np.append(dimensions.customers.rows_of(ids, days), NOT_FOUND)
    renamed = _renamed(dimensions.labels.segments, labels.segments)
    return _Segments(codes != NOT_FOUND, renamed[dimensions.customer_segment[codes]])


def _side(
    dimensions: Dimensions,
    products: pa.LargeBinaryArray,
    labels: Labels,
    scale: int,
    segments: _Segments,
    moved: Int64s,
) -> Side:
    days = pa.nulls(len(products), pa.date32())
    codes = np.append(dimensions.products.rows_of(products, days), NOT_FOUND)
    renamed = _renamed(dimensions.labels.categories, labels.categories)
    of_groups = np.arange(NO_LABEL, len(labels.segments), dtype=np.int32)
    factor = 10 ** (scale - dimensions.scale)
    return Side(
        product_known=codes != NOT_FOUND,
        category=renamed[dimensions.product_category[codes]],
        price=dimensions.product_price[codes].astype(object) * factor,
        customer_known=np.append(np.ones(len(of_groups), np.bool_), segments.known[moved]),
        segment=np.append(of_groups, segments.segment[moved]),
    )


def _renamed(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int32]:
    """The code among ``labels`` of each of ``names``, and of NO_LABEL."""
    return np.array([*map(labels.index, names), NO_LABEL], np.int32)
