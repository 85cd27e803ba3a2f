"""Ids to integer codes: customers and products ready for vectorised joins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

UNKNOWN_LABEL = "Unknown"
# An id that is not in the dimension, and a label that is null or empty.
NOT_FOUND = -1
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
    codes are NO_LABEL where missing; prices are minor units of ``scale`` decimals."""

    scale: int
    labels: Labels
    product_category: NDArray[np.int32]
    product_price: NDArray[np.int64]
    customer_segment: NDArray[np.int32]
    _products: Mapping[bytes, int] = field(repr=False)
    _customers: Mapping[bytes, int] = field(repr=False)

    def product_codes(self, ids: pa.ChunkedArray) -> NDArray[np.int64]:
        """Codes of large_binary ids, NOT_FOUND where unknown or null."""
        return _codes(ids, self._products)

    def customer_codes(self, ids: pa.ChunkedArray) -> NDArray[np.int64]:
        """Codes of large_binary ids, NOT_FOUND where unknown or null."""
        return _codes(ids, self._customers)


def prepare(customers: pa.Table, products: pa.Table, scale: int) -> Dimensions:
    """Look-up tables of a snapshot (schemas CUSTOMERS and PRODUCTS)."""
    categories, product_category = _encode(products["category"])
    segments, customer_segment = _encode(customers["segment"])
    return Dimensions(
        scale=scale,
        labels=Labels(categories, segments),
        product_category=product_category,
        product_price=products["price_minor"].to_numpy(),
        customer_segment=customer_segment,
        _products=_positions(products["product_id"]),
        _customers=_positions(customers["customer_id"]),
    )


def _positions(ids: pa.ChunkedArray) -> dict[bytes, int]:
    return {key: position for position, key in enumerate(ids.to_pylist())}


def _encode(column: pa.ChunkedArray) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Sorted labels (UNKNOWN_LABEL among them) and the code of each row."""
    labels = sorted({*column.unique().to_pylist(), UNKNOWN_LABEL} - {None, ""})
    codes = pc.index_in(column, value_set=pa.array(labels, pa.string()))
    return tuple(labels), pc.fill_null(codes, NO_LABEL).to_numpy().astype(np.int32)


def _codes(ids: pa.ChunkedArray, positions: Mapping[bytes, int]) -> NDArray[np.int64]:
    """Looks each distinct id of the batch up once."""
    encoded = ids.combine_chunks().dictionary_encode()
    found = (positions.get(key, NOT_FOUND) for key in encoded.dictionary.to_pylist())
    codes = np.fromiter((*found, NOT_FOUND), np.int64)  # the last one stands for null
    places = pc.fill_null(encoded.indices, len(codes) - 1).to_numpy(zero_copy_only=False)
    taken: NDArray[np.int64] = codes[places]
    return taken
