"""Receipts of work without events that were sent before, by the block where they are many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline_core.blocks.files import BlockWriter, are_few, read_block, split
from pipeline_core.messages import ArchiveBlock, DistinctReceipts, Policy, Receipt
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once


def distinct_in_blocks(
    state: Storage,
    run_id: str,
    receipts: Mapping[str, Receipt],
    earlier: Iterable[ArchiveBlock] = (),
) -> DistinctReceipts:
    """Receipts as they are to be kept: of many it names blocks, those that an ``earlier`` record
    named where they are the same. Raises RetryableError."""
    if are_few(receipts):
        return DistinctReceipts(dict(receipts))
    writer = BlockWriter(state, run_id, earlier)
    blocks = split(sorted(receipts.items()), lambda item: item[0])
    return DistinctReceipts({}, tuple(map(writer.write, blocks)))


def distinct_of(state: Storage, kept: DistinctReceipts) -> dict[str, Receipt]:
    """The receipts, as they were. Raises DamagedBlock."""

    def read(block: ArchiveBlock) -> list[tuple[str, Receipt]]:
        return read_block(state, block, tuple[str, Receipt])

    found = dict(kept.receipts)
    for block in at_once(state, read, kept.blocks, Policy().requests):
        found.update(block)
    return found
