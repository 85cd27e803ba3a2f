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
        """Counts bytes up to the first that passes a limit, in blocks of whatever size.

        Raises:
            InputError: that of the level whose limit is passed first, from the inside.
        """
        levels = [self]
        while (parent := levels[-1].parent) is not None:
            levels.append(parent)
        first = None
        if any(level.used + count > level.limit for level in levels):
            # Whose limit lies furthest back was passed first.
            first = max(levels, key=lambda level: level.used - level.limit)
            count = first.limit - first.used + 1
        for level in levels:
            level.used += count
        if first is not None:
            raise first.error(f"the {first.what} holds more than the limit of {first.limit} bytes")


def archive_meter(limits: Limits) -> Meter:
    """The outermost level."""
    return Meter("archive", limits.archive_bytes, UnreadableArchive)


def day_meter(limits: Limits, archive: Meter) -> Meter:
    """A day inside an archive."""
    return Meter("day", limits.day_bytes, UnreadableDay, archive)


def part_meter(limits: Limits, day: Meter) -> Meter:
    """A part inside a day."""
    return Meter("part", limits.part_bytes, UnreadablePart, day)
