"""The fast tier of decoding: what the compiled kernel is certain of, as columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline_core.extract.candidate_rows import Columns, ScannedRows
from pipeline_core.framing.kernel import kernel
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import RejectReason

_REASONS = list(RejectReason)
NOT_AN_OBJECT = 1 + _REASONS.index(RejectReason.NOT_AN_OBJECT)
INVALID_EVENT_TYPE = 1 + _REASONS.index(RejectReason.INVALID_EVENT_TYPE)
_UNDECIDED = 255
_FIELDS = 4
_NONE = np.zeros(0, np.int64)


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


class Scanned(NamedTuple):
    """Candidate ``rows`` of ``seen`` events, ``not_purchase`` of which are something else.
    ``spans``, int64 of shape (rows, 2), are their first byte and the one after their last. Rows in
    ``undecided`` (int64) only hold a place for what the general tier says of them. ``next`` is the
    byte to go on at, 0 at the end."""

    next: int
    seen: int
    not_purchase: int
    rows: ScannedRows
    spans: NDArray[np.int64]
    undecided: NDArray[np.int64]


def scan(
    window: Window, start: int, most_rows: int, json_depth: int, names: Names
) -> Scanned | None:
    """Up to ``most_rows`` candidates of a window, from its beginning (``start`` 0) or from where
    the scan before stopped. None if the general tier has to say what is there: there is no kernel,
    or the text may not be of its shape, or nested more than ``json_depth`` levels. Of an
    open window, the last item that has begun is none of it."""
    if kernel is None:
        return None
    depth = json_depth - window.outside
    if depth < 1 or (depth > kernel.MOST_DEPTH and window.shape is Shape.LINES):
        return None
    ending = window.open_ending
    found = kernel.scan(
        window.text,
        window.shape if ending is None else Shape.OPEN_ARRAY,
        start,
        most_rows,
        min(depth, kernel.MOST_DEPTH),  # of what is deeper it is not certain
        NOT_AN_OBJECT,
        INVALID_EVENT_TYPE,
        *names,
    )
    if found is None:
        return None
    after, seen, not_purchase, *written = found
    spans, positions, defects, guests, quantities, *texts, prices, has_price = written
    customer_offsets, customers, has_customer, product_offsets, products, has_product = texts
    columns = Columns(
        defects,
        guests,
        quantities,
        has_customer,
        customer_offsets,
        customers,
        has_product,
        product_offsets,
        products,
        *((has_price, prices) if names.is_priced else (None, None)),
    )
    if ending is not None and (not after or len(defects) < most_rows):
        if not ending.before(after or len(window.text)):
            return None
        after = 0
    undecided = _NONE
    if _UNDECIDED in defects:
        undecided = np.flatnonzero(np.frombuffer(defects, np.uint8) == _UNDECIDED)
    return Scanned(
        after,
        seen,
        not_purchase,
        ScannedRows(len(defects), positions, columns),
        np.frombuffer(spans, np.int64).reshape(-1, 2),
        undecided,
    )
