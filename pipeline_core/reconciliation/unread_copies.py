"""Copies of days that could not be read, or not wholly: duplicates, and as unread as these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline_core.messages import DayRef, Manifest, Summary, Unreadable


class UnreadCopy(NamedTuple):
    """A day that was not looked into, and what of one with the same bytes could not be read. There
    may be very many of both, so nobody lists each with each."""

    archive: str
    day: str
    places: Sequence[Unreadable]


def unread_copies(manifest: Manifest, summary: Summary) -> Iterator[UnreadCopy]:
    """Each day that has the bytes of one that could not be read, as far as the summary lists it. A
    copy of a whole archive has no day that the original lacks."""
    unread: dict[tuple[str, str | None], list[Unreadable]] = defaultdict(list)
    for place in summary.unreadable:
        unread[place.archive, place.day].append(place)
    if not unread:
        return
    by_digest: dict[str, list[Unreadable]] = defaultdict(list)
    for archive, name, digest in {
        (a, day.name, digest): None for a, day, digest in _days(manifest)
    }:
        by_digest[digest] += unread.get((archive, name), ())
    for archive, day, digest in _days(manifest):
        if (archive, day.name) not in unread and by_digest[digest]:
            yield UnreadCopy(archive, day.name, by_digest[digest])


def _days(manifest: Manifest) -> Iterator[tuple[str, DayRef, str]]:
    """Archive, day and SHA-256, which planning finds out of every day that has a copy."""
    for archive in manifest.archives:
        if archive.duplicate_of is None:
            for day in archive.days:
                if day.digest is not None:
                    yield archive.name, day, day.digest
