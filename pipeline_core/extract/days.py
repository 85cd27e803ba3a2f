"""The days of an archive: zips in it, and parts that stand in it by themselves, by their dates."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import msgspec

from pipeline_core.containers.cut import label
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import (
    base_name,
    day_date,
    day_label,
    folder_date,
    is_zip,
    part_date,
)
from pipeline_core.containers.ignored import count_endings, endings_in_words
from pipeline_core.containers.meter import Meter, day_meter, part_meter
from pipeline_core.containers.zip_entries import OpenedZip, inflate
from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.extract.walk import (
    NO_PART,
    Listing,
    day_bytes,
    day_parts,
    day_source,
    is_part_of,
    labelled,
    listing,
    open_day,
)
from pipeline_core.framing.kernel import Octets
from pipeline_core.messages import DayRef, Feed

_ENDING = ".zip"


@dataclass(frozen=True)
class ArchiveDay:
    """A day of an archive. ``entries`` are the one zip that it is or, if it is loose, its parts, by
    name and place. One that is a folder without any part has a ``cause`` to be unreadable, and what
    is there instead."""

    name: str
    entries: tuple[Entry, ...]
    is_loose: bool
    cause: str = ""

    @property
    def index(self) -> int:
        """Its place in the archive's directory: that of its first entry."""
        return self.entries[0].index

    @property
    def stretches(self) -> tuple[Entry, ...]:
        """Where its bytes are in the archive, whatever a zip is called."""
        return tuple(
            msgspec.structs.replace(each, index=0, name=each.name if self.is_loose else "")
            for each in self.entries
        )

    def ref(self) -> DayRef:
        """What planning notes of it."""
        if not self.is_loose:
            (zipped,) = self.entries
            return DayRef(self.name, zipped.index, zipped.size, zipped.crc)
        different = sorted({(base_name(each.name), each.size, each.crc) for each in self.entries})
        texts = (f"{name}\0{size}\0{crc}\n" for name, size, crc in different)
        crc = zlib.crc32("".join((str(day_date(self.name)), *texts)).encode())
        size = sum(size for _, size, _ in different)
        parts = tuple(each.index for each in self.entries)
        return DayRef(self.name, self.index, size, crc, parts=parts)


class DayListing(NamedTuple):
    """The days of an archive, by name, and of its entries that are none and no folders how many
    there are, by their ending."""

    wanted: list[ArchiveDay]
    ignored: dict[str, int]


def archive_days(archive: OpenedZip, name: str, feed: Feed) -> DayListing:
    """The days of the archive called ``name``. Loose parts of one date are one day, called like
    it in ISO 8601, and those without a date are one that is called like the archive. A folder of a
    date that holds something, and no part, is a day, too.

    Raises:
        UnreadableArchive: it holds something, and no day.
    """
    entries, ignored, others = listing(
        archive, _is_zip_or_part, feed, "the archive holds no day", UnreadableArchive
    )
    days: list[tuple[str, ArchiveDay]] = []
    loose: dict[date | None, list[Entry]] = defaultdict(list)
    for entry in entries:
        if is_zip(entry.name):
            zipped = labelled(entry, day_label)
            days.append((entry.name, ArchiveDay(zipped.name, (zipped,), is_loose=False)))
        else:
            loose[part_date(entry.name, name)].append(labelled(entry, label))
    for dated, parts in loose.items():
        called = day_label(name[: -len(_ENDING)]) if dated is None else dated.isoformat()
        days.append((called, ArchiveDay(called, tuple(parts), is_loose=True)))
    if others:
        days += [(day.name, day) for day in _folders_without_part(others, entries, days)]
    days.sort(key=lambda day: (day[0], day[1].index))
    return DayListing([day for _, day in days], ignored)


def _folders_without_part(
    others: Sequence[Entry], entries: Iterable[Entry], days: Iterable[tuple[str, ArchiveDay]]
) -> list[ArchiveDay]:
    """Days of which there is nothing but ``others``, in folders of their dates."""
    held = defaultdict[date, list[Entry]](list)
    for other in others:
        if (dated := folder_date(other.name)) is not None:
            held[dated].append(labelled(other, label))
    there = set[date | None]()
    if held:
        there |= {folder_date(entry.name) for entry in entries}
        there |= {day_date(day.name) for _, day in days}
    return [
        ArchiveDay(
            dated.isoformat(),
            tuple(found),
            is_loose=True,
            cause=f"{NO_PART}, but {endings_in_words(count_endings(each.name for each in found))}",
        )
        for dated, found in held.items()
        if dated not in there
    ]


def _is_zip_or_part(name: str, feed: Feed) -> bool:
    return is_zip(name) or is_part_of(name, feed)


@contextmanager
def opened_day(
    archive: OpenedZip, day: ArchiveDay, feed: Feed, meter: Meter, in_memory: int
) -> Iterator[tuple[OpenedZip, Listing]]:
    """The zip in which the day's parts are, and these. A daily zip is held in memory up to
    ``in_memory`` bytes. Raises UnreadableDay, or what ``meter``, the archive's, raises."""
    if day.is_loose:
        yield archive, loose_parts(day)
        return
    packed = day_meter(archive.limits, meter)
    with day_source(archive, day.entries[0], packed, in_memory) as (source, _):
        opened = open_day(source, archive.limits)
        yield opened, day_parts(opened, feed)


def loose_parts(day: ArchiveDay) -> Listing:
    """The parts of a loose day. Raises UnreadableDay if there is something else instead."""
    if day.cause:
        raise UnreadableDay(day.cause)
    return Listing(list(day.entries), {})


class LooseDigest:
    """The digest of a day of loose parts: SHA-256 over its date, and the base name of each part, a
    NUL and the SHA-256 of its bytes, as they are in the archive; in order, and of equal ones of
    one. Which folders are around them is no matter."""

    def __init__(self, day: str) -> None:
        self._date = str(day_date(day))
        self._parts = set[bytes]()

    def add(self, part: Entry, digest: bytes | None) -> None:
        """Takes the next part; None is the digest of one of which not all bytes can be had."""
        if digest is None:
            digest = hashlib.sha256(f"{part.size} {part.crc}".encode()).digest()
        self._parts.add(base_name(part.name).encode() + b"\0" + digest)

    def hexdigest(self) -> str:
        """Of the parts so far."""
        return hashlib.sha256(b"".join((self._date.encode(), *sorted(self._parts)))).hexdigest()


def content_digest(archive: OpenedZip, day: ArchiveDay, meter: Meter) -> str:
    """The digest of a day's bytes. Raises UnreadableDay or UnreadablePart if the zip, or a loose
    part, is damaged or over its limit, or what ``meter``, the archive's, raises."""
    if not day.is_loose:
        packed = day_meter(archive.limits, meter)
        return _sha256(day_bytes(archive, day.entries[0], packed)).hexdigest()
    loose = LooseDigest(day.name)
    for part in day.entries:
        counted = part_meter(archive.limits, meter)
        blocks = inflate(archive, part, "part", UnreadablePart, counted, 0)
        loose.add(part, _sha256(blocks).digest())
    return loose.hexdigest()


def _sha256(blocks: Iterable[Octets]) -> hashlib._Hash:
    hasher = hashlib.sha256()
    for block in blocks:
        hasher.update(block)
    return hasher
