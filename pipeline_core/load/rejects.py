"""rejects.csv: what was left out, with its place, event by event."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from pipeline_core.load.tables import csv_field, csv_line

HEADER = ("reason", "archive", "day", "part", "position", "event")
_IN_MEMORY_BYTES = 1 << 20

csv.field_size_limit(2**31 - 1)  # events may be long; extract/ limits them


class Reject(NamedTuple):
    """A row of rejects.csv; ``position`` counts a part's events from 0."""

    reason: str
    archive: str
    day: str
    part: str
    position: int
    event: str


class RejectLog:
    """Up to ``cap`` rejects as CSV records without a header, on the disk once they are many."""

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.rows = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115

    @property
    def room(self) -> int:
        """Rows that still fit."""
        return self.cap - self.rows

    def add_part(
        self, place: tuple[str, str, str], rejects: Iterable[tuple[str, int, str]]
    ) -> None:
        """Appends as many as fit of one part's: archive, day and part; reason, position, event."""
        there = csv_line(place).removesuffix("\n")
        lines = [
            f"{reason},{there},{position},{csv_field(event)}\n"
            for reason, position, event in islice(rejects, self.room)
        ]
        self._file.write("".join(lines).encode())
        self.rows += len(lines)

    def absorb(self, other: RejectLog) -> None:
        """Appends another log's rows as far as they fit."""
        if not other.rows:
            return
        if other.rows <= self.room:
            other.copy_to(self._file)
            self.rows += other.rows
        elif self.room:
            kept = list(islice(other.read(), self.room))
            self._file.writelines(csv_line(reject).encode() for reject in kept)
            self.rows += len(kept)

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

    def close(self) -> None:
        """Drops the rows."""
        self._file.close()


def parse_rejects(file: IO[bytes]) -> Iterable[Reject]:
    """Records of a file written by RejectLog."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        for reason, archive, day, part, position, event in csv.reader(text):
            yield Reject(reason, archive, day, part, int(position), event)
    finally:
        text.detach()
