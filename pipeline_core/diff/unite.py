"""Customers and products of two runs, brought together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline_core.diff.periods import Periods
from pipeline_core.diff.views import NO_PRICE, Int64s, Integers, Side, United
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.transform.lookup import NO_LABEL, NOT_FOUND, Dimensions, Labels, prepare


def unite(before: Snapshot, after: Snapshot, are_paid: tuple[bool, bool]) -> United:
    """Customers and products of both runs, brought to one scale; ``are_paid``: whether what was
    paid counts in them."""
    scale = max(before.scale, after.scale)
    lists = [prepare(each.customers, each.products, each.scale) for each in (before, after)]
    labels = Labels(
        tuple(sorted({name for each in lists for name in each.labels.categories})),
        tuple(sorted({name for each in lists for name in each.labels.segments})),
    )
    products, of_products = _product_periods(before, after, lists, labels, are_paid)
    customers, of_customers = _customer_periods(before, after, lists, labels)
    moved = np.flatnonzero(of_customers[0].segment != of_customers[1].segment)
    group = of_customers[0].segment.astype(np.int64) + 1
    group[moved] = 1 + len(labels.segments) + np.arange(len(moved))
    groups = np.arange(NO_LABEL, len(labels.segments), dtype=np.int32)
    one, other = (
        Side(
            scale=dimensions.scale,
            is_paid=is_paid,
            product_known=product.known,
            category=product.category,
            price=product.price * 10 ** (scale - dimensions.scale),
            customer_known=np.append(np.ones(len(groups), np.bool_), customer.known[moved]),
            segment=np.append(groups, customer.segment[moved]),
        )
        for dimensions, is_paid, product, customer in zip(
            lists, are_paid, of_products, of_customers, strict=True
        )
    )
    return United(
        scale=scale,
        labels=labels,
        products=products,
        customers=customers,
        before=one,
        after=other,
        _group=group,
        _moved=moved,
    )


class _Products(NamedTuple):
    """By period, and once more for a product that nobody knows."""

    known: NDArray[np.bool_]
    category: NDArray[np.int32]
    price: Integers

    def at(self, periods: Int64s) -> _Products:
        """Of some."""
        return _Products(self.known[periods], self.category[periods], self.price[periods])


class _Customers(NamedTuple):
    """The same of customers."""

    known: NDArray[np.bool_]
    segment: NDArray[np.int32]

    def at(self, periods: Int64s) -> _Customers:
        """Of some."""
        return _Customers(self.known[periods], self.segment[periods])


def _product_periods(
    before: Snapshot,
    after: Snapshot,
    lists: Sequence[Dimensions],
    labels: Labels,
    are_paid: Sequence[bool],
) -> tuple[Periods, list[_Products]]:
    cut = Periods.of(before.products, after.products)
    sides = []
    for each, is_paid in zip(lists, are_paid, strict=True):
        rows = np.append(cut.rows_of(each.products), NOT_FOUND)
        category = _renamed(each.labels.categories, labels.categories)[each.product_category[rows]]
        price = each.product_price[rows].astype(object)
        category[each.products.gaps(rows)] = NO_LABEL if is_paid else NO_PRICE
        category[price < 0] = NO_PRICE
        sides.append(_Products(rows != NOT_FOUND, category, price))
    periods, kept = cut.without(_as_before([column for side in sides for column in side]))
    return periods, [side.at(kept) for side in sides]


def _customer_periods(
    before: Snapshot, after: Snapshot, lists: Sequence[Dimensions], labels: Labels
) -> tuple[Periods, list[_Customers]]:
    cut = Periods.of(before.customers, after.customers)
    sides = []
    for each in lists:
        rows = np.append(cut.rows_of(each.customers), NOT_FOUND)
        segment = _renamed(each.labels.segments, labels.segments)[each.customer_segment[rows]]
        sides.append(_Customers((rows != NOT_FOUND) & ~each.customers.gaps(rows), segment))
    periods, kept = cut.without(_as_before([column for side in sides for column in side]))
    return periods, [side.at(kept) for side in sides]


def _as_before(columns: Sequence[NDArray[Any]]) -> NDArray[np.bool_]:
    """Which rows are, in all columns, as the one before."""
    same = np.ones(len(columns[0]), np.bool_)
    same[:1] = False
    for column in columns:
        same[1:] &= (column[1:] == column[:-1]).astype(np.bool_)
    return same


def _renamed(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int32]:
    """The code among ``labels`` of each of ``names``, and of NO_LABEL."""
    return np.array([*map(labels.index, names), NO_LABEL], np.int32)
