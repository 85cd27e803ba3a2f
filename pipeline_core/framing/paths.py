"""Paths of a feed's fields: the key itself, or a key of an object inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

MISSING: Final = object()


def lookup(value: Mapping[str, object], path: str) -> object:
    """What stands at ``path``: the key ``a.b`` itself or, if there is none, key ``b`` of the object
    at ``a``. MISSING if nothing does."""
    if path in value:
        return value[path]
    key, _, rest = path.partition(".")
    inner = value.get(key)
    return lookup(inner, rest) if rest and isinstance(inner, Mapping) else MISSING


def items_of(order: Mapping[str, object], steps: Sequence[str]) -> list[object] | None:
    """Every item of an order, ``steps`` being the paths that lead from one list to the next; what
    is no object and stands where another list would be is an item. None if something else stands
    where a list has to be."""
    level: list[object] = [order]
    for step in steps:
        below: list[object] = []
        for holder in level:
            if not isinstance(holder, Mapping):
                below.append(holder)
                continue
            found = lookup(holder, step)
            if isinstance(found, list):
                below += found
            elif found is not MISSING and found is not None:
                return None
        level = below
    return level
