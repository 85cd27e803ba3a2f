"""One walk through an archive: from its zip, or from the extracts that earlier walks left."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.containers.directory import Entry
from pipeline_core.containers.ignored import merge_endings
from pipeline_core.containers.meter import archive_meter, day_meter
from pipeline_core.containers.names import day_date
from pipeline_core.containers.zips import OpenedZip
from pipeline_core.errors import UnreadableArchive, UnreadableDay, UnreadablePart
from pipeline_core.extract.decode import decode
from pipeline_core.extract.extracts import ExtractedDay, ExtractWriter, read_candidates
from pipeline_core.extract.walk import (
    archive_days,
    day_file,
    day_parts,
    open_archive,
    open_day,
    part_windows,
)
from pipeline_core.extract.windows import Window
from pipeline_core.messages import ArchiveRef, RepeatedEntry, Tally, Unreadable
from pipeline_core.processing.accumulate import Accumulator, Chunk, Rules
from pipeline_core.processing.kept_extracts import Extracts, bytes_on_disk
from pipeline_core.processing.repeated import DayNames, first_repeated
from pipeline_core.storage import Storage


@dataclass
class Extraction:
    """One walk through an archive, or through the days of one of its shares. ``day_digests`` are
    by directory place, and so are ``counted_parts``, those of each day that was read from its zip;
    ``bytes_read`` is 0 while the archive was not opened; ``ignored`` are its entries that are no
    days, unless another share has them, and those of its days that are no parts, by their ending.
    ``unreadable`` are the first of those that the tallies count."""

    archive: ArchiveRef
    rules: Rules
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
        self.result = Accumulator(self.rules)
        self.meter = archive_meter(self.rules.options.limits)
        # Directory places of the days that are there for this walk; None is all of them.
        self._wanted: frozenset[int] | None = None
        if self.share is not None:
            self._wanted = frozenset(self.archive.shares[self.share])
        elif self.rules.options.as_of is not None:
            self._wanted = frozenset(day.index for day in self.archive.days)
        self._extract_room = self.extracts.room(
            self.archive.size, 1 if self.share is None else len(self.archive.shares)
        )

    def run(self, data: Storage) -> None:
        """Reads everything that can be read; what cannot is in ``unreadable``."""
        try:
            if not self.archive.version:
                raise UnreadableArchive(self.archive.unreadable or "it is not a file")
            if not self._read_extracts():
                self._read(data)
        except UnreadableArchive as error:
            self.give_up(error.message)
            self._ignore(error.ignored)
        except BaseException:
            self.result.rejects.close()
            raise
        else:
            self.json_bytes = self.meter.used
            if not self.share:  # once is enough
                self._ignore(self.archive.ignored or {})

    def give_up(self, cause: str) -> None:
        """Takes the archive for unreadable: nothing of it counts."""
        self._forget()
        self.unreadable = [_unreadable(self.archive.name, None, None, cause)]

    def _forget(self) -> None:
        self.result.rejects.close()
        self.result = Accumulator(self.rules)
        self.days = self.parts = Tally()
        self.unreadable, self.day_digests, self.ignored = [], {}, {}
        self.counted_parts = {}
        self.repeated_parts = ()

    def _ignore(self, entries: dict[str, int]) -> None:
        if entries:
            self.ignored = merge_endings([self.ignored, entries])

    def _read_extracts(self) -> bool:
        """Whether there are days, and every one that counts here is known by its digest and has a
        sound extract: then the archive is not opened."""
        days = [day for day in self.archive.days if self._is_wanted(day.index)]
        wanted = [day for day in days if day.index not in self.skip]
        # Copies only, and known by planning: that is no earlier run's work. But a report of a time
        # past may leave nothing else of an archive, and is not to open it for that.
        is_known = bool(wanted or (days and self.rules.options.as_of is not None))
        if self.archive.digest is None or not is_known or not self.extracts.is_used:
            return False
        for day in wanted:
            if day.digest is None or not self._read_extract(
                day.name, day.index, day.digest, day.size
            ):
                self._forget()
                self.meter = archive_meter(self.rules.options.limits)
                return False
        self.days += Tally(duplicate=len(days) - len(wanted))
        self.digest = None if self.share else self.archive.digest
        return True

    def _is_wanted(self, index: int) -> bool:
        return self._wanted is None or index in self._wanted

    def _read(self, data: Storage) -> None:
        with ExitStack() as stack:
            try:
                file = stack.enter_context(data.fetched(self.archive.name))
                version = data.stat(self.archive.name).version
            except FileNotFoundError as error:
                raise UnreadableArchive("the archive vanished after the run was planned") from error
            if version != self.archive.version:
                raise UnreadableArchive("the archive changed after the run was planned")
            self.bytes_read = self.archive.size
            before = _version(file)
            content: io.BufferedReader | io.BytesIO = file
            if self.archive.size <= self.rules.window_bytes:  # read once, not once more to hash
                content = io.BytesIO(file.read(self.archive.size))
            if not self.share:  # that of one share is enough
                self.digest = hashlib.file_digest(content, "sha256").hexdigest()
            self._read_days(open_archive(content, self.rules.options.limits))
            if _version(file) != before:
                raise UnreadableArchive("the archive changed while it was read")

    def _read_days(self, opened: OpenedZip) -> None:
        for entry in archive_days(opened).wanted:
            if not self._is_wanted(entry.index):
                continue
            if entry.index in self.skip:
                self.days += Tally(duplicate=1)
                continue
            try:
                self._read_day(opened, entry)
            except UnreadableDay as error:
                self._note(entry.name, error.message)
                self._ignore(error.ignored)
                self.days += Tally(unreadable=1)

    def _read_day(self, opened: OpenedZip, entry: Entry) -> None:
        """Raises UnreadableDay, or UnreadableArchive if the archive's limit is passed."""
        packed = day_meter(self.rules.options.limits, self.meter)
        with day_file(opened, entry, packed, self.rules.window_bytes) as (file, digest):
            if self._read_extract(entry.name, entry.index, digest, 0):
                return
            day = _Day(self, entry.name)
            with day.result.dropped_on_error():
                self._decode(day, file, digest)
        self._absorb(day, entry.index, digest, Tally(read=1))

    def _decode(self, day: _Day, file: IO[bytes], digest: str) -> None:
        """Reads the day's parts; keeps what it extracts from them, if it is to be kept."""
        if not self.extracts.is_kept:
            day.read(file, None)
            return
        in_memory = self.rules.window_bytes
        with SpooledTemporaryFile(in_memory) as target:
            writer = ExtractWriter(target, in_memory, self._extract_room)
            day.read(file, writer)
            writer.close(day.meter.used, day.ignored)
            if writer.is_over:
                return
            if self._extract_room is not None:
                self._extract_room -= bytes_on_disk(target.tell())
            self.extracts.keep(digest, target, in_memory)

    def _read_extract(self, name: str, index: int, digest: str, packed_bytes: int) -> bool:
        """Whether there was an extract to take the place of the day's bytes. ``packed_bytes`` of
        the day are yet to be counted."""
        with self.extracts.open(digest) as found:
            if found is None:
                return False
            self.meter.add(packed_bytes + found[1].json_bytes)
            day = _Day(self, name)
            with day.result.dropped_on_error():
                day.read_extract(*found)
        self._absorb(day, index, digest, Tally(reused=1))
        return True

    def _absorb(self, day: _Day, index: int, digest: str, tally: Tally) -> None:
        self._list(*day.unreadable)
        self.days += tally
        self.parts += day.parts
        self._ignore(day.ignored)
        self.day_digests[index] = digest
        self.counted_parts[index] = frozenset(day.counted_parts)
        self.repeated_parts = first_repeated((*self.repeated_parts, *day.names.repeated))
        self.result.absorb(day.result)

    def _note(self, day: str, cause: str) -> None:
        self._list(_unreadable(self.archive.name, day, None, cause))

    def _list(self, *places: Unreadable) -> None:
        most = self.rules.options.most_listed
        room = len(places) if most is None else max(0, most - len(self.unreadable))
        self.unreadable += places[:room]


