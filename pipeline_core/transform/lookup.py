"""Ids and days to rows: customers and products ready for vectorised joins."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.transform.ids import NOT_FOUND, stable_hashes
from pipeline_core.transform.sums import Labelled, SumRules, sum_rules
from pipeline_core.transform.valid_rows import ValidRows
from pipeline_core.valid_ranges import distinct_ids

__all__ = ["NOT_FOUND", "NO_LABEL", "Dimensions", "Labels", "prepare"]

UNKNOWN_LABEL = "Unknown"
# A label that is null or empty.
NO_LABEL = -1


@dataclass(frozen=True)
class Labels:
    """Names of category and segment codes, the bucket for unknown ones included, and the ids of
    products, raw UTF-8."""

    categories: tuple[str, ...]
    segments: tuple[str, ...]
    products: pa.LargeBinaryArray = field(
        default_factory=lambda: pa.array([], pa.large_binary()), repr=False, compare=False
    )

    @cached_property
    def category_names(self) -> pa.Array:
        """By code."""
        return pa.array(self.categories, pa.string())

    @cached_property
    def segment_names(self) -> pa.Array:
        """By code."""
        return pa.array(self.segments, pa.string())

    @property
    def unknown_category(self) -> int:
        """Code of the category for products nobody knows."""
        return self.categories.index(UNKNOWN_LABEL)

    @property
    def unknown_segment(self) -> int:
        """Code of the segment for customers nobody knows."""
        return self.segments.index(UNKNOWN_LABEL)


@dataclass(frozen=True)
class Dimensions:
    """Arrays are indexed by the row of a product or customer in the snapshot, or what stands behind
    these rows (see ``ValidRows``): gaps and, as the last element, NOT_FOUND (-1) have no label and
    a price of 0. Label codes are NO_LABEL where missing; prices are minor units of ``scale``
    decimals; distinct customers are counted by ``customer_number``, which all rows of an id, and
    its gap, have in common. ``product_ids`` and ``customer_ids`` are the distinct ones."""

    scale: int
    labels: Labels
    product_category: NDArray[np.int32]
    product_price: NDArray[np.int64]
    customer_segment: NDArray[np.int32]
    customer_number: NDArray[np.int64]
    product_ids: pa.LargeBinaryArray = field(repr=False)
    customer_ids: pa.LargeBinaryArray = field(repr=False)
    products: ValidRows = field(repr=False)
    customers: ValidRows = field(repr=False)

    @cached_property
    def product_hashes(self) -> NDArray[np.uint64]:
        """The `stable_hashes` of the distinct products, once a process."""
        return stable_hashes(self.product_ids)

    @cached_property
    def customer_hashes(self) -> NDArray[np.uint64]:
        """The same of customers."""
        return stable_hashes(self.customer_ids)

    @cached_property
    def sum_rules(self) -> SumRules | None:
        """What purchases are added up by, once a process; None if nothing of it is compiled."""
        products = Labelled(
            self.products, len(self.product_ids), self.product_category, len(self.labels.categories)
        )
        customers = Labelled(
            self.customers, len(self.customer_ids), self.customer_segment, len(self.labels.segments)
        )
        return sum_rules(products, self.product_price, customers)

    @cached_property
    def number_of_customer(self) -> NDArray[np.uint32]:
        """``customer_number`` by the place of the distinct id."""
        number = np.empty(len(self.customer_ids), np.uint32)
        number[self.customers.number[:-1]] = self.customer_number[:-1]
        return number

    @property
    def has_dates(self) -> bool:
        """Whether any row of either is not always valid."""
        return self.products.has_dates or self.customers.has_dates

    def product_rows(self, ids: pa.ChunkedArray, days: pa.Array) -> NDArray[np.int64]:
        """Rows of large_binary ids on ``days`` (date32, same length), as ``ValidRows.rows_of``."""
        return self.products.rows_of(ids.combine_chunks(), days)

    def customer_rows(self, ids: pa.ChunkedArray, days: pa.Array) -> NDArray[np.int64]:
        """The same of customers."""
        return self.customers.rows_of(ids.combine_chunks(), days)


def prepare(
    customers: pa.Table,
    products: pa.Table,
    scale: int,
    customer_numbers: NDArray[np.int64] | None = None,
) -> Dimensions:
    """Look-up tables of a snapshot (schemas CUSTOMERS and PRODUCTS). ``customer_numbers`` are those
    of the distinct customers, in their order; their places, if there are none."""
    of_products, of_customers = ValidRows.of(products), ValidRows.of(customers)
    categories, product_category = _encode(products["category"], of_products)
    segments, customer_segment = _encode(customers["segment"], of_customers)
    prices = np.zeros(len(of_products.number), np.int64)
    prices[: products.num_rows] = products["price_minor"].to_numpy()
    number = of_customers.number
    if customer_numbers is not None:
        number = np.append(customer_numbers, NOT_FOUND)[number]
    product_ids = distinct_ids(products)
    return Dimensions(
        scale=scale,
        labels=Labels(categories, segments, product_ids),
        product_category=product_category,
        product_price=prices,
        customer_segment=customer_segment,
        customer_number=number,
        product_ids=product_ids,
        customer_ids=distinct_ids(customers),
        products=of_products,
        customers=of_customers,
    )


def _encode(column: pa.ChunkedArray, rows: ValidRows) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Sorted labels (UNKNOWN_LABEL among them), and the code of each row, NO_LABEL of gaps and of
    NOT_FOUND."""
    labels = sorted({*column.unique().to_pylist(), UNKNOWN_LABEL} - {None, ""})
    codes = pc.index_in(column, value_set=pa.array(labels, pa.string()))
    by_row = np.full(len(rows.number), NO_LABEL, np.int32)
    by_row[: len(column)] = pc.fill_null(codes, NO_LABEL).to_numpy()
    return tuple(labels), by_row
