"""Snapshots of customers and products that are gone, or are no longer what was stored."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ContractError
from pipeline_core.kept.snapshots import load_snapshot, save_snapshot
from pipeline_core.schemas import CUSTOMERS, PRODUCTS
from pipeline_core.storage import open_storage


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_a_snapshot_that_cannot_be_read_says_what_helps(
    tmp_path: Path, content: bytes | None
) -> None:
    state = open_storage(str(tmp_path))
    customers, products = (pa.Table.from_pylist([], each) for each in (CUSTOMERS, PRODUCTS))
    digest = save_snapshot(state, Snapshot(customers, products, 2))
    assert load_snapshot(state, digest).digest == digest
    (path,) = tmp_path.rglob("products.parquet")
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ContractError, match=digest) as refused:
        load_snapshot(state, digest)
    assert "from a backup" in refused.value.remedy
