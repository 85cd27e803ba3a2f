"""Extracts: what is in one day, whatever its purchases cost and whoever made them.

An extract is an Arrow stream of candidates, each with its text, behind it what is known
of the parts as JSON, then the length of that and the SHA-256 of everything before. Whoever reads
one checks that first: what was torn or changed is none.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from pipeline_core.containers.cut import label
from pipeline_core.extract.candidate_rows import TableRows
from pipeline_core.extract.candidates import Decoded, candidate_texts
from pipeline_core.framing.windows import Window
from pipeline_core.machine.known_kinds import known
from pipeline_core.schemas import CANDIDATES

# A candidate with its JSON text as it stood in the part.
_TEXT = pa.field("text", pa.large_binary(), nullable=False)

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
_END = struct.Struct("<Q32s")
_BLOCK = 1 << 20
# A candidate beside its text.
_ROW_BYTES = 64


class ExtractPlace(NamedTuple):
    """Where an extract stands: so many bytes of a file from ``begin`` on."""

    path: Path
    begin: int
    size: int


class ExtractedPart(Struct, frozen=True, kw_only=True):
    """A part of the day, as the extract has it."""

    name: str
    """Its name in the day."""
    rows: int
    """Rows of the extract that are its own, behind those of the parts before; nobody reads those
    of a ``copy``, or with a ``cause``."""
    seen: int = 0
    """Events that were read."""
    not_purchase: int = 0
    """Events that are no candidates."""
    general: int = 0
    """Events decoded by the general tier."""
    cause: str | None = None
    """Why it is unreadable, for people; None if it is not."""
    copy: bool = False
    """Whether an earlier part has its name and bytes."""

    @property
    def counts(self) -> bool:
        """Whether its events do."""
        return self.cause is None and not self.copy


class ExtractedDay(Struct, frozen=True, kw_only=True):
    """What an extract says beside its rows."""

    json_bytes: int
    """Bytes of the day's parts, uncompressed."""
    parts: tuple[ExtractedPart, ...]
    """Its parts, in the order of the day's directory."""
    ignored: dict[str, int] = {}
    """Number of the day's entries that are no parts, by their ending."""


class ExtractWriter:
    """Writes an extract part by part, about ``batch_bytes`` of ``candidates`` (their schema) at
    once. One of more than ``most_bytes`` is given up, ``is_over`` then, and takes no more."""

    def __init__(
        self,
        file: IO[bytes],
        batch_bytes: int,
        most_bytes: int | None = None,
        candidates: pa.Schema = CANDIDATES,
    ) -> None:
        self.is_over = False
        self._most_bytes = most_bytes
        self._file = _Hashed(file)
        self._schema = candidates.append(_TEXT)
        self._stream = pa.ipc.new_stream(self._file, self._schema, options=_OPTIONS)
        self._batch_bytes = batch_bytes
        self._candidates: list[pa.Table] = []
        self._positions: list[NDArray[np.int64]] = []
        self._texts: list[bytes] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._waiting_bytes = 0
        self._parts: list[ExtractedPart] = []
        self._begin()

    def add(self, decoded: Decoded, first: int) -> None:
        """Takes the next events of the part that is being read, ``first`` of which is the part's
        position of the first one."""
        self._seen += decoded.seen
        self._not_purchase += decoded.not_purchase
        self._general += decoded.general
        if not decoded.rows.count or self.is_over:
            return
        candidates = decoded.candidates
        texts, lengths = candidate_texts(decoded)
        self._candidates.append(candidates)
        self._positions.append(candidates["position"].to_numpy() + first)
        self._texts.append(texts)
        self._lengths.append(lengths)
        self._rows += candidates.num_rows
        self._waiting_bytes += _ROW_BYTES * candidates.num_rows + len(texts)
        if self._waiting_bytes >= self._batch_bytes:
            self._flush()

    def end_part(self, name: str, cause: str | None = None, *, copy: bool = False) -> None:
        """Ends a part that could be read, or could not, for its ``cause``, or is a ``copy``."""
        self._parts.append(
            ExtractedPart(name=name, rows=self._rows, cause=cause, copy=copy)
            if cause is not None or copy
            else ExtractedPart(
                name=name,
                rows=self._rows,
                seen=self._seen,
                not_purchase=self._not_purchase,
                general=self._general,
            )
        )
        self._begin()

    def close(self, json_bytes: int, ignored: dict[str, int]) -> None:
        """Ends the extract; see ``ExtractedDay``."""
        self._flush()
        self._stream.close()
        day = ExtractedDay(json_bytes=json_bytes, parts=tuple(self._parts), ignored=ignored)
        described = msgspec.json.encode(day)
        self._check_size(len(described))
        if self.is_over:
            return
        self._file.write(described)
        self._file.write_end(len(described))

    def _begin(self) -> None:
        self._rows = self._seen = self._not_purchase = self._general = 0

    def _check_size(self, more: int = 0) -> None:
        if self._most_bytes is not None:
            self.is_over = self.is_over or self._file.size + more > self._most_bytes

    def _flush(self) -> None:
        if self._candidates:
            candidates = pa.concat_tables(self._candidates).combine_chunks()
            positions = pa.array(np.concatenate(self._positions))
            offsets = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))])
            texts = pa.Array.from_buffers(
                pa.large_binary(),
                candidates.num_rows,
                [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(b"".join(self._texts))],
            )
            columns = [positions, *candidates.columns[1:], texts]
            self._stream.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._check_size()
        for waiting in (self._candidates, self._positions, self._texts, self._lengths):
            waiting.clear()
        self._waiting_bytes = 0


