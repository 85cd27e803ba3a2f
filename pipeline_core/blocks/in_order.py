"""Records that come in the order of their archives' names, asked for in that order: one is held."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

_Record = TypeVar("_Record")


class InOrder(Generic[_Record]):
    """``name`` is that of a record's archive."""

    def __init__(self, records: Iterable[_Record], name: Callable[[_Record], str]) -> None:
        self._rest, self._name = iter(records), name
        self._next = next(self._rest, None)

    def of_name(self, name: str) -> _Record | None:
        """The record of an archive, which comes behind all that were asked for before; None if
        there is none."""
        while self._next is not None and self._name(self._next) < name:
            self._next = next(self._rest, None)
        if self._next is not None and self._name(self._next) == name:
            return self._next
        return None
