"""The extracts of one archive: those that are found, and those that it leaves to later runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from tempfile import SpooledTemporaryFile

import pyarrow as pa

from pipeline_core.extract.extracts import ExtractedDay, ExtractPlace, ExtractWriter
from pipeline_core.kept.extract_files import (
    FULL_BYTES,
    MOST_DAYS,
    ListedDay,
    list_of,
    most_list_bytes,
)
from pipeline_core.kept.extract_names import file_name, name_beside
from pipeline_core.kept.extract_reader import ExtractReader, FoundExtract
from pipeline_core.kept.extracts import Extracts, bytes_on_disk

_BLOCK = 1 << 20


class ArchiveExtracts:
    """Of an archive, or of one of its shares, which may take ``room`` bytes in whole blocks of a
    disk (None is no limit). Days with candidates of ``schema`` are written one behind the other, up
    to ``in_memory`` bytes without a file, and stored as few files as they fit in."""

    def __init__(
        self,
        extracts: Extracts,
        reader: ExtractReader,
        archive: str,
        *,
        room: int | None,
        in_memory: int,
        schema: pa.Schema,
    ) -> None:
        self._extracts, self._reader, self._archive = extracts, reader, archive
        self._room, self._in_memory, self._schema = room, in_memory, schema
        self._file = SpooledTemporaryFile[bytes](in_memory)
        self._end = 0
        self._days: list[ListedDay] = []
        self._found: dict[str, FoundExtract] = {}
        self._written: set[str] = set()
        self._stored: set[str] = set()
        self._at_once = False

    def find(self, digest: str) -> tuple[ExtractPlace, ExtractedDay] | None:
        """The sound extract of a day with such bytes, if there is one and it is to be used. Raises
        RetryableError."""
        found = self._reader.find(self._archive, digest) if self._extracts.is_used else None
        if found is None:
            return None
        self._found[digest] = found
        return found.place, found.day

    @contextmanager
    def writing(self) -> Iterator[ExtractWriter | None]:
        """A writer of the next day, for ``keep``; None if none is to be kept. What is not kept is
        written over."""
        if not self._extracts.is_kept:
            yield None
            return
        self._file.seek(self._end)
        self._file.truncate()
        yield ExtractWriter(self._file, self._in_memory, self._room_left(), self._schema)

    def keep(self, digest: str, writer: ExtractWriter) -> None:
        """Keeps the day that was written, unless that would be too much."""
        if not writer.is_over:
            self._add(ListedDay(digest, self._file.tell() - self._end))

    def finish(self) -> None:
        """Stores what is not stored yet; with it, in the one file, days that were found in files
        that take more, so that these are not needed any more."""
        self._at_once = not self._reader.damaged <= self._written
        if self._extracts.is_kept and (self._days or self._written or self._at_once):
            for digest, found in self._found.items():
                if not found.is_full or found.name in self._reader.damaged:
                    self._join(digest, found)
            self._store()
            self._replace(self._reader.damaged - self._written)

    def close(self) -> None:
        """Gives up what is not stored."""
        self._file.close()

    def _add(self, day: ListedDay, beside: str | None = None) -> None:
        self._days.append(day)
        self._end += day.size
        if self._end >= FULL_BYTES or len(self._days) >= MOST_DAYS:
            self._store(beside)

    def _join(self, digest: str, found: FoundExtract) -> None:
        room, place = self._room_left(), self._reader.place(found.name, digest)
        if place is not None and (room is None or place.size <= room):
            self._copy(digest, place)

    def _replace(self, damaged: Collection[str]) -> None:
        """Removes damaged files once every sound day in them is stored elsewhere: an earlier run,
        or another archive, may have it. They are no more than there was, whatever the room."""
        for name in damaged:
            days = {digest: self._reader.sound(name, digest) for digest in self._reader.days(name)}
            sound = {digest: found.place for digest, found in days.items() if found is not None}
            for digest, place in sound.items():
                if digest not in self._stored:
                    self._copy(digest, place, beside=name)
            self._store(beside=name)
            if sound.keys() <= self._stored:
                self._extracts.forget([name])

    def _copy(self, digest: str, place: ExtractPlace, beside: str | None = None) -> None:
        self._file.seek(self._end)
        self._file.truncate()
        left = place.size
        # Who has replaced the file since has copied the day, too.
        with suppress(FileNotFoundError), place.path.open("rb") as file:
            file.seek(place.begin)
            while left and (block := file.read(min(_BLOCK, left))):
                self._file.write(block)
                left -= len(block)
        if not left:
            self._add(ListedDay(digest, place.size), beside)

    def _store(self, beside: str | None = None) -> None:
        """In a file of the archive, or of that of another file, ``beside`` it."""
        if not self._days:
            return
        self._file.seek(self._end)
        self._file.truncate()
        listed = list_of(self._days)
        digests = [day.digest for day in self._days]
        name = name_beside(beside, digests) if beside else file_name(self._archive, digests)
        if self._extracts.write(name, listed, self._file, self._in_memory, at_once=self._at_once):
            self._stored.update(digests)
        self._written.add(name)
        if self._room is not None:
            self._room -= bytes_on_disk(len(listed) + self._end)
        self._days, self._end = [], 0

    def _room_left(self) -> int | None:
        """For the next day in the file that is written."""
        if self._room is None:
            return None
        return self._room - self._end - most_list_bytes(len(self._days) + 1)
