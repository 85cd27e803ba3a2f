"""Which customers and products the events of an archive name, as its receipt says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from pipeline_core.ledger.result_files import Stores
from pipeline_core.messages import NamedIds, Work
from pipeline_core.processing.steps import Chunk
from pipeline_core.schemas import NAMED_IDS
from pipeline_core.transform.bitmaps import bitmap_of
from pipeline_core.transform.enrich import Enriched
from pipeline_core.transform.looked_up_ids import IdLog
from pipeline_core.transform.lookup import Dimensions
from pipeline_core.transform.sums import SummedSales
from pipeline_core.valid_ranges import day_of

# So many of one kind stand in the receipt itself, which every later run reads.
MOST_IN_RECEIPT = 64

_Hashes = NDArray[np.uint64]


class NamedLog:
    """What all events so far name, and the days of these."""

    def __init__(self) -> None:
        self._customers, self._products = IdLog(), IdLog()
        self._days: set[date | None] = set()

    def add(self, chunks: Iterable[Chunk], enriched: Enriched) -> None:
        """Takes what became of ``chunks``."""
        self._customers.add(enriched.customers)
        self._products.add(enriched.products)
        self._days |= {chunk.date for chunk in chunks if chunk.decoded.rows.count}

    def add_summed(self, sold: SummedSales) -> None:
        """Takes what was added up."""
        self._customers.add_known(BitMap.union(BitMap(), *sold.buyers_by_group()))
        self._products.add_known(bitmap_of(sold.products.astype(np.uint32)))
        self._days |= set(map(day_of, set(sold.days.tolist())))

    def absorb(self, other: NamedLog) -> None:
        """Takes what another log holds."""
        self._customers.absorb(other._customers)
        self._products.absorb(other._products)
        self._days |= other._days

    def stored(self, files: Stores, work: Work, dimensions: Dimensions) -> NamedIds:
        """As a receipt says it; what is much is stored."""
        ids = {
            "customers": self._customers.known(dimensions.customer_hashes),
            "unknown_customers": self._customers.unknown(),
            "products": self._products.known(dimensions.product_hashes),
            "unknown_products": self._products.unknown(),
        }
        few = {
            name: found.astype("<u8").tobytes() if len(found) <= MOST_IN_RECEIPT else None
            for name, found in ids.items()
        }
        file = None
        if None in few.values():
            table = _table(ids)
            file = files.store("named_ids", work, ".arrow", _stream(table), table.num_rows)
        dates = [day for day in self._days if day is not None]
        return NamedIds(
            first=min(dates, default=None),
            last=max(dates, default=None),
            undated=None in self._days,
            file=file,
            **few,
        )


def _table(ids: Mapping[str, _Hashes]) -> pa.Table:
    lengths = [len(found) for found in ids.values()]
    columns = [
        np.repeat(["products" in name for name in ids], lengths),
        np.repeat([not name.startswith("unknown") for name in ids], lengths),
        np.concatenate(list(ids.values())),
    ]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=NAMED_IDS)


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, NAMED_IDS) as stream:
        stream.write_table(table)
    return bytes(sink.getvalue())
