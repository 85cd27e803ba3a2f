"""survey: which archives are there, which days they hold, and what stands beside them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

import msgspec

from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import (
    base_name,
    day_date,
    is_dated_up_to,
)
from pipeline_core.containers.meter import archive_meter
from pipeline_core.errors import ConfigError, InputError, NotAllowed, UnreadableArchive
from pipeline_core.extract.days import archive_days, content_digest
from pipeline_core.extract.walk import open_archive
from pipeline_core.messages import ArchiveRef, ClosedDays, DayRef, Feed, Limits, Policy
from pipeline_core.planning.archives import find_archives
from pipeline_core.storage import Storage, StoredObject
from pipeline_core.storage.in_flight import at_once

Note = Callable[[ArchiveRef], ArchiveRef]


def _not_noted(archive: ArchiveRef) -> ArchiveRef:
    return archive


@dataclass(frozen=True)
class Survey:
    """The archives by name, and the days that two of them hold with different bytes. ``listed``
    are all archives with all their days, also those after ``as_of``, before any are compared;
    ``ignored`` as in ``Found``."""

    archives: tuple[ArchiveRef, ...]
    conflicting_days: tuple[str, ...]
    listed: tuple[ArchiveRef, ...]
    ignored: dict[str, int]

    def readable(self) -> list[str]:
        """Names of the archives that have days to read."""
        return [each.name for each in self.archives if each.days and each.duplicate_of is None]


def survey(
    data: Storage,
    limits: Limits,
    feed: Feed,
    *known: Mapping[str, ArchiveRef],
    as_of: date | None = None,
    note: Note = _not_noted,
    requests: int = Policy().requests,
) -> Survey:
    """Lists archives and days, from the zips' directories; marks what was there before. Those
    that are as they were when they became ``known``, and were listed by such a feed, are not
    opened. With ``as_of``, only days dated so far are there, and archives that have one, or cannot
    be read.

    Contents are read only where size and CRC say that two days or two archives may be the
    same; bytes, not names, decide. The first by name keeps what is in two. ``note`` is given, and
    returns, each archive that something was read of. Of a far storage up to ``requests`` are read
    at once.
    """
    found = find_archives(data)
    before = ((_untouched(each.get(file.key), file) for each in known) for file in found.archives)
    untouched = [next(filter(None, each), None) for each in before]
    new = [file for file, was in zip(found.archives, untouched, strict=True) if was is None]
    looks = at_once(data, lambda file: _look_into(data, file, limits, feed), new, requests)
    listed = [note(next(looks)) if was is None else was for was in untouched]
    listed += [
        ArchiveRef(id="", name=name, size=0, version="", unreadable=what, ignored={})
        for name, what in found.strays.items()
    ]
    listed.sort(key=lambda archive: archive.name)
    archives = _numbered(listed if as_of is None else _up_to(as_of, listed, data))
    note = note if as_of is None else _not_noted  # not all their days are there any more
    archives = _mark_duplicate_archives(data, archives, note, requests)
    archives = _mark_duplicate_days(data, archives, limits, feed, note)
    return Survey(tuple(archives), _conflicting_days(archives), tuple(listed), found.ignored)


def missing_days(
    days: Iterable[str], closed: ClosedDays, most: int | None = None
) -> tuple[tuple[date, ...], int]:
    """Dates inside the covered range for which there is no day, from the days' names, and on which
    the shop is not ``closed``: the last ``most`` of them, or all, and how many there are. Two names
    may be 9,998 years apart."""
    dates = {found for name in days if (found := day_date(name)) is not None}
    if not dates:
        return (), 0
    last, length = max(dates), (max(dates) - min(dates)).days
    covered = (last - timedelta(days=age) for age in range(length))
    missing = (day for day in covered if day not in dates and not closed.has(day))
    listed = tuple(islice(missing, most))
    if closed == ClosedDays():
        return listed[::-1], length + 1 - len(dates)
    return listed[::-1], len(listed) + sum(1 for _ in missing)


def _untouched(known: ArchiveRef | None, file: StoredObject) -> ArchiveRef | None:
    is_same = known is not None and (known.size, known.version) == (file.size, file.version)
    return known if is_same else None


def _numbered(archives: Iterable[ArchiveRef]) -> list[ArchiveRef]:
    return [
        msgspec.structs.replace(archive, id=f"{number:05d}")
        for number, archive in enumerate(archives)
    ]


def _up_to(as_of: date, archives: Sequence[ArchiveRef], data: Storage) -> list[ArchiveRef]:
    """What there was on a date, by the names of the days. Raises ConfigError if that is nothing."""
    cut = [
        msgspec.structs.replace(
            archive, days=tuple(day for day in archive.days if is_dated_up_to(as_of, day.name))
        )
        for archive in archives
    ]
    found = [archive for archive in cut if archive.days or archive.unreadable]
    if not found:
        dates = (day_date(day.name) for archive in archives for day in archive.days)
        first = min(filter(None, dates), default=None)
        raise ConfigError(
            f"No day in {data.uri} is dated {as_of} or before.",
            f"The first is of {first}." if first else "No name of a day there holds a date.",
        )
    return found


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


def _mark_duplicate_archives(
    data: Storage, archives: Sequence[ArchiveRef], note: Note, requests: int
) -> list[ArchiveRef]:
    alike = Counter(map(_outside, archives))
    suspects = [each for each in archives if each.version and alike[_outside(each)] > 1]
    unknown = [each.name for each in suspects if each.digest is None]
    found = at_once(data, lambda name: _digest(data, name), unknown, requests)
    digests = dict(zip(unknown, found, strict=True))
    names = {each.name for each in suspects}
    first_with: dict[str, str] = {}
    marked = []
    for archive in archives:
        if archive.name in names:
            if archive.digest is None and (read := digests[archive.name]) is not None:
                archive = note(msgspec.structs.replace(archive, digest=read))
            digest = archive.digest
            first = first_with.setdefault(digest, archive.name) if digest else archive.name
            archive = msgspec.structs.replace(
                archive, duplicate_of=None if first == archive.name else first
            )
        marked.append(archive)
    return marked


def _outside(archive: ArchiveRef) -> tuple[object, ...]:
    """What two archives of the same bytes have in common, whatever they are called, and whatever
    is known of them."""
    zips = ((day.index, day.size, day.crc) for day in archive.days if not day.parts)
    return bool(archive.version), archive.size, tuple(sorted(zips))


def _digest(data: Storage, name: str) -> str | None:
    """SHA-256; None of an archive that vanished or became a link: processing will note that."""
    try:
        with data.fetched(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, UnreadableArchive):
        return None


def _mark_duplicate_days(
    data: Storage, archives: Sequence[ArchiveRef], limits: Limits, feed: Feed, note: Note
) -> list[ArchiveRef]:
    alike: dict[tuple[int, int], int] = defaultdict(int)
    for _, day in _days(archives):
        alike[day.size, day.crc] += 1
    suspects = {key for key, count in alike.items() if count > 1}
    first_with: dict[str, tuple[str, int]] = {}
    marked = []
    for archive in archives:
        found = [day for day in archive.days if (day.size, day.crc) in suspects]
        if found and archive.duplicate_of is None:
            unknown = {day.index for day in found if day.digest is None}
            digests = _day_digests(data, archive, unknown, limits, feed) if unknown else {}
            days = []
            for day in archive.days:
                digest, place = digests.get(day.index, day.digest), (archive.name, day.index)
                if digest is not None:
                    first = first_with.setdefault(digest, place)
                    day = msgspec.structs.replace(
                        day, digest=digest, duplicate_of=None if first == place else first[0]
                    )
                days.append(day)
            archive = msgspec.structs.replace(archive, days=tuple(days))
            if unknown:
                note(archive)
        marked.append(archive)
    return marked


def _day_digests(
    data: Storage, archive: ArchiveRef, wanted: set[int], limits: Limits, feed: Feed
) -> dict[int, str]:
    """SHA-256 by directory place; without days that cannot be inflated, or are not there any more:
    both are noted with their place when the archive is processed; and without those beyond the
    archive's limit of bytes."""
    digests: dict[int, str] = {}
    found: dict[tuple[Entry, ...], str] = {}
    whole = archive_meter(limits)  # many may say that they are alike, and be large
    with suppress(FileNotFoundError, UnreadableArchive), data.open(archive.name) as file:
        opened = open_archive(file, limits)
        for day in archive_days(opened, archive.name, feed).wanted:
            if day.index not in wanted:
                continue
            # One stretch of the file under many names is inflated once.
            if day.stretches not in found:
                try:
                    found[day.stretches] = content_digest(opened, day, whole)
                except UnreadableArchive:
                    break
                except InputError:
                    continue
            digests[day.index] = found[day.stretches]
    return digests


def _conflicting_days(archives: Sequence[ArchiveRef]) -> tuple[str, ...]:
    """Base names of days that stand, with different bytes, in two archives; and of days of one date
    that are both zips and loose parts, which share no bytes, whatever is in them."""
    holders: dict[str, set[str]] = defaultdict(set)
    contents: dict[str, set[object]] = defaultdict(set)
    zips, loose = defaultdict[date, set[str]](set), defaultdict[date, set[str]](set)
    for archive, day in _days(archives):
        name = base_name(day.name)
        holders[name].add(archive.name)
        contents[name].add(day.digest or (archive.name, day.index))
        if (dated := day_date(day.name)) is not None:
            (loose if day.parts else zips)[dated].add(name)
    # Two holders and two contents: whichever holder has which, some two of them differ.
    found = {name for name in holders if len(holders[name]) > 1 and len(contents[name]) > 1}
    return tuple(sorted(found.union(*(zips[day] | loose[day] for day in zips.keys() & loose))))


def _days(archives: Sequence[ArchiveRef]) -> Iterable[tuple[ArchiveRef, DayRef]]:
    return (
        (archive, day)
        for archive in archives
        if archive.duplicate_of is None
        for day in archive.days
    )
