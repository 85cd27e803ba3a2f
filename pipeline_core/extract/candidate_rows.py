"""Candidate purchases as the buffers of their columns, and as a table for who asks for one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeAlias

import pyarrow as pa

from pipeline_core.schemas import PRICE_MINOR, candidates_schema

# bytes, or Arrow's own.
Buffer: TypeAlias = Any


_DECISIVE = ["defect", "guest", "quantity", "customer_id", "product_id"]


class Columns(NamedTuple):
    """Buffers as Arrow has them, of the columns of CANDIDATES that decide what a candidate counts
    as; bits of valid rows are None where all are. ``prices`` are None of a feed without."""

    defects: Buffer
    guests: Buffer
    quantities: Buffer
    has_customer: Buffer | None
    customer_offsets: Buffer
    customers: Buffer
    has_product: Buffer | None
    product_offsets: Buffer
    products: Buffer
    has_price: Buffer | None
    prices: Buffer | None


class CandidateRows(Protocol):
    """``count`` rows of the ``table``, of candidates_schema; in the ``columns`` they begin at row
    ``first``. These are None if one is in pieces."""

    @property
    def count(self) -> int: ...
    @property
    def table(self) -> pa.Table: ...
    @property
    def first(self) -> int: ...
    @property
    def columns(self) -> Columns | None: ...


@dataclass(frozen=True)
class TableRows:
    """Rows of which there is a table."""

    table: pa.Table

    @property
    def count(self) -> int:
        """As CandidateRows has it."""
        return len(self.table)

    @cached_property
    def first(self) -> int:
        """As CandidateRows has it."""
        return int(self.table["defect"].chunk(0).offset)

    @cached_property
    def columns(self) -> Columns | None:
        """As CandidateRows has it."""
        names = _DECISIVE
        if PRICE_MINOR.name in self.table.column_names:
            names = [*_DECISIVE, PRICE_MINOR.name]
        columns = [self.table[name] for name in names]
        if any(each.num_chunks != 1 or each.chunk(0).offset != self.first for each in columns):
            return None
        defects, guests, quantities, customers, products, *price = (
            each.chunk(0).buffers() for each in columns
        )
        return Columns(
            defects[1],
            guests[1],
            quantities[1],
            *(*customers[:2], customers[2] or b""),
            *(*products[:2], products[2] or b""),
            *(price[0] if price else (None, None)),
        )


@dataclass(frozen=True)
class ScannedRows:
    """Rows that the kernel wrote. ``positions`` are int64."""

    count: int
    positions: bytes
    columns: Columns
    first: int = 0

    @cached_property
    def table(self) -> pa.Table:
        """As CandidateRows has it."""
        of = self.columns
        arrays = [
            self._array(pa.int64(), None, self.positions),
            pa.nulls(self.count, pa.int32()),
            self._array(pa.uint8(), None, of.defects),
            self._array(pa.bool_(), None, of.guests),
            self._array(pa.large_binary(), of.has_customer, of.customer_offsets, of.customers),
            self._array(pa.large_binary(), of.has_product, of.product_offsets, of.products),
            self._array(pa.int32(), None, of.quantities),
        ]
        is_priced = of.prices is not None
        if is_priced:
            arrays.append(self._array(pa.int64(), of.has_price, of.prices))
        schema = candidates_schema(is_priced=is_priced, is_keyed=False)
        return pa.Table.from_arrays(arrays, schema=schema)

    def _array(self, kind: pa.DataType, *buffers: Buffer | None) -> pa.Array:
        found = [None if each is None else pa.py_buffer(each) for each in buffers]
        return pa.Array.from_buffers(kind, self.count, found)
