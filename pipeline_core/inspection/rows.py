"""Sampled events as columns: one row an event, or one an item of the events' lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline_core.framing.field_paths import DEEPEST, MISSING, flat, lookup

MAX_QUANTITY = 2**31 - 1
# Of one sample: keys that are data, such as ids, would be fields without end.
MOST_FIELDS = 500
_LONGEST_QUANTITY = 20
_DIGITS = re.compile(r"(-?\d+)(?:\.0*)?", re.ASCII)


@dataclass(frozen=True)
class View:
    """What would be counted as events if ``items`` were the list of items (None: the events
    themselves): values by dotted path, one a row, MISSING where there is none. Fields of an item
    come before those of its order. ``inner`` are the paths inside the items."""

    items: str | None
    rows: int
    columns: Mapping[str, list[object]]
    inner: frozenset[str]

    def present(self, path: str) -> int:
        """Rows that have the field, whatever it holds."""
        return self.rows - sum(value is MISSING for value in self.columns.get(path, ()))


def view_of(events: Sequence[object], items: str | None) -> View:
    """The rows of the events that are objects."""
    orders = [event for event in events if isinstance(event, dict)]
    if items is None:
        columns = _columns(dict(flat(order)) for order in orders)
        return View(None, len(orders), columns, frozenset())
    inner: set[str] = set()
    rows: list[dict[str, object]] = []
    for order in orders:
        outer = dict(flat(order))
        for item in items_of(order, items):
            fields = dict(flat(item))
            inner.update(fields)
            rows.append(outer | fields)
    return View(items, len(rows), _columns(rows), frozenset(inner))


def _columns(rows: Iterable[Mapping[str, object]]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {}
    count = 0
    for row in rows:
        for path, value in row.items():
            column = columns.get(path)
            if column is None:
                if len(columns) == MOST_FIELDS:
                    continue
                column = columns[path] = []
            column.extend([MISSING] * (count - len(column)))
            column.append(value)
        count += 1
    for column in columns.values():
        column.extend([MISSING] * (count - len(column)))
    return columns


def lists_of(events: Iterable[object]) -> list[str]:
    """Paths of lists that hold objects, such as ``items[]`` and ``visits[].items[]``, in the order
    in which they are met."""
    found: dict[str, None] = {}
    for event in events:
        if isinstance(event, dict):
            found.update(dict.fromkeys(_lists(event, "", 0)))
    return list(found)


def _lists(value: Mapping[str, object], path: str, depth: int) -> Iterator[str]:
    for place, inside in flat(value, path):
        if isinstance(inside, list) and depth < DEEPEST:
            objects = [each for each in inside if isinstance(each, dict)]
            if objects:
                yield f"{place}[]"
            for each in objects:
                yield from _lists(each, f"{place}[]", depth + 1)


def items_of(order: Mapping[str, object], path: str) -> list[dict[str, object]]:
    """The objects in the list, or the lists in lists, of this path."""
    found: list[object] = [order]
    for step in path.removesuffix("[]").split("[]"):
        inside: list[object] = []
        for each in found:
            reached = lookup(each, step.removeprefix(".")) if isinstance(each, dict) else None
            inside += reached if isinstance(reached, list) else []
        found = inside
    return [each for each in found if isinstance(each, dict)]


def kind_of(value: object) -> str:
    """A JSON value's type; whole numbers are told from others."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | Decimal):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "list" if isinstance(value, list) else "object"


def id_text(value: object) -> str | None:
    """The text by which a value would be looked up as an id; None if it can be none."""
    kind = kind_of(value)
    if kind == "string":
        return str(value) or None
    if kind != "integer":
        return None
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def quantity(value: object) -> int | None:
    """The units that a value says, written in whatever way; None if it says none from 1 on."""
    kind = kind_of(value)
    units = 0
    if kind == "integer":
        units = int(str(value)) if isinstance(value, int) else 0
    elif isinstance(value, float) and value.is_integer():
        units = int(value)
    elif (
        isinstance(value, str)
        and len(value) < _LONGEST_QUANTITY
        and (found := _DIGITS.fullmatch(value))
    ):
        units = int(found[1])
    return units if 1 <= units <= MAX_QUANTITY else None
