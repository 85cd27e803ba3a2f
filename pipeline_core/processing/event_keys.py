"""The keys of an archive's candidates, by which an event that was sent twice is known."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.schemas import EVENT_KEY, EVENT_KEYS, PRICE_MINOR

_IN_MEMORY_BYTES = 1 << 20
_BATCH_ROWS = 1 << 16
# Enough that what differs is hardly ever taken for the same; no figure hangs on it.
_CONTENT_BYTES = 4
_CONTENTS = 1 << 8 * _CONTENT_BYTES
# What copies of an event have in common; what was paid where a feed says it.
_BOUGHT = ("customer_id", "product_id", "quantity", PRICE_MINOR.name)
_ROW = np.dtype([("key", "V32"), ("day", "<i4"), ("begins", "?"), ("content", "<u4")])


class KeyLog:
    """Keys in the order of their candidates' places, on the disk once they are many. They are gone
    behind the body of ``with``."""

    def __init__(self) -> None:
        self.rows = 0
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115

    def add(self, day: int, candidates: pa.Table) -> None:
        """Appends those of a day's next candidates that have one, if any may (they
        have EVENT_KEY then). No event has candidates in two calls."""
        if EVENT_KEY.name not in candidates.column_names or not candidates.num_rows:
            return
        keys = candidates[EVENT_KEY.name].combine_chunks()
        found = np.flatnonzero(keys.is_valid().to_numpy(zero_copy_only=False))
        positions = candidates["position"].to_numpy()[found]
        rows = np.empty(len(found), _ROW)
        rows["key"] = key_bytes(keys)[found]
        rows["day"] = day
        rows["begins"] = np.diff(positions, prepend=-1) != 0
        rows["content"] = _contents(candidates, found, positions, rows["key"])
        self._file.write(rows.tobytes())
        self.rows += len(rows)

    def absorb(self, other: KeyLog) -> None:
        """Appends all of another log's keys."""
        other._file.seek(0)
        shutil.copyfileobj(other._file, self._file)
        self.rows += other.rows

    def clear(self) -> None:
        """Drops the keys."""
        self._file.seek(0)
        self._file.truncate()
        self.rows = 0

    @contextmanager
    def saved(self) -> Iterator[bytes | Path]:
        """An Arrow stream of them, schema EVENT_KEYS: the bytes if they are few, else a file."""
        if self.rows * _ROW.itemsize <= _IN_MEMORY_BYTES:
            memory = pa.BufferOutputStream()
            self._write(memory)
            yield memory.getvalue().to_pybytes()
            return
        with tempfile.TemporaryDirectory(prefix="sales-") as folder:
            path = Path(folder) / "event_keys.arrow"
            with pa.OSFile(str(path), "wb") as file:
                self._write(file)
            yield path

    def _write(self, sink: pa.NativeFile) -> None:
        with pa.ipc.new_stream(sink, EVENT_KEYS) as stream:
            for batch in self._batches():
                stream.write_batch(batch)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        self._file.seek(0)
        while block := self._file.read(_BATCH_ROWS * _ROW.itemsize):
            rows = np.frombuffer(block, _ROW)
            keys = pa.py_buffer(rows["key"].tobytes())
            columns = [
                pa.Array.from_buffers(EVENT_KEY.type, len(rows), [None, keys]),
                pa.array(rows["day"]),
                pa.array(rows["begins"]),
                pa.array(rows["content"]),
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=EVENT_KEYS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _contents(
    candidates: pa.Table,
    rows: NDArray[np.int64],
    positions: NDArray[np.int64],
    keys: NDArray[np.void],
) -> NDArray[np.uint32]:
    """What some candidates, at these positions and with these keys, have bought; those of one event
    and key, in whatever order, have it together."""
    said = [name for name in _BOUGHT if name in candidates.column_names]
    bought = candidates.select(said).take(pa.array(rows))
    added = defaultdict[tuple[int, bytes], int](int)
    events = list(zip(positions.tolist(), keys.tolist(), strict=True))
    values = zip(*(column.to_pylist() for column in bought.columns), strict=True)
    for event, value in zip(events, values, strict=True):
        digest = hashlib.blake2b(repr(value).encode(), digest_size=_CONTENT_BYTES).digest()
        added[event] += int.from_bytes(digest, "little")
    return np.array([added[event] % _CONTENTS for event in events], np.uint32)


def key_bytes(keys: pa.FixedSizeBinaryArray) -> np.ndarray:
    """V32 of shape (keys,); of a null, whatever stands there."""
    return np.frombuffer(
        keys.buffers()[1], "V32", len(keys), keys.offset * EVENT_KEY.type.byte_width
    )
