"""Dimension snapshots, shared by all runs that saw the same customers and products, and the numbers
by which runs count distinct customers.

A run that takes over results of another one gives every customer the number it has there; any
other run numbers them as they stand. So runs of one snapshot may have other numbers, and these are
in a file beside it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline_core.dimensions.snapshot import Snapshot, from_parquet
from pipeline_core.errors import ContractError
from pipeline_core.parquet import read_parquet
from pipeline_core.storage import Storage, StoredObject

_FOLDER, _NAMES = "dimensions", ("customers.parquet", "products.parquet")
_PUT_BACK = (
    "Put it back from a backup of the state; a run with customers and products as they were then "
    "writes it again."
)


def save_snapshot(state: Storage, snapshot: Snapshot, before: str = "") -> str:
    """Stores a dimension snapshot under its digest; returns the digest. ``before`` is that of the
    run before, which stored its own."""
    digest = snapshot.digest
    is_there = state.is_far and digest == before
    listed = {each.key: each for each in state.files(f"{_FOLDER}/{digest}")} if is_there else {}
    for name, data in snapshot.to_parquet().items():
        key = f"{_FOLDER}/{digest}/{name}"
        # Always the same content, so writing again mends a file that a power cut tore. What a store
        # has whole, by a tag that says of which bytes, needs none.
        tag = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if key not in listed or (listed[key].size, listed[key].version) != (len(data), tag):
            state.write(key, data)
    return digest


def load_snapshot(state: Storage, digest: str) -> Snapshot:
    """Raises ContractError if the snapshot is gone or damaged."""
    try:
        files = {name: state.read(f"{_FOLDER}/{digest}/{name}") for name in _NAMES}
    except FileNotFoundError as error:
        gone = f"dimension snapshot {digest} is gone from {state.uri}"
        raise ContractError(gone, _PUT_BACK) from error
    try:
        return from_parquet(files, digest)
    except ContractError as error:
        raise ContractError(error.message, _PUT_BACK) from error


def save_customer_numbers(
    state: Storage, digest: str, numbers: NDArray[np.int64] | None
) -> str | None:
    """Stores numbers of the distinct customers of a snapshot, in their order; returns their digest.
    Nothing, and None, of those that stand as they count."""
    if numbers is None or np.array_equal(numbers, np.arange(len(numbers))):
        return None
    buffer = io.BytesIO()
    table = pa.table({"number": pa.array(numbers, pa.uint32())})
    pq.write_table(table, buffer, compression="zstd", use_dictionary=False)
    data = buffer.getvalue()
    found = hashlib.sha256(data).hexdigest()
    state.write(_numbers_key(digest, found), data)
    return found


def load_customer_numbers(
    state: Storage, digest: str, numbers: str | None
) -> NDArray[np.int64] | None:
    """Those that were stored as ``numbers``; None is as they stand. Raises ContractError if they
    are gone or damaged."""
    if numbers is None:
        return None
    try:
        data = state.read(_numbers_key(digest, numbers))
    except FileNotFoundError as error:
        raise ContractError(f"customer numbers {numbers} are gone from {state.uri}") from error
    if hashlib.sha256(data).hexdigest() != numbers:
        raise ContractError(f"customer numbers {numbers} are damaged: their digest differs")
    found: NDArray[np.int64] = read_parquet(data)["number"].to_numpy().astype(np.int64)
    return found


def snapshot_keys(digest: str, numbers: str | None) -> set[str]:
    """Keys of the files of a snapshot, and of customers' numbers beside it."""
    keys = {f"{_FOLDER}/{digest}/{name}" for name in _NAMES}
    return keys if numbers is None else {*keys, _numbers_key(digest, numbers)}


def unused_snapshots(state: Storage, used: Collection[str]) -> Iterator[StoredObject]:
    """Files of snapshots, but for those ``used``, by their keys."""
    for digest in state.folders(_FOLDER):
        for stored in state.files(f"{_FOLDER}/{digest}"):
            if stored.key not in used:
                yield stored


def _numbers_key(digest: str, numbers: str) -> str:
    return f"{_FOLDER}/{digest}/numbers.{numbers[:16]}.parquet"
