"""Which receipts changed rows of customers and products touch: those whose events name one of them
on a day of which something else is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.errors import DamagedResult
from pipeline_core.ledger.stored_files import load_stored
from pipeline_core.messages import NamedIds
from pipeline_core.reuse.changed_rows import NEVER, ChangedRows, day_number
from pipeline_core.storage import Storage

_Hashes = NDArray[np.uint64]


def touched(
    state: Storage, receipts: Sequence[NamedIds], customers: ChangedRows, products: ChangedRows
) -> NDArray[np.bool_]:
    """Whether each of the receipts is touched. Files of ids are read only if nothing else tells.

    Raises:
        RetryableError: the state does not answer.
    """
    question = _Question(
        first=np.array([_day(each.first, NEVER[0]) for each in receipts], np.int64),
        last=np.array([_day(each.last, NEVER[1]) for each in receipts], np.int64),
        undated=np.array([each.undated for each in receipts], np.bool_),
        touched=np.zeros(len(receipts), np.bool_),
    )
    # Who was there before is a known one wherever a receipt names him.
    by_kind = {
        "customers": customers.where(~customers.is_new),
        "unknown_customers": customers.where(customers.is_new),
        "products": products.where(~products.is_new),
        "unknown_products": products.where(products.is_new),
    }
    by_kind = {kind: changed for kind, changed in by_kind.items() if len(changed.ids)}
    in_files = np.zeros(len(receipts), np.bool_)
    for kind, changed in by_kind.items():
        found: list[bytes | None] = [getattr(each, kind) for each in receipts]
        ids = np.frombuffer(b"".join(each or b"" for each in found), "<u8")
        lengths = [len(each or b"") // ids.itemsize for each in found]
        question.ask(changed, np.repeat(np.arange(len(found)), lengths), ids)
        in_files |= np.array([each is None for each in found], np.bool_) & question.meeting(changed)
    for number in np.flatnonzero(in_files & ~question.touched).tolist():
        all_ids = _read(state, receipts[number])
        if all_ids is None:
            question.touched[number] = True
            continue
        for kind, changed in by_kind.items():
            question.ask(changed, np.full(len(all_ids[kind]), number), all_ids[kind])
    return question.touched


@dataclass(frozen=True)
class _Question:
    """By receipt, the first and the last day of its events, as `day_number`, whether some are
    undated, and whether it is known to be touched."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    undated: NDArray[np.bool_]
    touched: NDArray[np.bool_]

    def ask(self, changed: ChangedRows, receipts: NDArray[np.int64], ids: _Hashes) -> None:
        """Notes which of the receipts are touched, by the ids that they name."""
        begin = np.searchsorted(changed.ids, ids, "left")
        count = np.searchsorted(changed.ids, ids, "right") - begin
        receipt = np.repeat(receipts, count)
        ends = np.cumsum(count)
        row = np.arange(len(receipt)) + np.repeat(begin - ends + count, count)
        meets = (changed.first[row] <= self.last[receipt]) & (
            changed.last[row] >= self.first[receipt]
        )
        meets |= changed.undated[row] & self.undated[receipt]
        self.touched[receipt[meets]] = True

    def meeting(self, changed: ChangedRows) -> NDArray[np.bool_]:
        """Whether any of the changed rows is of a day between those of each receipt."""
        order = np.argsort(changed.first)
        reached = np.maximum.accumulate(changed.last[order])
        before = np.searchsorted(changed.first[order], self.last, "right") - 1
        found = (before >= 0) & (reached[before] >= self.first) & (self.first <= self.last)
        return found | (self.undated & bool(changed.undated.any()))


def _day(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else day_number(day)


def _read(state: Storage, named: NamedIds) -> dict[str, _Hashes] | None:
    """All ids that a receipt names, by their kinds; None if they are not known any more."""
    if named.file is None:
        return None
    try:
        table = pa.ipc.open_stream(load_stored(state, named.file)).read_all()
    except DamagedResult:
        return None
    ids, product, known = (table[name].to_numpy() for name in ("id", "product", "known"))
    return {
        "customers": ids[~product & known],
        "unknown_customers": ids[~product & ~known],
        "products": ids[product & known],
        "unknown_products": ids[product & ~known],
    }
