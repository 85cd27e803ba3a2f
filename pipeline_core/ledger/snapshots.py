"""Dimension snapshots, shared by all runs that saw the same customers and products."""

from __future__ import annotations

from pipeline_core.dimensions.snapshot import Snapshot, from_parquet
from pipeline_core.errors import ContractError
from pipeline_core.storage import Storage


def save_snapshot(state: Storage, snapshot: Snapshot) -> str:
    """Stores a dimension snapshot under its digest; returns the digest."""
    digest = snapshot.digest
    for name, data in snapshot.to_parquet().items():
        # Always the same content, so writing again mends a file that a power cut tore.
        state.write(f"dimensions/{digest}/{name}", data)
    return digest


def load_snapshot(state: Storage, digest: str) -> Snapshot:
    """Raises ContractError if the snapshot is gone or damaged."""
    names = ("customers.parquet", "products.parquet")
    try:
        files = {name: state.read(f"dimensions/{digest}/{name}") for name in names}
    except FileNotFoundError as error:
        raise ContractError(f"dimension snapshot {digest} is gone from {state.uri}") from error
    return from_parquet(files, digest)
