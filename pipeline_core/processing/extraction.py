"""extract: one archive, from its zip, or from the extracts that earlier runs left."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import IO

from pipeline_core.containers.ignored import merge_endings
from pipeline_core.containers.meter import archive_meter, day_meter
from pipeline_core.containers.zip_entries import OpenedZip
from pipeline_core.errors import UnreadableArchive, UnreadableDay
from pipeline_core.extract.days import ArchiveDay, archive_days, loose_parts
from pipeline_core.extract.feed_rules import reading_of
from pipeline_core.extract.walk import Listing, day_parts, day_source, open_archive, open_day
from pipeline_core.kept.archive_extracts import ArchiveExtracts
from pipeline_core.kept.extracts import Extracts
from pipeline_core.messages import ArchiveRef, Options, RepeatedEntry, Tally, Unreadable
from pipeline_core.processing.day import Day, unreadable_place
from pipeline_core.processing.repeated_entries import first_repeated
from pipeline_core.processing.rules import window_bytes
from pipeline_core.processing.steps import Chunk, End
from pipeline_core.storage import Storage
from pipeline_core.storage.base import OtherVersion


@dataclass
class Extraction:
    """One archive of ``data``, or the days of one of its shares, but for those to ``skip``; and
    what was found out of it, once it is extracted. ``day_digests`` are by directory place, and so
    are ``counted_parts``, those of each day that was read from its zip; ``bytes_read`` is 0 while
    the archive was not opened; ``ignored`` are its entries that are no days, unless another share
    has them, and those of its days that are no parts, by their ending. ``unreadable`` are the first
    of those that the tallies count."""

    archive: ArchiveRef
    data: Storage
    options: Options
    skip: frozenset[int]
    share: int | None
    extracts: Extracts
    digest: str | None = None
    days: Tally = Tally()
    parts: Tally = Tally()
    json_bytes: int = 0
    bytes_read: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)
    day_digests: dict[int, str] = field(default_factory=dict)
    counted_parts: dict[int, frozenset[int]] = field(default_factory=dict)
    ignored: dict[str, int] = field(default_factory=dict)
    repeated_parts: tuple[RepeatedEntry, ...] = ()

    def __post_init__(self) -> None:
        self._meter = archive_meter(self.options.limits)
        # Directory places of the days that are there for this walk; None is all of them.
        self._wanted: frozenset[int] | None = None
        if self.share is not None:
            self._wanted = frozenset(self.archive.shares[self.share])
        elif self.options.as_of is not None:
            self._wanted = frozenset(day.index for day in self.archive.days)

    def extract(self) -> Generator[Chunk | End]:
        """Everything that can be read; what cannot is in ``unreadable``."""
        try:
            if not self.archive.version:
                raise UnreadableArchive(self.archive.unreadable or "it is not a file")
            with self._keeping() as self._kept:
                if not (yield from self._extract_kept()):
                    yield from self._extract_archive()
        except UnreadableArchive as error:
            self.give_up(error.message)
            self._ignore(error.ignored)
        else:
            self.json_bytes = self._meter.used
            if not self.share:  # once is enough
                self._ignore(self.archive.ignored or {})
        yield End("archive", counts=not self._is_given_up)

    def give_up(self, cause: str) -> None:
        """Takes the archive for unreadable: nothing of it counts."""
        self.days = self.parts = Tally()
        self.day_digests, self.counted_parts, self.ignored = {}, {}, {}
        self.repeated_parts = ()
        self.unreadable = [unreadable_place(self.archive.name, None, None, cause)]

    @property
    def _is_given_up(self) -> bool:
        return any(place.day is None for place in self.unreadable)

    def _ignore(self, entries: dict[str, int]) -> None:
        if entries:
            self.ignored = merge_endings([self.ignored, entries])

    @contextmanager
    def _keeping(self) -> Iterator[ArchiveExtracts]:
        """What is to be kept of the days is, also if some of them cannot be read."""
        shares = 1 if self.share is None else len(self.archive.shares)
        with self.extracts.reader() as reader:
            kept = ArchiveExtracts(
                self.extracts,
                reader,
                self.archive.name,
                room=self.extracts.room(self.archive.size, shares),
                in_memory=window_bytes(self.options),
                schema=reading_of(self.options.feed).schema,
            )
            with closing(kept):
                try:
                    yield kept
                except UnreadableArchive:
                    kept.finish()
                    raise
                kept.finish()

    def _extract_kept(self) -> Generator[Chunk | End, None, bool]:
        """The days from the first on, as long as each is known by its digest and has a sound
        extract. Returns whether that were all: then the archive is not opened."""
        days = [day for day in self.archive.days if self._is_wanted(day.index)]
        wanted = [day for day in days if day.index not in self.skip]
        # Copies only, and known by planning: that is no earlier run's work. But a report of a time
        # past may leave nothing else of an archive, and is not to open it for that.
        is_known = bool(wanted or (days and self.options.as_of is not None))
        if self.archive.digest is None or not is_known or not self.extracts.is_used:
            return False
        for ref in wanted:
            day = self._day(ref.name, ref.index, ref.digest or "")
            packed_bytes = 0 if ref.parts else ref.size
            if not ref.digest or not (yield from self._extract_again(day, packed_bytes)):
                return False
            yield End("day")
        self.days += Tally(duplicate=len(days) - len(wanted))
        self.digest = None if self.share else self.archive.digest
        return True

    def _is_wanted(self, index: int) -> bool:
        return self._wanted is None or index in self._wanted

    def _extract_archive(self) -> Generator[Chunk | End]:
        """The days that are yet to be read, from the archive."""
        with ExitStack() as stack:
            try:
                fetched = self.data.fetched_as(self.archive.name, self.archive.version)
                file = stack.enter_context(fetched)
            except FileNotFoundError as error:
                raise UnreadableArchive("the archive vanished after the run was planned") from error
            except OtherVersion as error:
                raise UnreadableArchive("the archive changed after the run was planned") from error
            self.bytes_read = self.archive.size
            before = _version(file)
            source: io.BufferedReader | bytes = file
            if self.archive.size <= window_bytes(self.options):  # not once more to hash
                source = file.read(self.archive.size)
            if not self.share:  # that of one share is enough
                self.digest = _sha256(source)
            yield from self._extract_days(open_archive(source, self.options.limits))
            if _version(file) != before:
                raise UnreadableArchive("the archive changed while it was read")

    def _extract_days(self, opened: OpenedZip) -> Generator[Chunk | End]:
        digests = {day.index: day.digest for day in self.archive.days}
        for found in archive_days(opened, self.archive.name, self.options.feed).wanted:
            if not self._is_wanted(found.index) or found.index in self.day_digests:
                continue
            if found.index in self.skip:
                self.days += Tally(duplicate=1)
                continue
            counts = True
            try:
                if found.is_loose:
                    yield from self._extract_loose(opened, found, digests.get(found.index) or "")
                else:
                    yield from self._extract_zip(opened, found)
            except UnreadableDay as error:
                counts = False
                self._list(unreadable_place(self.archive.name, found.name, None, error.message))
                self._ignore(error.ignored)
                self.days += Tally(unreadable=1)
            yield End("day", counts)

    def _extract_zip(self, opened: OpenedZip, found: ArchiveDay) -> Generator[Chunk | End]:
        """Raises UnreadableDay, or UnreadableArchive if the archive's limit is passed."""
        limits = self.options.limits
        packed = day_meter(limits, self._meter)
        (zipped,) = found.entries
        with day_source(opened, zipped, packed, window_bytes(self.options)) as (source, digest):
            day = self._day(found.name, found.index, digest)
            if not (yield from self._extract_again(day)):
                inside = open_day(source, limits)
                parts = day_parts(inside, self.options.feed)
                yield from self._extract_and_keep(day, inside, parts)

    def _extract_loose(
        self, opened: OpenedZip, found: ArchiveDay, digest: str
    ) -> Generator[Chunk | End]:
        """They are inflated once, if at all: only if planning knows their digest, there is an
        extract to look for. Raises as ``_extract_zip`` does."""
        day = self._day(found.name, found.index, digest)
        if not digest or not (yield from self._extract_again(day)):
            yield from self._extract_and_keep(day, opened, loose_parts(found), is_loose=True)

    def _extract_and_keep(
        self, day: Day, opened: OpenedZip, parts: Listing, *, is_loose: bool = False
    ) -> Generator[Chunk | End]:
        """Reads the day's parts; keeps what it extracts from them, if it is to be kept."""
        with self._kept.writing() as writer:
            yield from day.extract_parts(opened, parts, writer, is_loose=is_loose)
            if writer is not None:
                writer.close(day.meter.used, day.ignored)
                self._kept.keep(day.digest, writer)
        self._note(day, Tally(read=1))

    def _extract_again(self, day: Day, packed_bytes: int = 0) -> Generator[Chunk | End, None, bool]:
        """Returns whether there was an extract to take the place of the day's bytes, so many of
        which are yet to be counted."""
        found = self._kept.find(day.digest)
        if found is None:
            return False
        self._meter.add(packed_bytes + found[1].json_bytes)
        yield from day.extract_again(*found)
        self._note(day, Tally(reused=1))
        return True

    def _day(self, name: str, index: int, digest: str) -> Day:
        return Day(self.archive.name, name, index, digest, self.options, self._meter)

    def _note(self, day: Day, tally: Tally) -> None:
        self._list(*day.unreadable)
        self.days += tally
        self.parts += day.parts
        self._ignore(day.ignored)
        self.day_digests[day.index] = day.digest
        self.counted_parts[day.index] = frozenset(day.counted_parts)
        if repeated := day.names.repeated:
            self.repeated_parts = first_repeated((*self.repeated_parts, *repeated))

    def _list(self, *places: Unreadable) -> None:
        most = self.options.most_listed
        room = len(places) if most is None else max(0, most - len(self.unreadable))
        self.unreadable += places[:room]


def _sha256(source: io.BufferedReader | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    return hashlib.file_digest(source, "sha256").hexdigest()


def _version(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
