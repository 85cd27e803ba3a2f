"""The fast tier of decoding: what the compiled kernel is certain of, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.framing.kernel import kernel
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import RejectReason
from pipeline_core.schemas import candidates_schema

_REASONS = list(RejectReason)
NOT_AN_OBJECT = 1 + _REASONS.index(RejectReason.NOT_AN_OBJECT)
INVALID_EVENT_TYPE = 1 + _REASONS.index(RejectReason.INVALID_EVENT_TYPE)
_UNDECIDED = 255
_FIELDS = 4


class Names(NamedTuple):
    """What a shop calls things: the keys of our four fields, in their order, and that of the price
    if events have it; the types of purchases, then those of returns, and how many are of purchases;
    whether integers are ids, too; and the decimals of prices."""

    fields: tuple[bytes, ...]
    types: tuple[bytes, ...]
    purchases: int
    any_ids: bool
    decimals: int

    @property
    def is_priced(self) -> bool:
        """Whether events say what was paid."""
        return len(self.fields) > _FIELDS


@dataclass(frozen=True)
class Scanned:
    """``candidates`` (of candidates_schema) of ``seen`` events, ``not_purchase`` of which are
    something else. ``spans``, int64 of shape (candidates, 2), are their first byte and the one
    after their last. Rows in ``undecided`` (int64) only hold a place for what the general tier
    says of them. ``next`` is the byte to go on at, 0 at the end."""

    next: int
    seen: int
    not_purchase: int
    candidates: pa.Table
    spans: NDArray[np.int64]
    undecided: NDArray[np.int64]


def scan(
    window: Window, start: int, most_rows: int, json_depth: int, names: Names
) -> Scanned | None:
    """Up to ``most_rows`` candidates of a window, from its beginning (``start`` 0) or from where
    the scan before stopped. None if the general tier has to say what is there: there is no kernel,
    or the text may not be of its shape, or nested more than ``json_depth`` levels."""
    if kernel is None:
        return None
    depth = json_depth - window.outside
    if depth < 1 or (depth > kernel.MOST_DEPTH and window.shape is Shape.LINES):
        return None
    found = kernel.scan(
        window.text,
        window.shape,
        start,
        most_rows,
        min(depth, kernel.MOST_DEPTH),  # of what is deeper it is not certain
        NOT_AN_OBJECT,
        INVALID_EVENT_TYPE,
        *names,
    )
    if found is None:
        return None
    after, seen, not_purchase, *columns = found
    spans, position, defect, guest, quantity, *texts, prices, has_price = columns
    rows = len(defect)
    arrays = [
        _fixed(pa.int64(), rows, position),
        pa.nulls(rows, pa.int32()),
        _fixed(pa.uint8(), rows, defect),
        _fixed(pa.bool_(), rows, guest),
        _binary(rows, *texts[:3]),
        _binary(rows, *texts[3:]),
        _fixed(pa.int32(), rows, quantity),
    ]
    if names.is_priced:
        arrays.append(_fixed(pa.int64(), rows, prices, has_price))
    return Scanned(
        after,
        seen,
        not_purchase,
        pa.Table.from_arrays(
            arrays, schema=candidates_schema(is_priced=names.is_priced, is_keyed=False)
        ),
        np.frombuffer(spans, np.int64).reshape(-1, 2),
        np.flatnonzero(np.frombuffer(defect, np.uint8) == _UNDECIDED),
    )


def _fixed(kind: pa.DataType, rows: int, data: bytes, valid: bytes | None = None) -> pa.Array:
    buffers = [None if each is None else pa.py_buffer(each) for each in (valid, data)]
    return pa.Array.from_buffers(kind, rows, buffers)


def _binary(rows: int, offsets: bytes, data: bytes, valid: bytes) -> pa.Array:
    buffers = [pa.py_buffer(each) for each in (valid, offsets, data)]
    return pa.Array.from_buffers(pa.large_binary(), rows, buffers)
