"""Entries of one name: equal ones count once, different ones all count, and are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from pipeline_core.messages import MOST_REPEATED, ArchiveRef, RepeatedEntry


class DayNames:
    """The parts of a day by their names. ``repeated`` are names of several that were read."""

    def __init__(self, archive: str, day: str) -> None:
        self._place = archive, day
        self._read: Counter[str] = Counter()
        self._contents: set[tuple[str, bytes]] = set()

    @property
    def repeated(self) -> set[RepeatedEntry]:
        return {
            RepeatedEntry(*self._place, name) for name, count in self._read.items() if count > 1
        }

    def is_copy(self, name: str, digest: bytes) -> bool:
        """Whether a part before, in any folder, had this base name and this digest of its bytes."""
        is_copy = (name, digest) in self._contents
        self._contents.add((name, digest))
        return is_copy

    def note_read(self, name: str) -> None:
        """Takes a part that was read and is no copy."""
        self._read[name] += 1


def repeated_days(archives: Iterable[ArchiveRef]) -> set[RepeatedEntry]:
    """Names that several days of an archive have, as far as they are not known to be equal."""
    found = set()
    for archive in archives:
        contents: dict[str, set[str | int]] = defaultdict(set)
        for day in archive.days:
            contents[day.name].add(day.digest or day.index)
        found |= {
            RepeatedEntry(archive.name, name)
            for name, different in contents.items()
            if len(different) > 1
        }
    return found


def first_repeated(found: Iterable[RepeatedEntry]) -> tuple[RepeatedEntry, ...]:
    """In order, without those that occur again, up to MOST_REPEATED."""
    in_order = sorted(set(found), key=lambda each: (each.archive, each.day, each.part or ""))
    return tuple(in_order[:MOST_REPEATED])
