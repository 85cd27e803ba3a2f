"""The archives of a plan, by the block: whoever asks for one reads the block that it is in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

import msgspec

from pipeline_core.blocks.files import BlockWriter, are_few, read_block, split
from pipeline_core.messages import ArchiveBlock, ArchiveRef, Manifest, Policy, WorkSizes
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once


class ArchivesInBlocks(Sequence[ArchiveRef]):
    """Reads what it is asked for, and holds the last block. Raises DamagedBlock of one that is
    damaged."""

    def __init__(self, state: Storage, blocks: Sequence[ArchiveBlock], work: ArchiveBlock) -> None:
        self._state, self._blocks, self._work = state, blocks, work
        self._ends = list(accumulate(block.records for block in blocks))
        self._last: tuple[int, list[ArchiveRef]] = -1, []

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, place: int) -> ArchiveRef: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[ArchiveRef]: ...

    def __getitem__(self, place: int | slice) -> ArchiveRef | Sequence[ArchiveRef]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        place = range(len(self))[place]
        number = bisect_right(self._ends, place)
        return self._block(number)[place - self._first(number)]

    def __iter__(self) -> Iterator[ArchiveRef]:
        numbers = range(len(self._blocks))
        read = self._block if len(numbers) == 1 or not self._state.is_far else self._read
        for block in at_once(self._state, read, numbers, Policy().requests):
            yield from block

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(one == each for one, each in zip(self, other, strict=True))
        )

    __hash__ = None  # type: ignore[assignment]

    def pieces(self) -> Iterable[WorkSizes]:
        """The work that each archive is; no block of archives is read."""
        for number, sizes in enumerate(read_block(self._state, self._work, list[int])):
            yield WorkSizes(_id(number), sizes)

    def _first(self, number: int) -> int:
        return self._ends[number - 1] if number else 0

    def _block(self, number: int) -> list[ArchiveRef]:
        last, archives = self._last
        if last != number:
            archives = self._read(number)
            self._last = number, archives
        return archives

    def _read(self, number: int) -> list[ArchiveRef]:
        found = read_block(self._state, self._blocks[number], ArchiveRef)
        return [
            msgspec.structs.replace(archive, id=_id(place))
            for place, archive in enumerate(found, self._first(number))
        ]


def in_blocks(state: Storage, manifest: Manifest, earlier: Iterable[ArchiveBlock]) -> Manifest:
    """The manifest as it is to be kept: of many archives it names blocks, those that an
    ``earlier`` run wrote where they are the same. Raises RetryableError."""
    if are_few(manifest.archives):
        return msgspec.structs.replace(manifest, archives=tuple(manifest.archives))
    writer = BlockWriter(state, manifest.run_id, earlier)
    blocks = [
        writer.write([msgspec.structs.replace(archive, id="") for archive in block])
        for block in split(manifest.archives, lambda archive: archive.name)
    ]
    work = writer.write([archive.pieces().sizes for archive in manifest.archives])
    return msgspec.structs.replace(manifest, archives=(), blocks=tuple(blocks), work=work)


def with_archives(state: Storage, manifest: Manifest) -> Manifest:
    """A manifest as it was kept, with its archives."""
    if manifest.work is None:
        return manifest
    archives = ArchivesInBlocks(state, manifest.blocks, manifest.work)
    return msgspec.structs.replace(manifest, archives=archives)


def _id(number: int) -> str:
    return f"{number:05d}"
