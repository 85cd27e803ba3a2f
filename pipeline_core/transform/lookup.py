"""Ids to integer codes: customers and products ready for vectorised joins."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.transform.ids import NOT_FOUND, IdIndex, index_of

__all__ = ["NOT_FOUND", "NO_LABEL", "Dimensions", "Labels", "prepare"]

UNKNOWN_LABEL = "Unknown"
# A label that is null or empty.
NO_LABEL = -1


@dataclass(frozen=True)
class Labels:
    """Names of category and segment codes, the bucket for unknown ones included."""

    categories: tuple[str, ...]
    segments: tuple[str, ...]

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
    """Arrays are indexed by product or customer code, which is the row in the snapshot; label
    codes are NO_LABEL where missing; prices are minor units of ``scale`` decimals. One element
    more, the last, is for NOT_FOUND (-1): no label, and a price of 0."""

    scale: int
    labels: Labels
    product_category: NDArray[np.int32]
    product_price: NDArray[np.int64]
    customer_segment: NDArray[np.int32]
    _products: IdIndex = field(repr=False)
    _customers: IdIndex = field(repr=False)

    def product_codes(self, ids: pa.ChunkedArray) -> NDArray[np.int64]:
        """Codes of large_binary ids, NOT_FOUND where unknown or null."""
        return self._products.rows_of(ids.combine_chunks())

    def customer_codes(self, ids: pa.ChunkedArray) -> NDArray[np.int64]:
        """Codes of large_binary ids, NOT_FOUND where unknown or null."""
        return self._customers.rows_of(ids.combine_chunks())


def prepare(customers: pa.Table, products: pa.Table, scale: int) -> Dimensions:
    """Look-up tables of a snapshot (schemas CUSTOMERS and PRODUCTS)."""
    categories, product_category = _encode(products["category"])
    segments, customer_segment = _encode(customers["segment"])
    return Dimensions(
        scale=scale,
        labels=Labels(categories, segments),
        product_category=product_category,
        product_price=np.append(products["price_minor"].to_numpy(), 0),
        customer_segment=customer_segment,
        _products=index_of(products["product_id"].combine_chunks()),
        _customers=index_of(customers["customer_id"].combine_chunks()),
    )


def _encode(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Sorted labels (UNKNOWN_LABEL among them), and the code of each row and of NOT_FOUND."""
    labels = sorted({*column.unique().to_pylist(), UNKNOWN_LABEL} - {None, ""})
    codes = pc.index_in(column, value_set=pa.array(labels, pa.string()))
    codes = pc.fill_null(codes, NO_LABEL).to_numpy().astype(np.int32)
    return tuple(labels), np.append(codes, np.int32(NO_LABEL))
