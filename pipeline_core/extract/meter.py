"""Counts inflated bytes against the limits of a part, its day and its archive."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_core.errors import InputError, UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.messages import Limits


@dataclass
class Meter:
    """Bytes that came out of one zip level; a level's bytes count for those above it too."""

    what: str
    limit: int
    error: type[InputError]
    parent: Meter | None = None
    used: int = 0

    def add(self, count: int) -> None:
        """Raises the error of the first level, from the inside, whose limit is passed."""
        self.used += count
        if self.used > self.limit:
            raise self.error(f"the {self.what} holds more than the limit of {self.limit} bytes")
        if self.parent is not None:
            self.parent.add(count)


def archive_meter(limits: Limits) -> Meter:
    """The outermost level."""
    return Meter("archive", limits.archive_bytes, UnreadableArchive)


def day_meter(limits: Limits, archive: Meter) -> Meter:
    """A day inside an archive."""
    return Meter("day", limits.day_bytes, UnreadableDay, archive)


def part_meter(limits: Limits, day: Meter) -> Meter:
    """A part inside a day."""
    return Meter("part", limits.part_bytes, UnreadablePart, day)
