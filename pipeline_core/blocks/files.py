"""The files of blocks: each is written once, named by what is in it, and read as a whole."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from typing import Any, TypeVar

import msgspec

from pipeline_core.blocks.damaged import clear_up
from pipeline_core.errors import DamagedBlock
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import ArchiveBlock
from pipeline_core.storage import Storage

FOLDER = "blocks"
# To read one file more costs more than the records of so many archives.
MOST_IN_ONE_FILE = 64
# One archive in so many ends a block, on the average; none has more than four times as many.
_ARCHIVES = 64
_MOST_ARCHIVES = 4 * _ARCHIVES
# Packing is to cost less than writing what it saves.
_LEVEL = 1

_Record = TypeVar("_Record")


def are_few(records: Sized) -> bool:
    """Whether they stand in the file that would name their blocks."""
    return len(records) <= MOST_IN_ONE_FILE


def split(records: Iterable[_Record], name: Callable[[_Record], str]) -> Iterator[list[_Record]]:
    """Neighbouring records by the block, by the names of their archives."""
    block: list[_Record] = []
    for record in records:
        block.append(record)
        ends = hashlib.sha256(name(record).encode()).digest()[1] < 256 // _ARCHIVES
        if ends or len(block) >= _MOST_ARCHIVES:
            yield block
            block = []
    if block:
        yield block


class BlockWriter:
    """Writes the blocks of a run. Records that stand in a block already, of those that an earlier
    run named, are not written again."""

    def __init__(self, state: Storage, run_id: str, earlier: Iterable[ArchiveBlock] = ()) -> None:
        self._state, self._run_id = state, run_id
        standing = {each.digest: each for each in earlier}
        there = {stored.key for stored in state.files(FOLDER)} if standing else set()
        self._standing = {digest: each for digest, each in standing.items() if each.key in there}

    def write(self, records: Sequence[Any]) -> ArchiveBlock:
        """The block of some records. Raises RetryableError."""
        data = msgspec.json.encode(records)
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._standing:
            key = f"{FOLDER}/{self._run_id}.{digest[:16]}.json.gz"
            self._state.write(key, gzip.compress(data, _LEVEL, mtime=0))
            self._standing[digest] = ArchiveBlock(key, digest, len(records))
        return self._standing[digest]


def read_block(state: Storage, block: ArchiveBlock, kind: type[_Record]) -> list[_Record]:
    """Its records. Raises DamagedBlock."""
    try:
        data = gzip.decompress(state.read(block.key))
        if hashlib.sha256(data).hexdigest() == block.digest:
            return msgspec.json.decode(data, type=known(list[kind]))  # type: ignore[valid-type]
        cause = "its digest is another"
    except FileNotFoundError:
        cause = "it is gone"
    except (OSError, EOFError, zlib.error) as error:  # gzip's, of a file that is torn
        cause = str(error)
    clear_up(state, block.key, "block", cause)
    raise DamagedBlock(f"{block.key} is damaged: {cause}.", "Start another: `sales-pipeline run`.")


def writer_of(key: str) -> str:
    """The run that wrote a block, by the key of its file."""
    return key.rsplit("/", 1)[-1].partition(".")[0]
