"""Ids to row numbers, vectorised and exact, for ids of any bytes and any length.

Ids are hashed and compared in full: a hash only says where to look. ``_ids.c`` looks into a hash
table; numpy, where that was not built, among sorted hashes. Who writes the ids cannot choose them
so that their hashes meet: every index has a secret key of its own, made when it is made, and
nothing of it is stored. Rows do not depend on it.
"""

from __future__ import annotations

import hashlib
import secrets
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

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

if TYPE_CHECKING:
    from pipeline_core.transform._ids import Table

NOT_FOUND = -1

_KEY_BYTES = 16  # of the compiled table's
_WORD = 8
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(2**32 - 1)
# The bytes of a little-endian word that belong to an id with so many bytes left.
_MASKS = np.array([(1 << 8 * left) - 1 for left in range(_WORD + 1)], np.uint64)
# Of ten million ids, two have one hash with one key in 300,000. If it happens again and again, it
# is not chance.
_KEYS_TRIED = 3
# Of longer ids `stable_hashes` takes so many bytes.
_STABLE_BYTES = 256


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
class SortedHashes:
    """The index in numpy. ``hashes`` are sorted; the id with each one is in row ``rows``. ``key``
    and ``longest`` (the bytes of the longest id) are what `_hashes` takes."""

    ids: pa.LargeBinaryArray
    hashes: NDArray[np.uint64]
    rows: NDArray[np.int64]
    key: NDArray[np.uint64] = field(repr=False)
    longest: int

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> SortedHashes | SortedIds:
        """An index of distinct ids: without hashes if two have the same one, key after key."""
        longest = _longest(ids)
        for _ in range(_KEYS_TRIED):
            key = _new_key(longest)
            hashes = _hashes(ids, key, longest)
            rows = np.argsort(hashes, kind="stable")
            hashes = hashes[rows]
            if not np.any(hashes[1:] == hashes[:-1]):
                return cls(ids, hashes, rows, key, longest)
        return SortedIds.of(ids)

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        found = np.full(len(ids), NOT_FOUND, np.int64)
        if not len(self.hashes):
            return found
        hashes = _hashes(ids, self.key, self.longest)
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        rows = self.rows[places]
        same = pc.fill_null(pc.equal(ids, self.ids.take(pa.array(rows))), False)
        same = same.to_numpy(zero_copy_only=False)
        found[same] = rows[same]
        return found


@dataclass(frozen=True)
class SortedIds:
    """The index that hashes nothing and looks ids up one by one, each in a time that is bounded
    whatever the ids. ``ids`` are sorted; each one is in row ``rows``."""

    ids: Sequence[bytes]
    rows: Sequence[int]

    @classmethod
    def of(cls, ids: pa.LargeBinaryArray) -> SortedIds:
        """An index of distinct ids."""
        values = ids.to_pylist()
        rows = sorted(range(len(values)), key=values.__getitem__)
        return cls([values[row] for row in rows], rows)

    def rows_of(self, ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
        """As IdIndex has it."""
        return np.fromiter(map(self._row_of, ids.to_pylist()), np.int64, len(ids))

    def _row_of(self, one: bytes | None) -> int:
        if one is None:
            return NOT_FOUND
        place = bisect_left(self.ids, one)
        is_there = place < len(self.ids) and self.ids[place] == one
        return self.rows[place] if is_there else NOT_FOUND


@dataclass(frozen=True)
class GroupedIds:
    """``examples``: a row of each distinct id, in no promised order; ``number``: int64 of shape
    (rows,), which of them the id of each row is."""

    examples: NDArray[np.int64]
    number: NDArray[np.int64]


def group_ids(ids: pa.LargeBinaryArray) -> GroupedIds:
    """Equal ids together, null being one like any other. (Arrow's own way has no secret key.)"""
    longest, is_null = _longest(ids), ids.is_null().to_numpy(zero_copy_only=False)
    for _ in range(_KEYS_TRIED):
        hashes = np.where(is_null, np.uint64(0), _hashes(ids, _new_key(longest), longest))
        _, examples, number = np.unique(hashes, return_index=True, return_inverse=True)
        like = examples[number]
        same = pc.fill_null(pc.equal(ids, ids.take(pa.array(like))), False)
        if np.all(same.to_numpy(zero_copy_only=False) | (is_null & is_null[like])):
            return GroupedIds(examples, number)
    numbers = dict[bytes | None, int]()
    values = (numbers.setdefault(one, len(numbers)) for one in ids.to_pylist())
    number = np.fromiter(values, np.int64, len(ids))
    examples = np.empty(len(numbers), np.int64)
    examples[number] = np.arange(len(ids))
    return GroupedIds(examples, number)


def stable_hashes(ids: pa.LargeBinaryArray) -> NDArray[np.uint64]:
    """A hash of each id's first 256 bytes and its length, of shape (ids,), that is the same in
    every process: as `_hashes` with the numbers of SHAKE-128("ids"), little-endian, two by two. Of
    ids without nulls. Whoever chooses ids can make two meet, so only for what may take one for the
    other."""
    longest = min(_longest(ids), _STABLE_BYTES)
    return _hashes(ids, _stable_key(-(-longest // _WORD)), longest)


@lru_cache
def _stable_key(words: int) -> NDArray[np.uint64]:
    """As `_new_key`; that of fewer words is the beginning of that of more."""
    pairs = 2 + 2 * words
    numbers = np.frombuffer(hashlib.shake_128(b"ids").digest(2 * pairs * 8), "<u8")
    return numbers.reshape(pairs, 2).T


def _longest(ids: pa.LargeBinaryArray) -> int:
    return int(np.diff(_offsets(ids)).max(initial=0))


def _new_key(longest: int) -> NDArray[np.uint64]:
    """Secret numbers for `_hashes`, of shape (2, 2 and 2 a word)."""
    numbers = 2 + 2 * -(-longest // _WORD)
    return np.frombuffer(secrets.token_bytes(2 * numbers * 8), np.uint64).reshape(2, numbers)


def _hashes(ids: pa.LargeBinaryArray, key: NDArray[np.uint64], longest: int) -> NDArray[np.uint64]:
    """A hash of each id's first ``longest`` bytes and its length, of shape (ids,).

    Twice 32 bits by the function Multilinear of Lemire and Kaser, "Strongly universal string
    hashing is fast" (2014): the upper half of the sum of an id's 32-bit numbers, its length among
    them, each times a number of the key. Any two ids that were chosen without knowing the key
    have the same hash with a probability of 2**-64.
    """
    offsets = _offsets(ids)
    starts, lengths = offsets[:-1], np.diff(offsets)
    data = b"".join((_data(ids)[: offsets[-1]], bytes(_WORD)))
    words = np.ndarray(len(data) - _WORD + 1, "<u8", data, strides=(1,))  # one at each byte
    sums: list[NDArray[np.uint64]] = [
        first + lengths.astype(np.uint64) * second for first, second in key[:, :2]
    ]
    rows = np.arange(len(ids))
    for begin in range(0, longest, _WORD):
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


def _offsets(ids: pa.LargeBinaryArray) -> NDArray[np.int64]:
    """Where each id begins, and the last one ends, in the data buffer."""
    count = len(ids) + 1
    if count == 1:
        return np.zeros(1, np.int64)
    return np.frombuffer(ids.buffers()[1], np.int64)[ids.offset : ids.offset + count]


def _data(ids: pa.LargeBinaryArray) -> memoryview:
    """The bytes that the offsets point into."""
    return memoryview(ids.buffers()[2] or b"")
