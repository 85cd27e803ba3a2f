"""Very many records in memory, by the block: packed, but for those that are looked at."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Generic, TypeVar, overload

import msgspec

from pipeline_core.machine.known_kinds import known

_RECORDS = 64
_LEVEL = 1

_Record = TypeVar("_Record")


class Packed(Sequence[_Record], Generic[_Record]):
    """Records of one kind, in the order in which they came. To go over them unpacks one block
    after the other; none stays but that of the last one that was asked for by its place."""

    def __init__(self, kind: type[_Record], records: Iterable[_Record]) -> None:
        self._kind, self._blocks, self._count = kind, list[bytes](), 0
        self._last: tuple[int, list[_Record]] = -1, []
        waiting: list[_Record] = []
        for record in records:
            waiting.append(record)
            self._count += 1
            if len(waiting) == _RECORDS:
                self._blocks.append(_packed(waiting))
                waiting = []
        if waiting:
            self._blocks.append(_packed(waiting))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[_Record]:
        for number in range(len(self._blocks)):
            yield from self._unpacked(number)

    @overload
    def __getitem__(self, place: int) -> _Record: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[_Record]: ...

    def __getitem__(self, place: int | slice) -> _Record | Sequence[_Record]:
        if isinstance(place, slice):
            return [self[each] for each in range(self._count)[place]]
        number, within = divmod(range(self._count)[place], _RECORDS)
        if self._last[0] != number:
            self._last = number, self._unpacked(number)
        return self._last[1][within]

    def _unpacked(self, number: int) -> list[_Record]:
        data = zlib.decompress(self._blocks[number])
        return msgspec.msgpack.decode(data, type=known(list[self._kind]))  # type: ignore[name-defined]


def held(kind: type[_Record], records: Iterable[_Record]) -> Sequence[_Record]:
    """Records to go over again and again: many are packed, and few stay as they are."""
    rest = iter(records)
    few = tuple(islice(rest, _RECORDS + 1))
    return Packed(kind, chain(few, rest)) if len(few) > _RECORDS else few


def _packed(records: Sequence[object]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(records), _LEVEL)
