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
        first, level = self, self.parent
        while level is not None:
            # Whose limit lies furthest back is passed first.
            if level.limit - level.used < first.limit - first.used:
                first = level
            level = level.parent
        is_passed = first.used + count > first.limit
        if is_passed:
            count = first.limit - first.used + 1
        level = self
        while level is not None:
            level.used += count
            level = level.parent
        if is_passed:
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
