"""Paths of a feed's fields: the key itself, or a key of an object inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

MISSING: Final = object()
# Objects in objects, as far as they are followed to show what there is.
DEEPEST = 12


class NoList(NamedTuple):
    """Something else in place of a list inside of an order."""

    value: object


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
    is no object and stands where another list would be is an item, and so is NoList. None if
    something else stands in place of the order's own list."""
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
                if holder is order:
                    return None
                below.append(NoList(found))
        level = below
    return level


def flat(
    value: Mapping[str, object], path: str = "", depth: int = 0
) -> Iterator[tuple[str, object]]:
    """What is no object, or is an empty one, by its dotted path; lists as they are."""
    for key, inside in value.items():
        place = f"{path}.{key}" if path else key
        if isinstance(inside, dict) and inside and depth < DEEPEST:
            yield from flat(inside, place, depth + 1)
        else:
            yield place, inside
