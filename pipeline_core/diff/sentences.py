"""What changed, in words."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pipeline_core.diff.causes import UNDATED, Cause, CauseKind, CellChange, Difference
from pipeline_core.plural import counted
from pipeline_core.transform.money import grouped

_SAID = {
    CauseKind.NEW_ARCHIVE: "archive {name} is new",
    CauseKind.VANISHED_ARCHIVE: "archive {name} is gone",
    CauseKind.CORRECTED_ARCHIVE: "{day} of archive {name} was corrected",
    CauseKind.READABLE: "{place} can be read now",
    CauseKind.UNREADABLE: "{place} cannot be read any more",
    CauseKind.CHANGED_LIMITS: "the limits on what an input may cost were changed",
    CauseKind.CHANGED_FEED: "the settings by which the feed is read were changed",
    CauseKind.SENT_TWICE: "other events of {place} were sent before, and count elsewhere",
    CauseKind.REDATED_DAY: "{day} of archive {name} had another date",
    CauseKind.LATER_DAY: "{day} of archive {name} is later than one of the runs is as of",
    CauseKind.RESTATED_PRICE: "price of {name} restated from {before} to {after}",
    CauseKind.MOVED_CATEGORY: "product {name} moved from {before} to {after}",
    CauseKind.MOVED_SEGMENT: "customer {name} moved from {before} to {after}",
    CauseKind.KNOWN_PRODUCT: "product {name} is known now",
    CauseKind.GONE_PRODUCT: "product {name} is not known any more",
    CauseKind.KNOWN_CUSTOMER: "customer {name} is known now",
    CauseKind.GONE_CUSTOMER: "customer {name} is not known any more",
    CauseKind.CHANGED_UNKNOWN: "purchases of whom or what nobody knows are {after} now, "
    "{before} before",
    CauseKind.CHANGED_RETURNS: "returns are {after} now, {before} before",
    CauseKind.CHANGED_RULES: "another version of this program counts by other rules "
    "({after}, {before} before)",
}
_SAID_OF_OTHERS = {
    CauseKind.NEW_ARCHIVE: "{others} other archives are new",
    CauseKind.VANISHED_ARCHIVE: "{others} other archives are gone",
    CauseKind.CORRECTED_ARCHIVE: "{others} other days were corrected",
    CauseKind.READABLE: "{others} others can be read now",
    CauseKind.UNREADABLE: "{others} others cannot be read any more",
    CauseKind.SENT_TWICE: "{others} other days have events that were sent before",
    CauseKind.REDATED_DAY: "{others} other days had another date",
    CauseKind.LATER_DAY: "{others} other days are later",
    CauseKind.RESTATED_PRICE: "{others} other prices restated",
    CauseKind.MOVED_CATEGORY: "{others} other products moved from {before} to {after}",
    CauseKind.MOVED_SEGMENT: "{others} other customers moved from {before} to {after}",
    CauseKind.KNOWN_PRODUCT: "{others} other products are known now",
    CauseKind.GONE_PRODUCT: "{others} other products are not known any more",
    CauseKind.KNOWN_CUSTOMER: "{others} other customers are known now",
    CauseKind.GONE_CUSTOMER: "{others} other customers are not known any more",
}


# What becomes of purchases of unknown customers or products.
_OF_UNKNOWN = {"reject": "left out", "bucket": "counted as Unknown"}


def headlines(found: Difference, most: int) -> Iterator[str]:
    """A sentence for each of the ``most`` largest causes, where it did most."""
    told: dict[tuple[str, ...], list[tuple[CellChange, Cause]]] = {}
    for cell in found.cells:
        for cause in cell.causes:
            told.setdefault(_key(cause), []).append((cell, cause))
    largest = [max(places, key=_size) for places in told.values()]
    for cell, cause in sorted(largest, key=_size, reverse=True)[:most]:
        others = len(told[_key(cause)]) - 1
        more = f" ({rows_of(others)} more changed by it)" if others else ""
        yield f"{_effect(cell, cause)}: {because(cause)}{more}."


def because(cause: Cause) -> str:
    """What was done, in a few words."""
    said = _SAID_OF_OTHERS if cause.others else _SAID
    words = _OF_UNKNOWN if cause.kind is CauseKind.CHANGED_UNKNOWN else {}
    return f"{said[cause.kind]}{_when(cause)}".format(
        others=f"{cause.others:,}",
        name=cause.name,
        day=cause.day,
        place=f"{cause.day} of archive {cause.name}" if cause.day else f"archive {cause.name}",
        before=words.get(cause.before, cause.before) or "none",
        after=words.get(cause.after, cause.after) or "none",
    )


def _when(cause: Cause) -> str:
    """Behind a blank, the time for which it holds of a product or a customer, if not always."""
    if cause.valid_from == UNDATED:
        return " (days without a date)"
    first = f"from {cause.valid_from}" if cause.valid_from else ""
    last = f"before {cause.valid_to}" if cause.valid_to else ""
    return f" ({', '.join(filter(None, (first, last)))})" if first or last else ""


def rows_of(count: int) -> str:
    """So many rows."""
    return counted(count, "row")


def _key(cause: Cause) -> tuple[str, ...]:
    span = cause.valid_from, cause.valid_to
    return (cause.kind, cause.name, cause.day, cause.before, cause.after, *span)


def _size(place: tuple[CellChange, Cause]) -> tuple[Decimal, int]:
    return abs(Decimal(place[1].revenue)), abs(place[1].units)


def _effect(cell: CellChange, cause: Cause) -> str:
    """Revenue of Toys / VIP fell by 1,204.50"""
    is_money = Decimal(cause.revenue) != 0
    what, amount = ("Revenue", cause.revenue) if is_money else ("Units", str(cause.units))
    moved = "fell" if amount.startswith("-") else "rose"
    return f"{what} of {cell.category} / {cell.segment} {moved} by {grouped(amount.lstrip('-'))}"
