"""Paths of a feed's fields: the key itself, or a key of an object inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MISSING: Final = object()


def lookup(value: Mapping[str, object], path: str) -> object:
    """What stands at ``path``: the key ``a.b`` itself or, if there is none, key ``b`` of the object
    at ``a``. MISSING if nothing does."""
    if path in value:
        return value[path]
    dot = path.find(".")
    while dot >= 0:
        inner = value.get(path[:dot])
        if isinstance(inner, Mapping):
            found = lookup(inner, path[dot + 1 :])
            if found is not MISSING:
                return found
        dot = path.find(".", dot + 1)
    return MISSING