class _Day:
    """One daily zip; dropped whole if it turns out to be unreadable."""

    def __init__(self, extraction: Extraction, name: str) -> None:
        self.archive = extraction.archive.name
        self.rules = extraction.rules
        self.name = name
        self.meter = day_meter(self.rules.options.limits, extraction.meter)
        self.parts = Tally()
        self.counted_parts: list[int] = []
        self.ignored: dict[str, int] = {}
        self.unreadable: list[Unreadable] = []
        self.names = DayNames(self.archive, name)
        self.result = Accumulator(self.rules)

    def read(self, file: IO[bytes], writer: ExtractWriter | None) -> None:
        """Reads the parts, and tells ``writer`` of them. Raises UnreadableDay, or
        UnreadableArchive if the archive's limit is passed."""
        day = open_day(file, self.rules.options.limits)
        parts, self.ignored = day_parts(day)
        entries_of = Counter(part.name for part in parts)
        for part in parts:
            cause, copy = None, False
            hasher = hashlib.sha256() if entries_of[part.name] > 1 else None
            try:
                windows = part_windows(day, part, self.meter, self.rules.window_bytes, hasher)
                read = self._read_part(part, windows, writer)
            except UnreadablePart as error:
                cause = error.message
            else:
                copy = hasher is not None and self.names.is_copy(part.name, hasher.digest())
                if copy:
                    read.rejects.close()
                else:
                    self.counted_parts.append(part.index)
                    self.result.absorb(read)
            self._count_part(part.name, cause, copy=copy)
            if writer is not None:
                writer.end_part(part.name, cause, copy=copy)

    def read_extract(self, path: Path, day: ExtractedDay) -> None:
        """Takes what an earlier run read."""
        self.ignored = day.ignored
        for part in day.parts:
            self._count_part(part.name, part.cause, copy=part.copy)
        for part, decoded in read_candidates(path, day):
            place = (self.archive, self.name, day_date(self.name), part.name)
            self.result.add(Chunk(*place, 0, decoded))

    def _count_part(self, name: str, cause: str | None, *, copy: bool) -> None:
        if cause is not None:
            most = self.rules.options.most_listed
            if most is None or len(self.unreadable) < most:
                self.unreadable.append(_unreadable(self.archive, self.name, name, cause))
            self.parts += Tally(unreadable=1)
        elif copy:
            self.parts += Tally(duplicate=1)
        else:
            self.parts += Tally(read=1)
            self.names.note_read(name)

    def _read_part(
        self, part: Entry, windows: Iterator[Window], writer: ExtractWriter | None
    ) -> Accumulator:
        result = Accumulator(self.rules)
        options, place = self.rules.options, (self.archive, self.name, day_date(self.name))
        with result.dropped_on_error():
            for window in windows:
                for decoded in decode(window, options.limits.json_depth, options.batch_size):
                    if writer is not None:
                        writer.add(decoded, result.seen)
                    result.add(Chunk(*place, part.name, result.seen, decoded))
        return result


def _unreadable(archive: str, day: str | None, part: str | None, cause: str) -> Unreadable:
    return Unreadable(archive, day, part, cut(cause, LONGEST_CAUSE))


def _version(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns
