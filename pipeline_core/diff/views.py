"""What was bought, as the customers and products of two runs, or anything in between, see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.diff.periods import Periods, Times
from pipeline_core.messages import ReturnsMode, UnknownMode
from pipeline_core.schemas import PRICE_MINOR, UNKNOWN_RETURN
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND, Labels
from pipeline_core.transform.money import group_sums
from pipeline_core.transform.reports.base import group_rows
from pipeline_core.transform.running_merge import RunningMerge

Int64s = NDArray[np.int64]
# Python's integers: prices brought to another scale may have more than 64 bits.
Integers = NDArray[np.object_]

_NO_CELL = -1
# In place of a category's code, of a product that has no price at that time.
NO_PRICE = -2
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
    """Units of purchases that may count: one row for each origin, period of a product, and group of
    customers (numbers of United), and whether it is of ``returns`` (1), of which units are below 0.
    int64 of shape (rows,). ``paid`` are minor units of United's scale, beside what a view's prices
    come to; None where nothing is."""

    origin: Int64s
    product: Int64s
    customers: Int64s
    returns: Int64s
    units: Int64s
    paid: Integers | None = None

    def where(self, mask: NDArray[np.bool_]) -> Bought:
        """Some of the rows."""
        return Bought(
            self.origin[mask],
            self.product[mask],
            self.customers[mask],
            self.returns[mask],
            self.units[mask],
            None if self.paid is None else self.paid[mask],
        )

    def revenue(self, prices: Integers) -> Integers:
        """What each row comes to at these prices, by period of a product."""
        found: Integers = self.units.astype(object) * prices[self.product]
        return found if self.paid is None else found + self.paid


@dataclass(frozen=True)
class ReportView:
    """Categories and prices by period of a product, segments by group of customers, and what
    becomes of the unknown and of returns. Labels are NO_LABEL or NO_PRICE, and prices 0, where
    there are none."""

    category: NDArray[np.int32]
    price: Integers
    segment: NDArray[np.int32]
    unknown: UnknownMode
    returns: ReturnsMode

    def cells(self, bought: Bought, labels: Labels) -> Int64s:
        """The cell in which each row counts, or _NO_CELL."""
        category, segment = self.category[bought.product], self.segment[bought.customers]
        if self.unknown == "bucket":
            category = np.where(category == NO_LABEL, labels.unknown_category, category)
            segment = np.where(segment == NO_LABEL, labels.unknown_segment, segment)
        cells = category.astype(np.int64) * len(labels.segments) + segment
        is_left_out = (category < 0) | (segment < 0)
        if self.returns != "net":
            is_left_out |= bought.returns > 0
        return np.where(is_left_out, _NO_CELL, cells)


@dataclass(frozen=True)
class Side:
    """Customers and products of one run, by the numbers of United. If what was paid counts, the
    prices are 0; a product has no category then where it has no row."""

    scale: int
    is_paid: bool
    product_known: NDArray[np.bool_]
    category: NDArray[np.int32]
    price: Integers
    # Whether there is one; not of whom nobody knows at that time.
    customer_known: NDArray[np.bool_]
    segment: NDArray[np.int32]

    @property
    def priced(self) -> NDArray[np.bool_]:
        """Which products are known, and have a price at that time."""
        has_price: NDArray[np.bool_] = self.category != NO_PRICE
        return self.product_known & has_price

    def view(self, unknown: UnknownMode, returns: ReturnsMode) -> ReportView:
        """The report of this run."""
        return ReportView(self.category, self.price, self.segment, unknown, returns)


@dataclass(frozen=True)
class United:
    """Customers and products of both runs. A period of a product has a number of its own; the last
    one is of products that neither run knows. Customers are told apart only while their segments
    differ, behind one group for each segment and, first of all, one without. ``scale`` is the
    larger one."""

    scale: int
    labels: Labels
    products: Periods
    customers: Periods
    before: Side
    after: Side
    # By period of a customer, its group; the periods that are a group of their own.
    _group: Int64s
    _moved: Int64s

    def customer(self, group: int) -> int:
        """The period in ``customers`` that is this group."""
        return int(self._moved[group - 1 - len(self.labels.segments)])

    def changed_times(self) -> Times:
        """When the rows of the runs, for any id, are not the same."""
        one, other = self.before, self.after
        products = (one.category != other.category) | (one.price != other.price)
        products |= one.product_known != other.product_known
        changed = np.flatnonzero(products[:-1])
        return self.products.times(changed) | self.customers.times(self._moved)

    def bought(self, candidates: pa.Table, origin: int, sold_on: date | None, side: Side) -> Bought:
        """Those of ``candidates`` (of candidates_schema), all of one day of that ``side``'s run,
        which count if customer and product do."""
        is_guest = candidates["guest"].to_numpy(zero_copy_only=False)
        sound = (
            (candidates["defect"].to_numpy() == 0)
            & ~np.isin(candidates["quantity"].to_numpy(), (0, UNKNOWN_RETURN))
            & candidates["product_id"].is_valid().to_numpy()
            & (candidates["customer_id"].is_valid().to_numpy() | is_guest)
        )
        if side.is_paid:
            sound &= candidates[PRICE_MINOR.name].is_valid().to_numpy()
        rows = candidates.filter(pa.array(sound))
        units, paid = rows["quantity"].to_numpy().astype(np.int64), None
        if side.is_paid:
            prices = rows[PRICE_MINOR.name].to_numpy().astype(object)
            paid = units.astype(object) * prices * 10 ** (self.scale - side.scale)
        product = self.products.find(rows["product_id"].combine_chunks(), sold_on)
        customer = self.customers.find(rows["customer_id"].combine_chunks(), sold_on)
        return Bought(
            np.full(rows.num_rows, origin, np.int64),
            np.where(product == NOT_FOUND, len(self.products.number), product),
            self._group[customer],
            (units < 0).astype(np.int64),
            units,
            paid,
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
        cells, numbers, units, money = [], [], [], []
        for view, sign in ((before, -1), (after, 1)):
            if view is not None:
                at = view.cells(bought, self.labels)
                kept = at != _NO_CELL
                cells.append(at[kept])
                numbers.append(subjects[kept])
                units.append(sign * bought.units[kept])
                money.append(sign * bought.where(kept).revenue(view.price))
        units_of = np.concatenate(units)
        groups = group_rows([pa.array(np.concatenate(keys)) for keys in (cells, numbers)])
        revenue = np.zeros(groups.count, object)
        np.add.at(revenue, groups.number, np.concatenate(money))
        sums = group_sums(groups.number, groups.count, units_of)
        keys = zip(*(key.to_pylist() for key in groups.keys), strict=True)
        return {
            key: Amount(total, count)
            for key, total, count in zip(keys, revenue.tolist(), sums.tolist(), strict=True)
        }


def collect(pieces: Iterable[Bought]) -> Bought:
    """All pieces as one."""
    merged = RunningMerge(_merged, lambda bought: len(bought.units), _LEAST_MERGED_ROWS)
    for piece in pieces:
        merged.add(piece)
    return merged.whole()


def _merged(pieces: Sequence[Bought]) -> Bought:
    """Units, and what was paid, of equal rows are added up."""
    *keys, units = (
        np.concatenate([np.zeros(0, np.int64), *(getattr(piece, name) for piece in pieces)])
        for name in ("origin", "product", "customers", "returns", "units")
    )
    groups = group_rows([pa.array(column) for column in keys])
    origin, product, customers, returns = (key.to_numpy() for key in groups.keys)
    sums, paid = group_sums(groups.number, groups.count, units), None
    if any(piece.paid is not None for piece in pieces):
        paid = np.zeros(groups.count, object)
        np.add.at(paid, groups.number, np.concatenate([_paid_of(piece) for piece in pieces]))
    return Bought(origin, product, customers, returns, sums, paid)


def _paid_of(piece: Bought) -> Integers:
    return np.zeros(len(piece.units), object) if piece.paid is None else piece.paid
