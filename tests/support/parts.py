"""A part of any shape, cut into windows and decoded by both tiers."""

from __future__ import annotations

from typing import NamedTuple

from pipeline_core.containers.packed_parts import unpacked
from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.shapes import windows
from pipeline_core.messages import Feed, Limits, RejectReason
from tests.support.decoding import OURS, by_both_tiers

ONE_WINDOW = 1 << 30


class Purchase(NamedTuple):
    """A candidate of a part; ``reason`` is empty unless decoding alone decides it."""

    position: int
    item: int | None
    reason: str
    guest: bool
    customer: bytes | None
    product: bytes | None
    quantity: int
    text: str


class Read(NamedTuple):
    """All of a part."""

    seen: int
    not_purchase: int
    candidates: list[Purchase]


def read_part(
    content: bytes,
    feed: Feed = OURS,
    *,
    size: int = ONE_WINDOW,
    block: int = ONE_WINDOW,
    most_rows: int = 1 << 20,
    limits: Limits | None = None,
) -> Read:
    """What is in the part; raises UnreadablePart as both tiers do."""
    limits = limits or Limits()
    blocks = (content[start : start + block] for start in range(0, len(content), block))
    positions = seen = not_purchase = 0
    found: list[Purchase] = []
    plain = unpacked(blocks, limits, "part", UnreadablePart)
    for window in windows(plain, size, limits, feed):
        outcome = by_both_tiers(window, limits.json_depth, most_rows, feed)
        for each in outcome.candidates:
            reason = list(RejectReason)[each.defect - 1].value if each.defect else ""
            found.append(
                Purchase(positions + each.position, each.item, reason, *each[3:7], each.text)
            )
        positions += outcome.positions
        seen += outcome.seen
        not_purchase += outcome.not_purchase
    return Read(seen, not_purchase, found)
