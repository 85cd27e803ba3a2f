"""Pieces that become one whole, merged whenever enough of them wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Waiting(Generic[T]):
    """Pieces that wait to be worked on together, and the ``size`` of them all, in whatever they are
    measured by."""

    pieces: list[T] = field(default_factory=list)
    size: int = 0

    def add(self, piece: T, size: int) -> None:
        """Takes one more."""
        self.pieces.append(piece)
        self.size += size

    def absorb(self, others: Waiting[T]) -> None:
        """Takes all others, of which none waits any more."""
        size = others.size
        self.pieces += others.taken()
        self.size += size

    def taken(self) -> list[T]:
        """All of them; then none waits."""
        pieces, self.pieces, self.size = self.pieces, [], 0
        return pieces


@dataclass
class RunningMerge(Generic[T]):
    """Pieces are merged when those that wait are as large as the whole so far, or as ``least``:
    each merge costs what it merges, so all of them cost what the pieces do, and there are never
    much more of them than of the whole. ``merge([])`` is the empty whole."""

    merge: Callable[[Sequence[T]], T]
    size_of: Callable[[T], int]
    least: int
    _whole: list[T] = field(default_factory=list)  # none before the first merge
    _waiting: Waiting[T] = field(default_factory=Waiting)

    def add(self, piece: T) -> None:
        """Takes the next piece."""
        self._waiting.add(piece, self.size_of(piece))
        if self._waiting.size >= max([self.least, *map(self.size_of, self._whole)]):
            self.whole()

    def whole(self) -> T:
        """All pieces so far as one."""
        if self._waiting.pieces or not self._whole:
            self._whole = [self.merge([*self._whole, *self._waiting.taken()])]
        return self._whole[0]