def read_day(place: ExtractPlace) -> ExtractedDay | None:
    """What an extract says of its day; None if it is not sound from the first byte to the last."""
    size = place.size - _END.size
    with place.path.open("rb") as file:
        if size < 0:
            return None
        file.seek(place.begin)
        hashed, left = hashlib.sha256(), size
        while left and (block := file.read(min(_BLOCK, left))):
            hashed.update(block)
            left -= len(block)
        end = file.read(_END.size)
        if len(end) < _END.size:
            return None
        length, digest = _END.unpack(end)
        if hashed.digest() != digest or length > size:
            return None
        file.seek(place.begin + size - length)
        day = msgspec.json.decode(file.read(length), type=known(ExtractedDay))
        # Earlier versions kept names of any length.
        parts = (msgspec.structs.replace(part, name=label(part.name)) for part in day.parts)
        return msgspec.structs.replace(day, parts=tuple(parts))


def read_candidates(
    place: ExtractPlace, day: ExtractedDay
) -> Iterator[tuple[ExtractedPart, Decoded]]:
    """The candidates of each part that counts, as decoding gave them, in order: at least
    one ``Decoded`` a part, the first of which tells all of the part's counts."""
    with pa.OSFile(str(place.path)) as file:
        file.seek(place.begin)
        batches = _Batches(pa.ipc.open_stream(file))
        for part in day.parts:
            told = part
            for rows in batches.next_rows(part.rows):
                if part.counts:
                    yield part, _decoded(told, rows)
                told = msgspec.structs.replace(part, seen=0, not_purchase=0, general=0)


def read_rows(
    place: ExtractPlace, day: ExtractedDay
) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
    """The same without texts, in pieces of any size: of each candidate the place of its part in
    ``day.parts``, int64, and all of them."""
    ends = np.cumsum([part.rows for part in day.parts], dtype=np.int64)
    counts = np.array([part.counts for part in day.parts], np.bool_)
    first = 0
    with pa.OSFile(str(place.path)) as file:
        file.seek(place.begin)
        columns = [name != _TEXT.name for name in pa.ipc.read_schema(file).names]
        file.seek(place.begin)
        options = pa.ipc.IpcReadOptions(
            included_fields=np.flatnonzero(columns).tolist(), use_threads=False
        )
        for batch in pa.ipc.open_stream(file, options=options):
            rows = np.arange(first, first := first + batch.num_rows)
            part = np.searchsorted(ends, rows, side="right")
            found = pa.Table.from_batches([batch])
            if not counts.all():
                is_counted = counts[part]
                part, found = part[is_counted], found.filter(pa.array(is_counted))
            yield part, found


class _Batches:
    """Rows of a stream, a part's at once or, if a batch ends within the part, in pieces."""

    def __init__(self, stream: pa.RecordBatchReader) -> None:
        self._stream = iter(stream)
        self._batch = pa.RecordBatch.from_pylist([], schema=stream.schema)

    def next_rows(self, count: int) -> Iterator[pa.RecordBatch]:
        """The next ``count`` rows; one empty batch if that is 0."""
        if not count:
            yield self._batch.slice(0, 0)
        while count:
            if not self._batch.num_rows:
                self._batch = next(self._stream)
            found = self._batch.slice(0, count)
            self._batch = self._batch.slice(found.num_rows)
            count -= found.num_rows
            yield found


def _decoded(part: ExtractedPart, rows: pa.RecordBatch) -> Decoded:
    texts = rows["text"]
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset :][: len(rows) + 1]
    first, last = (int(offsets[0]), int(offsets[-1])) if len(rows) else (0, 0)
    text = bytes(memoryview(texts.buffers()[2] or b"")[first:last])
    edges = offsets - first if len(rows) else np.zeros(1, np.int64)
    candidates = pa.Table.from_batches([rows]).drop_columns([_TEXT.name])
    return Decoded(
        Window(text, 0),
        0,
        part.seen,
        part.seen,
        part.not_purchase,
        TableRows(candidates),
        np.stack([edges[:-1], edges[1:]], axis=1),
        part.general,
    )


class _Hashed:
    """A file to write to that knows the digest of what was written."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> int:
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def write_end(self, length: int) -> None:
        """The length of the description, and the digest of everything so far."""
        self._file.write(_END.pack(length, self._digest.digest()))

    def flush(self) -> None:
        self._file.flush()
