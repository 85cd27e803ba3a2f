"""Ids to row numbers, exact, for ids of any bytes and any length.

Ids are hashed and compared in full: a hash only says where to look. ``_ids.c`` has a hash table;
where that was not built, it is a dictionary. Who writes the ids cannot choose them so that their
hashes meet: every table has a secret key of its own, made when it is made, all dictionaries of a
process have Python's, and nothing of it is stored. Rows do not depend on it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

try:
    from pipeline_core.transform import _ids
except ImportError:  # there was no compiler
    IS_COMPILED = False
else:
    IS_COMPILED = True

if TYPE_CHECKING:
    from pipeline_core.transform._ids import Table

NOT_FOUND = -1

_KEY_BYTES = 16  # of the compiled table's
_WORD = 8
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(2**32 - 1)
# The bytes of a little-endian word that belong to an id with so many bytes left.
_MASKS = np.array([(1 << 8 * left) - 1 for left in range(_WORD + 1)], np.uint64)
# Of longer ids `stable_hashes` takes so many bytes.
_STABLE_BYTES = 256


class IdIndex(Protocol):
    """Finds the rows of distinct ids (large_binary, no nulls)."""

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """The row of each id, NOT_FOUND where there is none or the id is null."""
        ...


def index_of(ids: pa.LargeBinaryArray) -> IdIndex:
    """An index of distinct ids."""
    return HashTable.of(ids) if IS_COMPILED else PlainIndex.of(ids)


@dataclass(frozen=True)
class HashTable:
    """The compiled index: SipHash-1-3."""

    table: Table = field(repr=False)

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> HashTable:
        """An index of distinct ids."""
        return cls(_ids.table_of(_offsets(ids), _data(ids), secrets.token_bytes(_KEY_BYTES)))

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        rows = np.frombuffer(_ids.rows_of(self.table, _offsets(ids), _data(ids)), np.int64)
        if not ids.null_count:
            return rows
        return np.where(ids.is_null().to_numpy(zero_copy_only=False), NOT_FOUND, rows)


@dataclass(frozen=True)
class PlainIndex:
    """The index where nothing is compiled: the row of each id."""

    rows: dict[bytes | None, int] = field(repr=False)

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> PlainIndex:
        """An index of distinct ids."""
        return cls({one: row for row, one in enumerate(ids.to_pylist())})

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        rows = (self.rows.get(one, NOT_FOUND) for one in ids.to_pylist())
        return np.fromiter(rows, np.int64, len(ids))


def group_ids(ids: pa.LargeBinaryArray) -> tuple[pa.LargeBinaryArray, NDArray[np.int64]]:
    """The distinct ids, null being one like any other, and which of them each one is, int64 of
    shape (ids,). (Arrow's own way has no secret key.)"""
    numbers = dict[bytes | None, int]()
    number = (numbers.setdefault(one, len(numbers)) for one in ids.to_pylist())
    of_each = np.fromiter(number, np.int64, len(ids))
    return pa.array(list(numbers), pa.large_binary()), of_each


def stable_hashes(ids: pa.LargeBinaryArray) -> NDArray[np.uint64]:
    """A hash of each id's first 256 bytes and its length, of shape (ids,), that is the same in
    every process; of ids without nulls. Whoever chooses ids can make two meet, so only for what may
    take one for the other.

    Twice 32 bits by the function Multilinear of Lemire and Kaser, "Strongly universal string
    hashing is fast" (2014): the upper half of the sum, in 64 bits, of an id's 32-bit numbers
    (little-endian, filled up with zeros to eight bytes), its length before them, each times a
    number of the key.
    """
    offsets = _offsets(ids)
    starts, lengths = offsets[:-1], np.diff(offsets)
    data = b"".join((_data(ids)[: offsets[-1]], bytes(_WORD)))
    words = np.ndarray(len(data) - _WORD + 1, "<u8", data, strides=(1,))  # one at each byte
    key = _stable_key()
    sums: list[NDArray[np.uint64]] = [
        first + lengths.astype(np.uint64) * second for first, second in key[:, :2]
    ]
    rows = np.arange(len(ids))
    for begin in range(0, _STABLE_BYTES, _WORD):
        rows = rows[lengths[rows] > begin]
        if not len(rows):
            break
        left = np.minimum(lengths[rows] - begin, _WORD)
        word = words[starts[rows] + begin] & _MASKS[left]
        low, high = word & _LOW_HALF, word >> _HALF
        place = 2 + 2 * begin // _WORD
        for total, (one, other) in zip(sums, key[:, place : place + 2], strict=True):
            total[rows] += low * one + high * other
    found: NDArray[np.uint64] = (sums[0] & ~_LOW_HALF) | (sums[1] >> _HALF)
    return found


@lru_cache
def _stable_key() -> NDArray[np.uint64]:
    """The numbers of SHAKE-128("ids"), two by two: of either 32 bits the first, that of the length,
    and two for eight bytes; of shape (2, 66)."""
    pairs = 2 + 2 * _STABLE_BYTES // _WORD
    return np.frombuffer(hashlib.shake_128(b"ids").digest(2 * pairs * 8), "<u8").reshape(pairs, 2).T


def _offsets(ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
    """Where each id begins, and the last one ends, in the data buffer."""
    count = len(ids) + 1
    if count == 1:
        return np.zeros(1, np.int64)
    return np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + count]


def _data(ids: pa.LargeBinaryArray) -> memoryview:
    """The bytes that the offsets point into."""
    return memoryview(ids.buffers()[2] or b"")
