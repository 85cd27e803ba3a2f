"""Ids to row numbers, vectorised and exact, for ids of any bytes and any length.

Ids are hashed eight bytes at once, found among sorted hashes, and compared in full: a hash
only says where to look.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NOT_FOUND = -1

_WORD = 8
# Odd 64-bit constant and shift of MurmurHash3's finaliser (Appleby, 2011).
_FACTOR = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT = np.uint64(33)
# The bytes of a little-endian word that belong to an id with so many bytes left.
_MASKS = np.array([(1 << 8 * left) - 1 for left in range(_WORD + 1)], np.uint64)


@dataclass(frozen=True)
class IdIndex:
    """Distinct ``ids`` (large_binary, no nulls). ``hashes`` are sorted; the id with each one
    is in row ``rows``."""

    ids: pa.LargeBinaryArray
    hashes: NDArray[np.uint64]
    rows: NDArray[np.int64]
    seed: np.uint64
    longest: int

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> IdIndex:
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
        """The row of each id, NOT_FOUND where there is none or the id is null."""
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
    data = b"".join((memoryview(ids.buffers()[2] or b"")[: offsets[-1]], bytes(_WORD)))
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
