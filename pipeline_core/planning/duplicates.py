"""Archives and days whose bytes are there twice, and days of one name whose bytes are not.

There may be a million days. So of each only a number is held (``hash``) until all of them are
seen. What has a number of its own is like no other; all else is compared.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date
from itertools import pairwise
from typing import TypeVar

import msgspec

from pipeline_core.blocks.packed import held
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import base_name, day_date
from pipeline_core.containers.meter import archive_meter
from pipeline_core.errors import InputError, UnreadableArchive
from pipeline_core.extract.days import archive_days, content_digest
from pipeline_core.extract.walk import open_archive
from pipeline_core.messages import ArchiveRef, DayRef, Feed, Limits
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once

Note = Callable[[ArchiveRef], ArchiveRef]

_T = TypeVar("_T")

_TWO = 2


def mark_duplicate_archives(
    data: Storage, archives: Sequence[ArchiveRef], note: Note, requests: int
) -> Sequence[ArchiveRef]:
    """The archives, copies with the name of the first that has the same bytes; they are read where
    sizes and days say that they may be. ``note`` is given, and returns, each that was read."""
    alike = _twice(hash(_outside(each)) for each in archives if each.version)

    def may_be_one_of_two(archive: ArchiveRef) -> bool:
        return bool(archive.version) and hash(_outside(archive)) in alike

    if not alike:
        return archives
    unknown = [each.name for each in archives if each.digest is None and may_be_one_of_two(each)]
    found = at_once(data, lambda name: _digest(data, name), unknown, requests)
    digests = dict(zip(unknown, found, strict=True))

    def marked() -> Iterator[ArchiveRef]:
        first_with: dict[str, str] = {}
        for archive in archives:
            if may_be_one_of_two(archive):
                if archive.digest is None and (read := digests[archive.name]) is not None:
                    archive = note(msgspec.structs.replace(archive, digest=read))
                digest = archive.digest
                first = first_with.setdefault(digest, archive.name) if digest else archive.name
                archive = msgspec.structs.replace(
                    archive, duplicate_of=None if first == archive.name else first
                )
            yield archive

    return held(ArchiveRef, marked())


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


def mark_duplicate_days(
    data: Storage, archives: Sequence[ArchiveRef], limits: Limits, feed: Feed, note: Note
) -> Sequence[ArchiveRef]:
    """The archives, each day whose bytes an earlier one has with the name of that one's archive.
    Bytes are read where size and CRC say that they may be the same. ``note`` as above."""
    alike = _twice(hash((day.size, day.crc)) for _, day in _days(archives))
    if not alike:
        return archives

    def marked() -> Iterator[ArchiveRef]:
        first_with: dict[str, tuple[str, int]] = {}
        for archive in archives:
            found = [day for day in archive.days if hash((day.size, day.crc)) in alike]
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
            yield archive

    return held(ArchiveRef, marked())


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


def conflicting_days(archives: Sequence[ArchiveRef]) -> tuple[str, ...]:
    """Base names of days that stand, with different bytes, in two archives; and of days of one date
    that are both zips and loose parts, which share no bytes, whatever is in them."""
    several = _twice(hash(base_name(day.name)) for _, day in _days(archives))
    loose = set(_dates(archives, loose=True))
    of_both = {each for each in _dates(archives, loose=False) if each in loose} if loose else ()
    if not several and not of_both:
        return ()
    holders: dict[str, set[str]] = defaultdict(set)
    contents: dict[str, set[object]] = defaultdict(set)
    found = set[str]()
    for archive, day in _days(archives):
        name = base_name(day.name)
        if of_both and day_date(day.name) in of_both:
            found.add(name)
        if hash(name) in several:
            _note(holders[name], archive.name)
            _note(contents[name], day.digest or (archive.name, day.index))
    # Two holders and two contents: whichever holder has which, some two of them differ.
    found |= {name for name in holders if len(holders[name]) == len(contents[name]) == _TWO}
    return tuple(sorted(found))


def _note(some: set[_T], another: _T) -> None:
    """Whether there are two is all that is asked."""
    if len(some) < _TWO:
        some.add(another)


def _dates(archives: Sequence[ArchiveRef], *, loose: bool) -> Iterator[date]:
    """Of days that are loose parts, or of all others."""
    dates = (day_date(day.name) for _, day in _days(archives) if bool(day.parts) == loose)
    return (each for each in dates if each is not None)


def _twice(numbers: Iterable[int]) -> frozenset[int]:
    """Those that are there more than once."""
    return frozenset(one for one, other in pairwise(sorted(numbers)) if one == other)


def _days(archives: Sequence[ArchiveRef]) -> Iterable[tuple[ArchiveRef, DayRef]]:
    return (
        (archive, day)
        for archive in archives
        if archive.duplicate_of is None
        for day in archive.days
    )
