"""Ids to rows: what a dictionary would say, for any bytes and lengths."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import product
from operator import mul

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline_core.transform import ids as ids_module
from pipeline_core.transform.ids import (
    NOT_FOUND,
    HashTable,
    PlainIndex,
    group_ids,
    stable_hashes,
)

# Short alphabets and lengths around a word make near misses likely.
IDS = st.binary(max_size=3) | st.text("ab\0ü", max_size=20).map(str.encode)
KNOWN = st.lists(IDS, unique=True, max_size=40)

Kind = type[PlainIndex] | type[HashTable]
KINDS: list[Kind] = [PlainIndex, *[HashTable] * ids_module.IS_COMPILED]
KEY = bytes(range(16))
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


@given(st.lists(IDS | st.none(), max_size=60), st.integers(0, 3))
@settings(deadline=None)
def test_equal_ids_are_grouped(values: list[bytes | None], skipped: int) -> None:
    ids = _array(values)[skipped:]
    distinct, number = group_ids(ids)
    assert len(distinct) == len(set(distinct.to_pylist()))
    assert distinct.take(pa.array(number)).to_pylist() == ids.to_pylist()


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


def _alike(count: int) -> list[bytes | None]:
    """Ids that have one hash with every seed if they are hashed by odd factors: two words after
    each other undo what either does to the other one's highest bit."""
    pairs = bytes(16), bytes(7) + b"\x80" + bytes(3) + b"\x40" + bytes(3) + b"\x80"
    words = count.bit_length() - 1
    return [b"".join(chosen) for chosen in product(pairs, repeat=words)]


def _seconds(work: Callable[[], object]) -> float:
    """The least of some tries: what else the machine does only adds to it."""
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


@each_kind
def test_chosen_ids_take_no_longer_than_others(kind: Kind) -> None:
    chosen = _alike(4096)
    length = len(chosen[0] or b"")
    others = _array([number.to_bytes(length, "little") for number in range(len(chosen))])

    def work(ids: pa.LargeBinaryArray) -> None:
        index = kind.of(ids)
        assert isinstance(index, kind)
        assert index.rows_of(ids).tolist() == list(range(len(ids)))

    assert _seconds(lambda: work(_array(chosen))) < 5 * _seconds(lambda: work(others))


@given(st.binary(min_size=16, max_size=16) | st.just(bytes(16)))
def test_all_of_a_full_table_are_found_whatever_its_key(key: bytes) -> None:
    """As full as a table gets, whatever collides."""
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    known = _array([b"%d" % number for number in range(64)])
    asked = _array([b"%d" % number for number in range(65)])
    table = _ids.table_of(ids_module._offsets(known), ids_module._data(known), key)
    found = _ids.rows_of(table, ids_module._offsets(asked), ids_module._data(asked))
    assert np.frombuffer(found, np.int64).tolist() == [*range(64), NOT_FOUND]


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="Python hashes otherwise")
def test_the_hash_is_the_one_of_pythons_dictionaries() -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    ids = [bytes(range(length)) for length in range(1, 40)]
    said = subprocess.run(
        [sys.executable, "-c", f"print(*[hash(each) % 2**64 for each in {ids!r}])"],
        env=os.environ | {"PYTHONHASHSEED": "0"},  # a key of zeros
        capture_output=True,
        text=True,
        check=True,
    )
    assert [_ids.hash_of(each, bytes(16)) for each in ids] == [*map(int, said.stdout.split())]
    assert len({_ids.hash_of(b"id", bytes([number]) * 16) for number in range(100)}) == 100


WRAPPED = 2**63 - 1  # in 64 bits, each of [0, WRAPPED, 1 - WRAPPED, 1] is more than the one before


