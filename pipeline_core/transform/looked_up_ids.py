"""Ids that were looked up among customers or products: only if a row of one of these changes can
the events that name them count otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyroaring import BitMap

from pipeline_core.transform.bitmaps import bitmap_of
from pipeline_core.transform.ids import NOT_FOUND, stable_hashes
from pipeline_core.transform.reports.base import distinct
from pipeline_core.transform.running_merge import RunningMerge

_LEAST_MERGED_HASHES = 1 << 16


@dataclass(frozen=True)
class LookedUpIds:
    """``known`` are places among the distinct ids of the dimension, int64; of ids that it does not
    have, ``unknown`` are the `stable_hashes`, uint64. Both are sorted, each one once."""

    known: NDArray[np.int64]
    unknown: NDArray[np.uint64]


def looked_up_ids(ids: pa.ChunkedArray, places: NDArray[np.int64]) -> LookedUpIds:
    """Of ``ids`` (large_binary), which stand in ``places`` (int64, of the same length) among those
    of the dimension, NOT_FOUND if they are unknown or null."""
    known = places[places != NOT_FOUND]
    strangers = np.flatnonzero((places == NOT_FOUND) & ids.is_valid().to_numpy())
    unknown = ids.combine_chunks().take(pa.array(strangers))
    return LookedUpIds(
        distinct(known, int(known.max(initial=0)) + 1), _distinct(stable_hashes(unknown))
    )


class IdLog:
    """The ids of one dimension that all events so far name."""

    def __init__(self) -> None:
        self._known = BitMap()
        self._unknown = RunningMerge(_merged, len, _LEAST_MERGED_HASHES)

    def add(self, found: LookedUpIds) -> None:
        """Takes those of more events."""
        self.add_known(bitmap_of(found.known.astype(np.uint32)))
        self._unknown.add(found.unknown)

    def add_known(self, places: BitMap) -> None:
        """Takes places among the distinct ids of the dimension."""
        self._known |= places

    def absorb(self, other: IdLog) -> None:
        """Takes those of another log."""
        self._known |= other._known
        self._unknown.add(other.unknown())

    def known(self, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The `stable_hashes` of those that the dimension has, sorted; those of all its distinct
        ids are ``hashes``."""
        return _distinct(hashes[np.frombuffer(self._known.to_array(), np.uint32)])

    def unknown(self) -> NDArray[np.uint64]:
        """Of the others, sorted."""
        return self._unknown.whole()


def _merged(pieces: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    if not pieces:  # as in nearly all archives
        return np.zeros(0, np.uint64)
    return _distinct(np.concatenate(pieces))


def _distinct(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each one once, sorted. np.unique makes a table of them first, which takes longer than to sort
    them."""
    found = np.sort(hashes)
    is_first = np.ones(len(found), np.bool_)
    np.not_equal(found[1:], found[:-1], out=is_first[1:])
    return found[is_first]
