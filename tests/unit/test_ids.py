"""Ids to rows: what a dictionary would say, for any bytes and lengths."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.transform import ids as ids_module
from pipeline_core.transform.ids import NOT_FOUND, IdIndex

# Short alphabets and lengths around a word make near misses likely.
IDS = st.binary(max_size=3) | st.text("ab\0ü", max_size=20).map(str.encode)
KNOWN = st.lists(IDS, unique=True, max_size=40)


def _array(values: list[bytes | None]) -> pa.LargeBinaryArray:
    return pa.array(values, pa.large_binary())


@given(KNOWN, st.lists(IDS | st.none(), max_size=60), st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_rows_are_those_of_a_dictionary(
    known: list[bytes], asked: list[bytes | None], skipped: int
) -> None:
    asked += list(known)
    expected = {value: row for row, value in enumerate(known)}
    index = IdIndex.of(_array([*known]))
    rows = index.rows_of(_array(asked)[skipped:])
    assert rows.tolist() == [
        NOT_FOUND if value is None else expected.get(value, NOT_FOUND) for value in asked[skipped:]
    ]


def test_an_index_of_a_slice_counts_from_the_slice() -> None:
    index = IdIndex.of(_array([b"before", b"a", b"b"])[1:])
    assert index.rows_of(_array([b"b", b"before", b"a"])).tolist() == [1, NOT_FOUND, 0]


def test_long_ids_are_compared_to_their_last_byte() -> None:
    long = b"x" * 100_000
    index = IdIndex.of(_array([long, long[:-1] + b"y"]))
    asked = [long[:-1] + b"y", long, long[:-1] + b"z", long + b"x", long[:-1]]
    assert index.rows_of(_array([*asked])).tolist() == [1, 0, NOT_FOUND, NOT_FOUND, NOT_FOUND]


def test_a_hash_only_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def length(ids: pa.LargeBinaryArray, _seed: np.uint64, _longest: int) -> object:
        return np.diff(ids_module._offsets(ids)).astype(np.uint64)

    monkeypatch.setattr(ids_module, "_hashes", length)
    index = IdIndex.of(_array([b"a", b"bb"]))
    asked = _array([b"bb", b"a", b"b", b"", b"ba"])
    assert index.rows_of(asked).tolist() == [1, 0, NOT_FOUND, NOT_FOUND, NOT_FOUND]


def test_two_ids_with_one_hash_get_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seeds = ids_module._hashes, list[np.uint64]()

    def once_alike(ids: pa.LargeBinaryArray, seed: np.uint64, longest: int) -> object:
        seeds.append(seed)
        return real(ids, seed, longest) if len(seeds) > 1 else np.zeros(len(ids), np.uint64)

    monkeypatch.setattr(ids_module, "_hashes", once_alike)
    index = IdIndex.of(_array([b"a", b"b"]))
    assert len(seeds) == 2
    assert index.rows_of(_array([b"b", b"a"])).tolist() == [1, 0]
