"""The days of an archive: zips in it, and parts that stand in it by themselves, by their dates."""

from __future__ import annotations

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import msgspec

from pipeline_core.containers.cut import label
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.entry_names import day_label, is_zip, part_date
from pipeline_core.containers.meter import Meter, day_meter, part_meter
from pipeline_core.containers.zip_entries import OpenedZip, inflate
from pipeline_core.errors import UnreadableArchive, UnreadablePart
from pipeline_core.extract.walk import (
    Listing,
    day_bytes,
    day_file,
    day_parts,
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
    name and place."""

    name: str
    entries: tuple[Entry, ...]
    is_loose: bool

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
        crc = 0
        for each in self.entries:
            crc = zlib.crc32(f"{each.name}\0{each.size}\0{each.crc}\n".encode(), crc)
        size = sum(each.size for each in self.entries)
        parts = tuple(each.index for each in self.entries)
        return DayRef(self.name, self.index, size, crc, parts=parts)


class DayListing(NamedTuple):
    """The days of an archive, by name, and of its entries that are none and no folders how many
    there are, by their ending."""

    wanted: list[ArchiveDay]
    ignored: dict[str, int]


def archive_days(archive: OpenedZip, name: str, feed: Feed) -> DayListing:
    """The days of the archive called ``name``. Loose parts of one date are one day, called like
    it in ISO 8601, and those without a date are one that is called like the archive.

    Raises:
        UnreadableArchive: it holds something, and no day.
    """
    entries, ignored = listing(
        archive, _is_zip_or_part, feed, "the archive holds no day", UnreadableArchive
    )
    days: list[tuple[str, ArchiveDay]] = []
    loose = defaultdict[date | None, list[Entry]](list)
    for entry in entries:
        if is_zip(entry.name):
            zipped = labelled(entry, day_label)
            days.append((entry.name, ArchiveDay(zipped.name, (zipped,), is_loose=False)))
        else:
            loose[part_date(entry.name, name)].append(labelled(entry, label))
    for dated, parts in loose.items():
        called = day_label(name[: -len(_ENDING)]) if dated is None else dated.isoformat()
        days.append((called, ArchiveDay(called, tuple(parts), is_loose=True)))
    days.sort(key=lambda day: (day[0], day[1].index))
    return DayListing([day for _, day in days], ignored)


def _is_zip_or_part(name: str, feed: Feed) -> bool:
    return is_zip(name) or is_part_of(name, feed)


@contextmanager
def opened_day(
    archive: OpenedZip, day: ArchiveDay, feed: Feed, meter: Meter, in_memory: int
) -> Iterator[tuple[OpenedZip, Listing]]:
    """The zip in which the day's parts are, and these. A daily zip is held in memory up to
    ``in_memory`` bytes. Raises UnreadableDay, or what ``meter``, the archive's, raises."""
    if day.is_loose:
        yield archive, Listing(list(day.entries), {})
        return
    packed = day_meter(archive.limits, meter)
    with day_file(archive, day.entries[0], packed, in_memory) as (file, _):
        opened = open_day(file, archive.limits)
        yield opened, day_parts(opened, feed)


class LooseDigest:
    """The digest of a day of loose parts: SHA-256 over the name of each, a NUL and the SHA-256 of
    its bytes, as they are in the archive."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, part: Entry, digest: bytes | None) -> None:
        """Takes the next part; None is the digest of one of which not all bytes can be had."""
        if digest is None:
            digest = hashlib.sha256(f"{part.size} {part.crc}".encode()).digest()
        self._hash.update(part.name.encode() + b"\0" + digest)

    def hexdigest(self) -> str:
        """Of the parts so far."""
        return self._hash.hexdigest()


def content_digest(archive: OpenedZip, day: ArchiveDay, meter: Meter) -> str:
    """The digest of a day's bytes. Raises UnreadableDay or UnreadablePart if the zip, or a loose
    part, is damaged or over its limit, or what ``meter``, the archive's, raises."""
    if not day.is_loose:
        packed = day_meter(archive.limits, meter)
        return _sha256(day_bytes(archive, day.entries[0], packed)).hexdigest()
    loose = LooseDigest()
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
