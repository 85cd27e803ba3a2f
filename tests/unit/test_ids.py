"""Ids to rows: what a dictionary would say, for any bytes and lengths."""

from __future__ import annotations

import secrets

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.transform import ids as ids_module
from pipeline_core.transform.ids import NOT_FOUND, HashTable, SortedHashes, index_of

# Short alphabets and lengths around a word make near misses likely.
IDS = st.binary(max_size=3) | st.text("ab\0ü", max_size=20).map(str.encode)
KNOWN = st.lists(IDS, unique=True, max_size=40)

Kind = type[SortedHashes] | type[HashTable]
KINDS: list[Kind] = [SortedHashes, HashTable] if ids_module.IS_COMPILED else [SortedHashes]
each_kind = pytest.mark.parametrize("kind", KINDS)


def _array(values: list[bytes | None]) -> pa.LargeBinaryArray:
    return pa.array(values, pa.large_binary())


@given(KNOWN, st.lists(IDS | st.none(), max_size=60), st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_rows_are_those_of_a_dictionary(
    known: list[bytes], asked: list[bytes | None], skipped: int
) -> None:
    asked += list(known)
    expected = {value: row for row, value in enumerate(known)}
    for kind in KINDS:
        index = kind.of(_array([*known]))
        rows = index.rows_of(_array(asked)[skipped:])
        assert rows.tolist() == [
            NOT_FOUND if value is None else expected.get(value, NOT_FOUND)
            for value in asked[skipped:]
        ]


@each_kind
def test_an_index_of_a_slice_counts_from_the_slice(kind: Kind) -> None:
    index = kind.of(_array([b"before", b"a", b"b"])[1:])
    assert index.rows_of(_array([b"b", b"before", b"a"])).tolist() == [1, NOT_FOUND, 0]


@each_kind
def test_long_ids_are_compared_to_their_last_byte(kind: Kind) -> None:
    long = b"x" * 100_000
    index = kind.of(_array([long, long[:-1] + b"y"]))
    asked = [long[:-1] + b"y", long, long[:-1] + b"z", long + b"x", long[:-1]]
    assert index.rows_of(_array([*asked])).tolist() == [1, 0, NOT_FOUND, NOT_FOUND, NOT_FOUND]


def test_a_hash_only_says_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def length(ids: pa.LargeBinaryArray, _seed: np.uint64, _longest: int) -> object:
        return np.diff(ids_module._offsets(ids)).astype(np.uint64)

    monkeypatch.setattr(ids_module, "_hashes", length)
    index = SortedHashes.of(_array([b"a", b"bb"]))
    asked = _array([b"bb", b"a", b"b", b"", b"ba"])
    assert index.rows_of(asked).tolist() == [1, 0, NOT_FOUND, NOT_FOUND, NOT_FOUND]


def test_two_ids_with_one_hash_get_another_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    real, seeds = ids_module._hashes, list[np.uint64]()

    def once_alike(ids: pa.LargeBinaryArray, seed: np.uint64, longest: int) -> object:
        seeds.append(seed)
        return real(ids, seed, longest) if len(seeds) > 1 else np.zeros(len(ids), np.uint64)

    monkeypatch.setattr(ids_module, "_hashes", once_alike)
    index = SortedHashes.of(_array([b"a", b"b"]))
    assert len(seeds) == 2
    assert index.rows_of(_array([b"b", b"a"])).tolist() == [1, 0]


@given(st.integers(0, 2**64 - 1))
def test_all_of_a_full_table_are_found(seed: int) -> None:
    """As full as a table gets, whatever collides."""
    known = _array([b"%d" % number for number in range(64)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "randbits", lambda _: seed)
        index = index_of(known)
    assert index.rows_of(known).tolist() == list(range(64))
    assert index.rows_of(_array([b"64"])).tolist() == [NOT_FOUND]


@pytest.mark.parametrize("offsets", [[], [1, 0], [0, 3], [-1, 0], [0, 2, 1, 2]])
def test_offsets_that_lead_outside_are_refused(offsets: list[int]) -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    wrong, data, right = np.array(offsets, np.int64), b"ab", np.array([0, 1], np.int64)
    with pytest.raises(ValueError, match="offsets do not fit"):
        _ids.table_of(wrong, data, 0)
    table = _ids.table_of(right, data, 0)
    with pytest.raises(ValueError, match="offsets do not fit"):
        _ids.rows_of(table, right, data, 0, wrong, data)
    with pytest.raises(ValueError, match="not of these ids"):
        _ids.rows_of(table[:-4], right, data, 0, right, data)
