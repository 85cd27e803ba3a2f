"""Where an event is in its part."""

from __future__ import annotations

from typing import NamedTuple, Self


class Position(NamedTuple):
    """The number of an event in its part, from 0, and of an item in its order; None if the event is
    none of several."""

    event: int
    item: int | None = None

    def __str__(self) -> str:
        return str(self.event) if self.item is None else f"{self.event}/{self.item}"

    @classmethod
    def of(cls, text: str) -> Self:
        """By its text."""
        event, _, item = text.partition("/")
        return cls(int(event), int(item) if item else None)
