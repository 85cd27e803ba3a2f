"""What a run knows of its archives, by the block: it is left to the next run, which takes receipts
over by naming the blocks that they are in."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence

import msgspec

from pipeline_core.blocks.files import BlockWriter, are_few, read_block, split
from pipeline_core.errors import DamagedBlock
from pipeline_core.messages import (
    ArchiveBlock,
    Known,
    Memory,
    Policy,
    Receipt,
    ReusedBlock,
    ReusedReceipts,
    Tally,
    Work,
)
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once

_NOT_TAKEN = -1


class KnownInBlocks(Collection[Known]):
    """Reads one block at a time; what is in damaged ones is not known."""

    def __init__(self, state: Storage, blocks: Sequence[ArchiveBlock]) -> None:
        self._state, self._blocks = state, blocks

    def __len__(self) -> int:
        return sum(block.records for block in self._blocks)

    def __iter__(self) -> Iterator[Known]:
        return (known for _, block in self.by_block() for known in block)

    def __contains__(self, known: object) -> bool:
        return any(each == known for each in self)

    def by_block(self) -> Iterator[tuple[ArchiveBlock, list[Known]]]:
        """Blocks with what is in them."""

        def read(block: ArchiveBlock) -> list[Known] | None:
            try:
                return read_block(self._state, block, Known)
            except DamagedBlock:  # the log says so; its archives are counted again
                return None

        found = at_once(self._state, read, self._blocks, Policy().requests)
        for block, known in zip(self._blocks, found, strict=True):
            if known is not None:
                yield block, known


def memory_in_blocks(state: Storage, memory: Memory, earlier: Sequence[ArchiveBlock]) -> Memory:
    """A memory as it is to be kept: of many archives it names blocks, those that an ``earlier``
    run wrote where they are the same. Raises RetryableError."""
    if are_few(memory.archives):
        return msgspec.structs.replace(memory, archives=tuple(map(_without_run, memory.archives)))
    writer = BlockWriter(state, memory.run_id, earlier)
    blocks = [
        writer.write([_without_run(known) for known in block])
        for block in split(memory.archives, lambda known: known.archive.name)
    ]
    return msgspec.structs.replace(memory, archives=(), blocks=tuple(blocks))


def with_known(state: Storage, memory: Memory) -> Memory:
    """A memory as it was kept, with what is known of the archives."""
    if not memory.blocks:
        return memory
    return msgspec.structs.replace(memory, archives=KnownInBlocks(state, memory.blocks))


def taken_over_blocks(
    known: KnownInBlocks, numbers: Mapping[str, int], names: Container[str]
) -> ReusedReceipts:
    """Names the blocks with receipts of archives that are taken over (``names``), ``numbers``
    being those of all archives of the run that does."""
    blocks: list[ReusedBlock] = []
    shares: dict[int, int] = {}
    for block, archives in known.by_block():
        found = [
            numbers[each.archive.name] if each.archive.name in names else _NOT_TAKEN
            for each in archives
        ]
        shares |= {
            number: len(each.done)
            for number, each in zip(found, archives, strict=True)
            if number != _NOT_TAKEN and each.archive.shares
        }
        if set(found) != {_NOT_TAKEN}:
            blocks.append(_reused(block, found))
    return ReusedReceipts(blocks=tuple(blocks), shares=shares)


def works_of(reused: ReusedBlock, shares: Mapping[int, int]) -> list[list[Work]]:
    """The work of this run whose receipts each of the block's records has."""
    numbers = reused.numbers or range(reused.first, reused.first + reused.block.records)
    return [
        []
        if number == _NOT_TAKEN
        else [Work(f"{number:05d}", share=share) for share in range(shares[number])]
        if number in shares
        else [Work(f"{number:05d}")]
        for number in numbers
    ]


def receipts_in(
    state: Storage, run_id: str, reused: ReusedBlock, shares: Mapping[int, int]
) -> Iterator[tuple[str, Receipt]]:
    """Receipts that are taken over, by the work's id. Raises DamagedBlock."""
    for works, known in zip(
        works_of(reused, shares), read_block(state, reused.block, Known), strict=True
    ):
        for work, (_, receipt) in zip(works, known.done, strict=False):
            yield work.id, msgspec.structs.replace(receipt, run_id=run_id, archive=work.archive)


def without_archives(reused: ReusedReceipts, archive_ids: Iterable[str]) -> ReusedReceipts:
    """What is taken over, but for some archives."""
    gone = set(map(int, archive_ids))

    def left(block: ReusedBlock) -> ReusedBlock:
        numbers = block.numbers or range(block.first, block.first + block.block.records)
        left = [_NOT_TAKEN if number in gone else number for number in numbers]
        return block if left == list(numbers) else _reused(block.block, left)

    return msgspec.structs.replace(reused, blocks=tuple(map(left, reused.blocks)))


def as_taken_over(receipt: Receipt, run_id: str, archive_id: str) -> Receipt:
    """The receipt of a run that opened nothing for it."""
    days = receipt.days
    return msgspec.structs.replace(
        receipt,
        run_id=run_id,
        archive=archive_id,
        days=Tally(0, days.read + days.reused, days.duplicate, days.unreadable),
        bytes_read=0,
        seconds=0.0,
        made_by=None,
    )


def _without_run(known: Known) -> Known:
    """What any run would keep of it."""
    return Known(
        msgspec.structs.replace(known.archive, id=""),
        tuple(
            (msgspec.structs.replace(work, archive=""), as_taken_over(receipt, "", ""))
            for work, receipt in known.done
        ),
    )


def _reused(block: ArchiveBlock, numbers: Sequence[int]) -> ReusedBlock:
    first = numbers[0]
    is_run = list(numbers) == list(range(first, first + len(numbers)))
    return ReusedBlock(block, first) if is_run else ReusedBlock(block, 0, tuple(numbers))
