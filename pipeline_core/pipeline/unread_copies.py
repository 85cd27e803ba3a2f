"""Copies of days that could not be read, or not wholly: duplicates, and as unread as these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec

from pipeline_core.messages import DayRef, Manifest, Summary, Unreadable


def unread_copies(manifest: Manifest, summary: Summary) -> Iterator[Unreadable]:
    """What could not be read, once more for each day that has the same bytes and was not looked
    into, with that day's place. A copy of a whole archive has no day that the original lacks."""
    unread: dict[tuple[str, str | None], list[Unreadable]] = defaultdict(list)
    for place in summary.unreadable:
        unread[place.archive, place.day].append(place)
    by_digest: dict[str, list[Unreadable]] = defaultdict(list)
    for archive, day, digest in _days(manifest):
        by_digest[digest] += unread.get((archive, day.name), ())
    for archive, day, digest in _days(manifest):
        if (archive, day.name) not in unread:
            for place in by_digest[digest]:
                yield msgspec.structs.replace(place, archive=archive, day=day.name)


def _days(manifest: Manifest) -> Iterator[tuple[str, DayRef, str]]:
    """Archive, day and SHA-256, which planning finds out of every day that has a copy."""
    for archive in manifest.archives:
        if archive.duplicate_of is None:
            for day in archive.days:
                if day.digest is not None:
                    yield archive.name, day, day.digest