@pytest.mark.parametrize(
    "offsets", [[], [1, 0], [0, 3], [-1, 0], [0, 2, 1, 2], [0, WRAPPED, 1 - WRAPPED, 1]]
)
def test_offsets_that_lead_outside_are_refused(offsets: list[int]) -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    wrong, data, right = np.array(offsets, np.int64), b"ab", np.array([0, 1], np.int64)
    with pytest.raises(ValueError, match="offsets do not fit"):
        _ids.table_of(wrong, data, KEY)
    table = _ids.table_of(right, data, KEY)
    with pytest.raises(ValueError, match="offsets do not fit"):
        _ids.rows_of(table, wrong, data)


@pytest.mark.parametrize("kind", ["i4", ">i8", "u8", "f8"])
def test_offsets_of_another_type_are_refused(kind: str) -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    with pytest.raises(ValueError, match="offsets do not fit"):
        _ids.table_of(np.array([0, 0], kind), b"ab", KEY)


@pytest.mark.parametrize("table", [b"\xff" * 32, None, sys])
def test_a_table_of_somebody_else_is_refused(table: object) -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    with pytest.raises(TypeError, match="none that table_of made"):
        _ids.rows_of(table, np.array([0, 1], np.int64), b"a")


def test_a_table_holds_what_it_is_of_and_nothing_else_does() -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    right, data = bytearray(np.array([0, 2], np.int64).tobytes()), bytearray(b"ab")
    wrong = [(memoryview(right).cast("q")[:0], data, KEY), (data, data, KEY), (data, data, b"")]
    for arguments in wrong:
        with pytest.raises(ValueError, match=r"the offsets do not fit|16 bytes"):
            _ids.table_of(*arguments)
    data.extend(b"c")
    table = _ids.table_of(memoryview(right).cast("q"), data, KEY)
    for held in (right, data):
        with pytest.raises(BufferError):
            held.extend(b"d")
    del table, wrong, arguments
    right.extend(b"d")
    data.extend(b"d")


def test_known_ids_that_change_later_are_not_found() -> None:
    _ids = pytest.importorskip("pipeline_core.transform._ids")
    known, asked = np.array([0, 1, 2], np.int64), np.array([0, 1, 2], np.int64)
    table = _ids.table_of(known, b"ab", KEY)
    known[:] = 2**62, 2**63 - 1, -(2**63)
    assert np.frombuffer(_ids.rows_of(table, asked, b"ab"), np.int64).tolist() == [NOT_FOUND] * 2


def test_stable_hashes_are_always_the_same() -> None:
    """They are kept from run to run."""
    ids = pa.array([b"", b"c1", b"customer-42", bytes(range(256)) + b"!"], pa.large_binary())
    hashes = [
        16727309052599314114,
        13952448477748691665,
        15691563592506781109,
        14403862845639289653,
    ]
    assert stable_hashes(ids).tolist() == hashes
    alone = [int(stable_hashes(ids.slice(place, 1))[0]) for place in range(len(ids))]
    assert alone == hashes


def _stable_hash(one: bytes) -> int:
    """As `stable_hashes` describes it."""
    start = one[:256]
    words = np.frombuffer(start + bytes(-len(start) % 8), "<u4").tolist()
    numbers = [1, len(one), *words]
    key = np.frombuffer(hashlib.shake_128(b"ids").digest(132 * 8), "<u8").tolist()
    first, second = (sum(map(mul, numbers, key[half::2])) % 2**64 >> 32 for half in range(2))
    return int(first) << 32 | int(second)


@given(st.lists(IDS | st.binary(min_size=200, max_size=300), max_size=20), st.integers(0, 3))
@settings(deadline=None)
def test_stable_hashes_are_as_they_are_described(values: list[bytes], skipped: int) -> None:
    found = stable_hashes(_array([*values])[skipped:])
    assert found.tolist() == [*map(_stable_hash, values[skipped:])]


def test_stable_hashes_look_at_the_length_and_at_256_bytes() -> None:
    ids = [b"\0", b"\0\0", b"a" * 256 + b"b", b"a" * 256 + b"c", b"a" * 255 + b"cc"]
    one, two, three, four, five = stable_hashes(pa.array(ids, pa.large_binary())).tolist()
    assert len({one, two, three, five}) == 4
    assert three == four
