"""What receipts say to those who watch: of many archives, nothing else is held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pipeline_core.messages import Receipt


class Processed(NamedTuple):
    """Work that is done: its events, uncompressed bytes and seconds, and whether its archive was
    opened, quarantined, or could not be read as a whole. ``causes`` are why things in it could not
    be read, each once; ``attempt`` is the number of the one that made it, 0 if it says none."""

    events: int
    json_bytes: int
    seconds: float
    is_opened: bool
    is_quarantined: bool
    is_unreadable: bool
    causes: tuple[str, ...]
    attempt: int


def processed_by(receipt: Receipt) -> Processed:
    """What a receipt says."""
    return Processed(
        receipt.counts.seen,
        receipt.json_bytes,
        receipt.seconds,
        bool(receipt.bytes_read),
        receipt.quarantined,
        any(place.day is None for place in receipt.unreadable),
        tuple(dict.fromkeys(place.cause for place in receipt.unreadable)),
        receipt.made_by.number if receipt.made_by is not None else 0,
    )


def is_reused(done: Iterable[Processed]) -> bool:
    """Whether the archive was not opened."""
    return not any(each.is_opened for each in done)
