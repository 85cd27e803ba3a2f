"""rejects.csv: what was left out, with its place, event by event."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple, Self

from pipeline_core.load.tables import csv_field, csv_line
from pipeline_core.messages import Position

HEADER = ("reason", "archive", "day", "part", "position", "event")
_IN_MEMORY_BYTES = 1 << 20

_LARGEST_EVENT = 2**31 - 1  # extract/ limits them


class Reject(NamedTuple):
    """A row of rejects.csv."""

    reason: str
    archive: str
    day: str
    part: str
    position: Position
    event: str


class RejectLog:
    """Rejects as CSV records without a header, on the disk once they are many: up to ``cap`` rows
    and, unless it is None, ``most_bytes``. The first that does not fit is the end, so that a log
    is the beginning of all rejects, however many logs it was put together from. The
    rows are gone behind the body of ``with``."""

    def __init__(self, cap: int, most_bytes: int | None = None) -> None:
        self.cap = cap
        self.most_bytes = most_bytes
        self.rows = 0
        self.is_cut = False  # by its bytes
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115

    @property
    def room(self) -> int:
        """Rows that may still fit."""
        return 0 if self.is_cut else self.cap - self.rows

    def add_part(
        self, place: tuple[str, str, str], rejects: Iterable[tuple[str, Position, str]]
    ) -> None:
        """Appends as many as fit of one part's: archive, day and part; reason, position, event."""
        there = csv_line(place).removesuffix("\n")
        lines = [
            f"{reason},{there},{position},{csv_field(event)}\n"
            for reason, position, event in islice(rejects, self.room)
        ]
        self._write([line.encode() for line in lines])

    def absorb(self, other: RejectLog) -> None:
        """Appends another log's rows as far as they fit."""
        if other.rows and other.rows <= self.room and self._has_room(other.size):
            other.copy_to(self._file)
            self.rows += other.rows
        elif other.rows and self.room:
            self._write([csv_line(each).encode() for each in islice(other.read(), self.room)])
        self.is_cut = self.is_cut or other.is_cut

    @property
    def size(self) -> int:
        """Bytes of the records."""
        return self._file.tell()

    def _has_room(self, count: int) -> bool:
        return self.most_bytes is None or self.size + count <= self.most_bytes

    def _write(self, lines: Sequence[bytes]) -> None:
        """Appends as many as fit."""
        if self._has_room(sum(map(len, lines))):
            self._file.writelines(lines)
            self.rows += len(lines)
            return
        for line in lines:
            if not self._has_room(len(line)):
                self.is_cut = True
                return
            self._file.write(line)
            self.rows += 1

    def read(self) -> Iterable[Reject]:
        """The rows in order."""
        self._file.seek(0)
        try:
            yield from parse_rejects(self._file)
        finally:
            self._file.seek(0, io.SEEK_END)

    def copy_to(self, target: IO[bytes]) -> None:
        """Writes the records as they are."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, target)

    @contextmanager
    def saved(self) -> Iterator[bytes | Path]:
        """The records: as they are if they are few, in a file of their own otherwise."""
        if self._file.tell() <= _IN_MEMORY_BYTES:
            self._file.seek(0)
            yield self._file.read()
            return
        with tempfile.TemporaryDirectory(prefix="sales-") as folder:
            path = Path(folder) / "rejects.csv"
            with path.open("wb") as file:
                self.copy_to(file)
            yield path

    def clear(self) -> None:
        """Drops the rows."""
        self._file.seek(0)
        self._file.truncate()
        self.rows, self.is_cut = 0, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


@dataclass
class Room:
    """What of a run's logs, one behind the other, still fits into rejects.csv: ``rows`` and
    ``bytes_left`` of records, None being no limit."""

    rows: int
    bytes_left: int | None

    def take(self, size: int, rows: int) -> bool:
        """Whether all of a log of ``size`` bytes fits; then it is taken."""
        fits = rows <= self.rows and (self.bytes_left is None or size <= self.bytes_left)
        if fits:
            self._take(rows, size)
        return fits

    def fitting(self, rejects: Iterable[Reject]) -> Iterator[Reject]:
        """Those before the first that does not fit; nothing does after that."""
        for reject in rejects:
            size = len(csv_line(reject).encode())
            if not self.rows or (self.bytes_left is not None and size > self.bytes_left):
                break
            self._take(1, size)
            yield reject
        else:
            return
        self.close()

    def close(self) -> None:
        """Leaves no room for anything."""
        self.rows = 0

    def _take(self, rows: int, size: int) -> None:
        self.rows -= rows
        if self.bytes_left is not None:
            self.bytes_left -= size


def parse_rejects(file: IO[bytes]) -> Iterable[Reject]:
    """Records of a file written by RejectLog."""
    csv.field_size_limit(_LARGEST_EVENT)  # Python's own is 128 KiB
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        for reason, archive, day, part, position, event in csv.reader(text):
            yield Reject(reason, archive, day, part, Position.of(position), event)
    finally:
        text.detach()
