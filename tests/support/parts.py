"""A part of any shape, cut into windows and decoded by both tiers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipeline_core.containers.packed_parts import unpacked
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.decode import decode
from pipeline_core.framing.shapes import windows
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import Feed, Limits, RejectReason
from tests.support.decoding import OURS, Outcome, TiersDifferError, by_both_tiers, collected

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
    """What is in the part; raises UnreadablePart as both tiers do, TiersDifferError if they differ,
    or windows that are open."""
    limits = limits or Limits()

    def cut(*, are_open: bool) -> Iterator[Window]:
        blocks = (content[start : start + block] for start in range(0, len(content), block))
        plain = unpacked(blocks, limits, "part", UnreadablePart)
        return windows(plain, size, limits, feed, are_open=are_open)

    depth, shapes = limits.json_depth, set[Shape]()

    def outcomes() -> Iterator[Outcome]:
        for each in cut(are_open=False):
            shapes.add(each.shape)
            yield by_both_tiers(each, depth, most_rows, feed)

    found, error = _tried(outcomes())
    if size < ONE_WINDOW and (not shapes or Shape.ARRAY in shapes):  # no others are ever open
        opened = (collected(decode(each, depth, most_rows, feed)) for each in cut(are_open=True))
        found_open, error_open = _tried(opened)
        if found_open != found or str(error_open) != str(error):
            raise TiersDifferError(f"open {error_open or found_open}, else {error or found}")
    if error is not None:
        raise error
    return found


def _tried(outcomes: Iterable[Outcome]) -> tuple[Read, UnreadablePart | None]:
    """What there is up to the part's end, or to what is wrong."""
    positions = seen = not_purchase = 0
    found: list[Purchase] = []
    error = None
    try:
        for outcome in outcomes:
            for each in outcome.candidates:
                reason = list(RejectReason)[each.defect - 1].value if each.defect else ""
                found.append(
                    Purchase(positions + each.position, each.item, reason, *each[3:7], each.text)
                )
            positions += outcome.positions
            seen += outcome.seen
            not_purchase += outcome.not_purchase
    except UnreadablePart as cause:
        error = cause
    return Read(seen, not_purchase, found), error
