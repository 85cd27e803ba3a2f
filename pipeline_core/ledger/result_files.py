"""The file of a result: a receipt, and behind it the bytes of what it names, where they are few.

::

    {"run_id": ..., ...}     the receipt, as JSON
    (a zero byte)            which JSON has none of
    ...                      partials, rejects, keys and ids, one behind the other

It is created once, as a whole; a file that a power cut tore has no zero byte, or bytes of other
digests than its receipt names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from pipeline_core.messages import Receipt, ReusedReceipts, StoredFile, Work, to_json

# To create a file costs as much as to write, read and hash so many bytes.
MOST_BEHIND = 64 << 10
# Of small results, thousands; of more, what each block comes to is merged as they are read.
_MOST_HELD_BYTES = 16 << 20
_BORDER = b"\0"


class Stores(Protocol):
    """Who keeps the bytes of a result: a run, or the file of the result itself."""

    def store(
        self, kind: str, work: Work, suffix: str, content: bytes | Path, rows: int
    ) -> StoredFile:
        """Keeps them until a receipt names them."""
        ...


@dataclass
class ResultFile:
    """The file of one result as it is put together: what is small comes behind its receipt, all
    else is stored by ``files`` at once."""

    key: str
    files: Stores
    _behind: bytearray = field(default_factory=bytearray)

    @property
    def behind(self) -> bytes:
        """What comes behind the receipt."""
        return bytes(self._behind)

    def store(
        self, kind: str, work: Work, suffix: str, content: bytes | Path, rows: int
    ) -> StoredFile:
        """As ``Stores.store``."""
        offset, size = len(self._behind), _size(content)
        if offset + size > MOST_BEHIND:
            return self.files.store(kind, work, suffix, content, rows)
        data = content if isinstance(content, bytes) else content.read_bytes()
        self._behind += data
        return StoredFile(self.key, hashlib.sha256(data).hexdigest(), rows, offset, size)


def _size(content: bytes | Path) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def to_result(receipt: Receipt, behind: bytes) -> bytes:
    """The bytes of a result's file."""
    return to_json(receipt) + _BORDER + behind


def split_result(data: bytes) -> tuple[bytes, bytes]:
    """The JSON of the receipt, and what is behind it. Raises ValueError if the file is torn."""
    end = data.index(_BORDER)
    return data[:end], data[end + 1 :]


def behind_receipt(data: bytes) -> bytes:
    """All that is behind the receipt in a result's file; nothing in one that is torn."""
    return data.partition(_BORDER)[2]


@dataclass
class HeldResults:
    """What is behind receipts that were read, for whoever asks for it soon: by the file's key, up
    to some bytes, and that of the last file beyond; which receipts were ``reused``, once that is
    known; and digests of the blocks that were ``merged`` meanwhile, by their keys."""

    reused: ReusedReceipts | None = None
    merged: dict[str, str] = field(default_factory=dict)
    _held: dict[str, bytes] = field(default_factory=dict)
    _size: int = 0
    _last: tuple[str, bytes] = ("", b"")
    _lock: Lock = field(default_factory=Lock)

    def hold(self, key: str, behind: bytes) -> None:
        """Holds it, until the next one if there is no room."""
        with self._lock:
            before = len(self._held.pop(key, b""))
            if self._size - before + len(behind) <= _MOST_HELD_BYTES:
                self._held[key] = behind
                before -= len(behind)
            else:
                self._last = key, behind
            self._size -= before

    @property
    def is_filling(self) -> bool:
        """Whether half of the room is taken."""
        return self._size > _MOST_HELD_BYTES // 2

    def release(self, keys: Iterable[str]) -> None:
        """What is behind these receipts is not asked for soon."""
        with self._lock:
            self._size -= sum(len(self._held.pop(key, b"")) for key in keys)

    def stretch(self, stored: StoredFile) -> bytes:
        """The bytes that a receipt names, unchecked; none if they are not held."""
        key, behind = self._last
        return stretch(behind if key == stored.key else self._held.get(stored.key, b""), stored)


def stretch(behind: bytes, stored: StoredFile) -> bytes:
    """The bytes that a receipt names, unchecked, from all that are behind it."""
    begin = stored.offset or 0
    return behind[begin : begin + stored.size]
