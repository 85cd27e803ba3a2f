"""Events that were sent before do not count: which ones a finished run says they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from pipeline_core.blocks.packed import held
from pipeline_core.errors import LostResult
from pipeline_core.extract.candidate_rows import TableRows
from pipeline_core.extract.candidates import Decoded
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.load.tables import to_partial
from pipeline_core.messages import Manifest, Receipt, RejectReason
from pipeline_core.parquet import read_parquet
from pipeline_core.schemas import CANDIDATES, EVENT_KEY, SENT_TWICE

_DUPLICATE_EVENT = 1 + list(RejectReason).index(RejectReason.DUPLICATE_EVENT)
_DEFECT = CANDIDATES.get_field_index("defect")

_Part = TypeVar("_Part")


def distinct_results(ledger: RunLedger, manifest: Manifest, done: Sequence[Done]) -> Sequence[Done]:
    """Results of a run as it published them: without events that were sent before. Raises
    LostResult if its record of them is gone."""
    if not manifest.options.feed.event_id:
        return done
    receipts = ledger.distinct()
    if receipts is None:
        raise LostResult(
            f"The record of what was sent twice in run {ledger.run_id} is gone.",
            f"`sales-pipeline rebuild {ledger.run_id}` makes it again.",
        )
    return with_receipts(done, receipts)


def with_receipts(done: Iterable[Done], receipts: Mapping[str, Receipt]) -> Sequence[Done]:
    """The results, with other receipts where there are some, by the work's id."""
    replaced = (each._replace(receipt=receipts.get(each.work.id, each.receipt)) for each in done)
    return held(Done, replaced)


def to_sent_twice(by_day: Mapping[int, NDArray[np.int64]]) -> bytes:
    """A file of rows of keys, counted from 0 in each day (by its directory place)."""
    rows = [BitMap(found.astype(np.uint32)).serialize() for found in by_day.values()]
    columns = [pa.array(list(by_day), pa.int32()), pa.array(rows, pa.large_binary())]
    return to_partial(pa.Table.from_arrays(columns, schema=SENT_TWICE))


def load_sent_twice(ledger: RunLedger, receipt: Receipt) -> dict[int, NDArray[np.uint32]]:
    """What that file says, each day's rows in order. Raises DamagedResult."""
    if receipt.sent_twice is None:
        return {}
    table = read_parquet(ledger.load(receipt.sent_twice))
    return {
        day: np.array(BitMap.deserialize(rows), np.uint32)
        for day, rows in zip(table["day"].to_pylist(), table["rows"].to_pylist(), strict=True)
    }


def mark_sent_twice(
    parts: Iterable[tuple[_Part, Decoded]], sent_twice: NDArray[np.uint32] | None
) -> Iterator[tuple[_Part, Decoded]]:
    """The candidates of a day, from its first to its last; those whose keys' rows are in
    ``sent_twice`` get the defect of that."""
    marking = Marking(sent_twice)
    for part, decoded in parts:
        yield part, decoded._replace(rows=TableRows(marking.marked(decoded.candidates)))


class Marking:
    """Goes over the candidates of a day, from its first to its last, and gives those whose keys'
    rows are in ``sent_twice`` (in order; None is none of them) the defect of that."""

    def __init__(self, sent_twice: NDArray[np.integer] | None) -> None:
        self._sent_twice, self._row = sent_twice, 0

    def marked(self, candidates: pa.Table) -> pa.Table:
        """The next candidates (with EVENT_KEY)."""
        if self._sent_twice is None:
            return candidates
        keyed = np.flatnonzero(candidates[EVENT_KEY.name].is_valid().to_numpy())
        row, self._row = self._row, self._row + len(keyed)
        first, last = np.searchsorted(self._sent_twice, [row, self._row])
        return with_duplicates(candidates, keyed[self._sent_twice[first:last].astype(int) - row])


def with_duplicates(candidates: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """The candidates, those of some rows with the defect of what was sent before."""
    defects = candidates["defect"].to_numpy().copy()
    defects[rows] = _DUPLICATE_EVENT
    return candidates.set_column(_DEFECT, CANDIDATES.field(_DEFECT), pa.array(defects))
