"""What a shop's names find in an event: its fields, its items, and what these say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from pipeline_core.messages import Condition, Feed
from pipeline_core.reread.json_text import Number

_MOST_DIGITS = 16  # of a price in minor units; a quantity has fewer
_WRITTEN = re.compile(r"(-?)([0-9]+)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]+))?")
_LONGEST_EXPONENT = 8
_ABSENT = object()


class Record(NamedTuple):
    """What counts as one event. ``item`` is the event, or an item of it; fields that it has not are
    looked for in ``order``, the event. One that ``is_empty`` is an order without items."""

    position: str
    item: object
    order: object
    is_empty: bool = False

    def get(self, path: str) -> object:
        """The value at a path; None where there is none."""
        found = self.find(path)
        return None if found is _ABSENT else found

    def find(self, path: str) -> object:
        """The same, but for what no JSON is."""
        found = _at(self.item, path)
        return _at(self.order, path) if found is _ABSENT else found


def records_of(events: Iterable[object], feed: Feed) -> Iterator[Record]:
    """Every event, or every item of every event, by place: ``event``, or ``event/item``."""
    for number, event in enumerate(events):
        if feed.items is None or not isinstance(event, dict):
            yield Record(str(number), event, event)
            continue
        items = _items(event, feed.items.removesuffix("[]").split("[]"))
        if items is None:
            yield Record(str(number), None, event)
            continue
        for place, item in enumerate(items):
            yield Record(f"{number}/{place}", item, event)
        if not items:
            yield Record(str(number), event, event, is_empty=True)


def has(event: object, path: str) -> bool:
    """Whether something is at a path."""
    return _at(event, path) is not _ABSENT


def value_at(event: object, path: str) -> object:
    """What is at a path; None where nothing is."""
    return Record("", event, event).get(path)


def is_met(record: Record, feed: Feed) -> bool:
    """Whether it meets all of SALES_ONLY."""
    return all(_holds(each, record) for each in feed.only)


def is_purchase(record: Record, feed: Feed) -> bool:
    """By its type and by SALES_ONLY; a return is one that was undone."""
    kind = record.get(feed.event_type)
    is_known = kind in feed.purchase_types or kind in feed.return_types
    return isinstance(kind, str) and is_known and is_met(record, feed)


def sold_units(record: Record, feed: Feed) -> int:
    """0 if it says no quantity; below 0 of a return."""
    units = units_of(record.get(feed.quantity), feed)
    if record.get(feed.event_type) in feed.return_types:
        return -units if units > 0 else 0
    return units


def id_of(value: object, feed: Feed) -> str | None:
    """None if it is no id, or an empty one."""
    if feed.ids == "any" and isinstance(value, Number) and value.is_integer:
        return "0" if value.text == "-0" else value.text
    return value if isinstance(value, str) and value else None


def units_of(value: object, feed: Feed) -> int:
    """0 if it is no quantity; below 0 of a return."""
    if value is None:
        return feed.missing_quantity or 0
    text = ""
    if isinstance(value, Number) and (value.is_integer or feed.numbers == "number"):
        text = value.text
    elif feed.numbers == "number" and isinstance(value, str):
        text = value if re.fullmatch(r"-?[0-9]+(\.0*)?", value) else ""
    return _whole(text)


def price_of(value: object, decimals: int) -> Decimal | None:
    """None if it is no price of so many decimals."""
    text = value.text if isinstance(value, Number) else ""
    if isinstance(value, str) and re.fullmatch(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)", value):
        text = f"-0{value[1:]}" if value.startswith("-") else f"0{value}"
    minor = _scaled(text, decimals)
    return None if minor is None or not 0 <= minor < 2**53 else Decimal(minor).scaleb(-decimals)


def _whole(text: str) -> int:
    """The whole number, of at most 2,147,483,647 with or without a minus, that is written so; else
    0."""
    number = _scaled(text, 0)
    return 0 if number is None or abs(number) >= 2**31 else number


def _scaled(text: str, power: int) -> int | None:
    """What is written so, times a power of ten; None if that is no whole number, or a long one."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        return None
    fraction = written[3] or ""
    digits = (written[2] + fraction).lstrip("0")
    kept = digits.rstrip("0")
    if not kept:
        return 0
    exponent = written[5] or "0"
    if len(exponent) > _LONGEST_EXPONENT:
        return None
    zeros = len(digits) - len(kept) - len(fraction) + int((written[4] or "") + exponent) + power
    if zeros < 0 or len(kept) + zeros > _MOST_DIGITS:
        return None
    number = int(kept + "0" * zeros)
    return -number if written[1] else number


def _at(holder: object, path: str) -> object:
    if not isinstance(holder, dict):
        return _ABSENT
    if path in holder:
        return holder[path]
    key, _, below = path.partition(".")
    return _at(holder.get(key), below) if below else _ABSENT


def _items(holder: object, steps: list[str]) -> list[object] | None:
    """None if something else stands where its own list should."""
    if not steps or not isinstance(holder, dict):
        return [holder]
    listed = value_at(holder, steps[0].removeprefix("."))
    if listed is not None and not isinstance(listed, list):
        return None
    found: list[object] = []
    for each in listed or ():
        inner = _items(each, steps[1:])
        found += [None] if inner is None else inner  # what is no object
    return found


def _holds(condition: Condition, record: Record) -> bool:
    text = _text(record.find(condition.path))
    return (text is not None and text in condition.values) == condition.is_equal


def _text(value: object) -> str | None:
    """Of a JSON scalar."""
    if isinstance(value, Number):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    return value if isinstance(value, str) else None
