"""Ids to row numbers, vectorised and exact, for ids of any bytes and any length.

Ids are hashed eight bytes at once, and compared in full: a hash only says where to look.
``_ids.c`` looks into a hash table; numpy, where that was not built, among sorted hashes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

try:
    from pipeline_core.transform import _ids
except ImportError:  # there was no compiler
    IS_COMPILED = False
else:
    IS_COMPILED = True

NOT_FOUND = -1

_WORD = 8
# Odd 64-bit constant and shift of MurmurHash3's finaliser (Appleby, 2011).
_FACTOR = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(33)
# The bytes of a little-endian word that belong to an id with so many bytes left.
_MASKS = np.array([(1 << 8 * left) - 1 for left in range(_WORD + 1)], np.uint64)


class IdIndex(Protocol):
    """Finds the rows of distinct ids (large_binary, no nulls)."""

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """The row of each id, NOT_FOUND where there is none or the id is null."""
        ...


def index_of(ids: pa.LargeBinaryArray) -> IdIndex:
    """An index of distinct ids."""
    return HashTable.of(ids) if IS_COMPILED else SortedHashes.of(ids)


@dataclass(frozen=True)
class HashTable:
    """The compiled index."""

    ids: pa.LargeBinaryArray
    table: bytes
    seed: int

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> HashTable:
        """An index of distinct ids."""
        seed = secrets.randbits(64)
        return cls(ids, _ids.table_of(_offsets(ids), _data(ids), seed), seed)

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        known = _offsets(self.ids), _data(self.ids)
        found = _ids.rows_of(self.table, *known, self.seed, _offsets(ids), _data(ids))
        rows = np.frombuffer(found, np.int64)
        if not ids.null_count:
            return rows
        return np.where(ids.is_null().to_numpy(zero_copy_only=False), NOT_FOUND, rows)


@dataclass(frozen=True)
class SortedHashes:
    """The index in numpy. ``hashes`` are sorted; the id with each one is in row ``rows``."""

    ids: pa.LargeBinaryArray
    hashes: NDArray[np.uint64]
    rows: NDArray[np.int64]
    seed: np.uint64
    longest: int

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> SortedHashes:
        """An index of distinct ids."""
        longest = int(np.diff(_offsets(ids)).max(initial=0))
        while True:
            seed = np.uint64(secrets.randbits(64))
            hashes = _hashes(ids, seed, longest)
            rows = np.argsort(hashes, kind="stable")
            hashes = hashes[rows]
            if not np.any(hashes[1:] == hashes[:-1]):  # two ids with one hash: another seed
                return cls(ids, hashes, rows, seed, longest)

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        found = np.full(len(ids), NOT_FOUND, np.int64)
        if not len(self.hashes):
            return found
        hashes = _hashes(ids, self.seed, self.longest)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        rows = self.rows[places]
        same = pc.fill_null(pc.equal(ids, self.ids.take(pa.array(rows))), False)
        same = same.to_numpy(zero_copy_only=False)
        found[same] = rows[same]
        return found


def _hashes(ids: pa.LargeBinaryArray, seed: np.uint64, longest: int) -> NDArray[np.uint64]:
    """A hash of each id's first ``longest`` bytes and its length, of shape (ids,)."""
    offsets = _offsets(ids)
    starts, lengths = offsets[:-1], np.diff(offsets)
    data = b"".join((_data(ids)[: offsets[-1]], bytes(_WORD)))
    words = np.ndarray(len(data) - _WORD + 1, "<u8", data, strides=(1,))  # one at each byte
    hashes = (lengths.astype(np.uint64) ^ seed) * _FACTOR
    rows = np.arange(len(ids))
    for begin in range(0, longest, _WORD):
        rows = rows[lengths[rows] > begin]
        left = np.minimum(lengths[rows] - begin, _WORD)
        mixed = (hashes[rows] ^ (words[starts[rows] + begin] & _MASKS[left])) * _FACTOR
        hashes[rows] = mixed ^ (mixed >> _SHIFT)
    return hashes


def _offsets(ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
    """Where each id begins, and the last one ends, in the data buffer."""
    count = len(ids) + 1
    if count == 1:
        return np.zeros(1, np.int64)
    return np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + count]


def _data(ids: pa.LargeBinaryArray) -> memoryview:
    """The bytes that the offsets point into."""
    return memoryview(ids.buffers()[2] or b"")
