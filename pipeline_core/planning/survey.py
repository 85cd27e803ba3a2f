"""survey: which archives are there, which days they hold, and what stands beside them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

import msgspec

from pipeline_core.blocks.in_order import InOrder
from pipeline_core.blocks.packed import held
from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.containers.entry_names import day_date, is_dated_up_to
from pipeline_core.errors import ConfigError, NotAllowed, UnreadableArchive
from pipeline_core.extract.days import archive_days
from pipeline_core.extract.walk import open_archive
from pipeline_core.messages import ArchiveRef, ClosedDays, Feed, Limits, Policy
from pipeline_core.planning.archives import find_archives
from pipeline_core.planning.duplicates import (
    Note,
    conflicting_days,
    mark_duplicate_archives,
    mark_duplicate_days,
)
from pipeline_core.storage import Storage, StoredObject
from pipeline_core.storage.in_flight import at_once


def _not_noted(archive: ArchiveRef) -> ArchiveRef:
    return archive


@dataclass(frozen=True)
class Survey:
    """The archives by name, and the days that two of them hold with different bytes. ``listed``
    are all archives with all their days, also those after ``as_of``, before any are compared;
    ``ignored`` as in ``Found``."""

    archives: Sequence[ArchiveRef]
    conflicting_days: tuple[str, ...]
    listed: Sequence[ArchiveRef]
    ignored: dict[str, int]

    def readable(self) -> list[str]:
        """Names of the archives that have days to read."""
        return [each.name for each in self.archives if each.days and each.duplicate_of is None]


def survey(
    data: Storage,
    limits: Limits,
    feed: Feed,
    *known: Iterable[ArchiveRef],
    as_of: date | None = None,
    note: Note = _not_noted,
    requests: int = Policy().requests,
) -> Survey:
    """Lists archives and days, from the zips' directories; marks what was there before. Those
    that are as they were when they became ``known``, and were listed by such a feed, are not
    opened; what is ``known`` comes in the order of names. With ``as_of``, only days dated so far
    are there, and archives that have one, or cannot be read.

    Contents are read only where size and CRC say that two days or two archives may be the
    same; bytes, not names, decide. The first by name keeps what is in two. ``note`` is given, and
    returns, each archive that something was read of. Of a far storage up to ``requests`` are read
    at once.
    """
    found = find_archives(data)
    files = sorted(found.archives, key=lambda file: file.key)
    untouched, new = _told_apart(files, known)
    looks = at_once(data, lambda file: _look_into(data, file, limits, feed), new, requests)
    strays = (
        ArchiveRef(id="", name=name, size=0, version="", unreadable=what, ignored={})
        for name, what in sorted(found.strays.items())
    )
    by_name = heapq.merge(map(note, looks), untouched, strays, key=_name)
    if as_of is None:
        archives = listed = held(ArchiveRef, _numbered(by_name))
    else:
        listed = held(ArchiveRef, by_name)
        archives = held(ArchiveRef, _numbered(_up_to(as_of, listed, data)))
        note = _not_noted  # not all their days are there any more
    archives = mark_duplicate_archives(data, archives, note, requests)
    archives = mark_duplicate_days(data, archives, limits, feed, note)
    return Survey(archives, conflicting_days(archives), listed, found.ignored)


def missing_days(
    days: Iterable[str], closed: ClosedDays, most: int | None = None
) -> tuple[tuple[date, ...], int]:
    """Dates inside the covered range for which there is no day, from the days' names, and on which
    the shop is not ``closed``: the last ``most`` of them, or all, and how many there are. Two names
    may be 9,998 years apart."""
    is_there = bytearray(date.max.toordinal() + 1)
    for name in days:
        if (found := day_date(name)) is not None:
            is_there[found.toordinal()] = True
    count, first, last = is_there.count(True), is_there.find(True), is_there.rfind(True)
    covered = map(date.fromordinal, range(last, first, -1) if count else ())
    missing = (day for day in covered if not is_there[day.toordinal()] and not closed.has(day))
    listed = tuple(islice(missing, most))
    if closed == ClosedDays():
        return listed[::-1], last - first + 1 - count if count else 0
    return listed[::-1], len(listed) + sum(1 for _ in missing)


def _told_apart(
    files: Iterable[StoredObject], known: Iterable[Iterable[ArchiveRef]]
) -> tuple[Sequence[ArchiveRef], list[StoredObject]]:
    """Archives that are as they were when they became known, and the files of all others."""
    before = [InOrder(each, _name) for each in known]
    new: list[StoredObject] = []

    def untouched() -> Iterator[ArchiveRef]:
        for file in files:
            same = (
                archive
                for archive in [each.of_name(file.key) for each in before]
                if archive is not None
                and (archive.size, archive.version) == (file.size, file.version)
            )
            archive = next(same, None)
            if archive is None:
                new.append(file)
            else:
                yield archive

    return held(ArchiveRef, untouched()), new


def _name(archive: ArchiveRef) -> str:
    return archive.name


def _numbered(archives: Iterable[ArchiveRef]) -> Iterator[ArchiveRef]:
    return (
        msgspec.structs.replace(archive, id=f"{number:05d}")
        for number, archive in enumerate(archives)
    )


def _up_to(as_of: date, archives: Sequence[ArchiveRef], data: Storage) -> Iterator[ArchiveRef]:
    """What there was on a date, by the names of the days. Raises ConfigError if that is nothing."""
    is_nothing = True
    for archive in archives:
        days = tuple(day for day in archive.days if is_dated_up_to(as_of, day.name))
        if days or archive.unreadable:
            is_nothing = False
            yield msgspec.structs.replace(archive, days=days)
    if is_nothing:
        dates = (day_date(day.name) for archive in archives for day in archive.days)
        first = min(filter(None, dates), default=None)
        raise ConfigError(
            f"No day in {data.uri} is dated {as_of} or before.",
            f"The first is of {first}." if first else "No name of a day there holds a date.",
        )


def _look_into(data: Storage, file: StoredObject, limits: Limits, feed: Feed) -> ArchiveRef:
    archive = ArchiveRef(id="", name=file.key, size=file.size, version=file.version)
    try:
        with data.open_listed(file) as opened:
            found = archive_days(open_archive(opened, limits), file.key, feed)
        days = tuple(day.ref() for day in found.wanted)
        return msgspec.structs.replace(archive, days=days, ignored=found.ignored)
    except UnreadableArchive as error:
        return msgspec.structs.replace(
            archive, unreadable=cut(error.message, LONGEST_CAUSE), ignored=error.ignored
        )
    except FileNotFoundError:
        cause = "the archive vanished while the run was planned"
    except NotAllowed:
        cause = "this user may not read the archive"
    # Without a version: it is looked at again, also if nothing but its rights changes.
    return msgspec.structs.replace(archive, version="", unreadable=cause, ignored={})
