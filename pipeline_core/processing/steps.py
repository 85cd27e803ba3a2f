"""What comes out of an archive, in order: events, and the ends of what holds them."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from typing import Literal, NamedTuple, Protocol

from pipeline_core.extract.candidates import Decoded


class Chunk(NamedTuple):
    """Decoded events and their place; ``day_index`` is the day's place in the archive's directory,
    ``first`` the part's position of the first one."""

    archive: str
    day: str
    day_index: int
    date: date | None
    part: str
    first: int
    decoded: Decoded


class End(NamedTuple):
    """The end of a part, of a day or of all. Unless it ``counts``, nothing does that came of it,
    also of a part in which it ended."""

    of: Literal["part", "day", "archive"]
    counts: bool = True


class Source(Protocol):
    """Where steps come from."""

    def extract(self) -> Generator[Chunk | End]:
        """The chunks of parts, of days, of one archive, with the end of each that has one; the last
        step is that of the archive."""
