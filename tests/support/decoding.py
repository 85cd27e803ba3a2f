"""Decodes by both tiers, which must say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.candidates import Decoded, event_texts
from pipeline_core.extract.decode import decode
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.general_tier import decode_generally
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed
from pipeline_core.schemas import CANDIDATES, PRICE_MINOR

_CUT_AT = 30


class Candidate(NamedTuple):
    """A candidate purchase; ``position`` counts the window's events, ``beginning`` is of its
    ``text``, cut after 30 bytes."""

    position: int
    item: int | None
    defect: int
    guest: bool
    customer: bytes | None
    product: bytes | None
    quantity: int
    text: str
    beginning: str
    price: int | None = None


class Outcome(NamedTuple):
    """All that was decoded of a window."""

    positions: int
    seen: int
    not_purchase: int
    candidates: list[Candidate]


class TiersDifferError(AssertionError):
    """Two ways of decoding one text do not say the same."""


def collected(decoded: Iterable[Decoded]) -> Outcome:
    """Everything at once. Raises as decoding does."""
    positions = seen = not_purchase = 0
    found: list[Candidate] = []
    for each in decoded:
        if each.rows.count:
            found += [row._replace(position=positions + row.position) for row in _candidates(each)]
        positions += each.positions
        seen += each.seen
        not_purchase += each.not_purchase
    return Outcome(positions, seen, not_purchase, found)


def _candidates(decoded: Decoded) -> Iterator[Candidate]:
    table, rows = decoded.candidates, np.arange(decoded.rows.count)
    columns = [table[name].to_pylist() for name in CANDIDATES.names]
    columns += [event_texts(decoded, rows), event_texts(decoded, rows, _CUT_AT)]
    if PRICE_MINOR.name in table.column_names:
        columns.append(table[PRICE_MINOR.name].to_pylist())
    return (Candidate(*row) for row in zip(*columns, strict=True))


OURS = Feed()


def by_both_tiers(
    window: Window, depth: int = 256, most_rows: int = 1 << 20, feed: Feed = OURS
) -> Outcome:
    """What both tiers see. Raises UnreadablePart as both do, TiersDifferError if they differ."""
    fast, fast_error = _tried(decode(window, depth, most_rows, feed))
    general, error = _tried(decode_generally(window, depth, reading_of(feed)))
    if fast != general or str(fast_error) != str(error):
        raise TiersDifferError(f"fast {fast_error or fast}, general {error or general}")
    if general is None:
        raise error or TiersDifferError("neither an outcome nor a cause")
    return general


def _tried(decoded: Iterable[Decoded]) -> tuple[Outcome | None, UnreadablePart | None]:
    try:
        return collected(decoded), None
    except UnreadablePart as error:
        return None, error
