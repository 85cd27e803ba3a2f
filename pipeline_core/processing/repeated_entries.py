"""Entries of one name: equal ones count once, different ones all count, and are told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from pipeline_core.containers.entry_names import base_name, without_packing
from pipeline_core.messages import MOST_REPEATED, ArchiveRef, RepeatedEntry


class DayNames:
    """The parts of a day by their names, to which the ending of a packed one does not belong.
    ``repeated`` are names of several that were read, with it if they are all packed alike."""

    def __init__(self, archive: str, day: str) -> None:
        self._place = archive, day
        self._read: Counter[str] = Counter()
        self._contents: set[tuple[str, bytes]] = set()

    @property
    def repeated(self) -> set[RepeatedEntry]:
        if len(set(map(without_packing, self._read))) == self._read.total():
            return set()
        alike = defaultdict[str, list[str]](list)
        for name in self._read.elements():
            alike[without_packing(name)].append(name)
        return {
            RepeatedEntry(*self._place, name if len(set(names)) > 1 else names[0])
            for name, names in alike.items()
            if len(names) > 1
        }

    def is_copy(self, name: str, digest: bytes) -> bool:
        """Whether a part before, in any folder, had this base name and this digest of its bytes:
        unpacked, if the name is one of ``packed_otherwise``."""
        content = without_packing(base_name(name)), digest
        is_copy = content in self._contents
        self._contents.add(content)
        return is_copy

    def note_read(self, name: str) -> None:
        """Takes a part that was read and is no copy."""
        self._read[name] += 1


def packed_otherwise(names: Sequence[str]) -> frozenset[str]:
    """Those of ``names`` whose base name another has, too, but for what says how it is packed."""
    if all(name == without_packing(name) for name in names):
        return frozenset()
    held = defaultdict[str, set[str]](set)
    for name in names:
        base = base_name(name)
        held[without_packing(base)].add(base)
    bases = {base for alike in held.values() if len(alike) > 1 for base in alike}
    return frozenset(name for name in names if base_name(name) in bases)


def repeated_days(archives: Iterable[ArchiveRef]) -> set[RepeatedEntry]:
    """Names that several days of an archive have, as far as they are not known to be equal."""
    found = set()
    for archive in archives:
        contents: dict[str, set[str | int]] = defaultdict(set)
        for day in archive.days:
            contents[day.name].add(day.digest or day.index)
        found |= {
            RepeatedEntry(archive.name, name)
            for name, different in contents.items()
            if len(different) > 1
        }
    return found


def first_repeated(found: Iterable[RepeatedEntry]) -> tuple[RepeatedEntry, ...]:
    """In order, without those that occur again, up to MOST_REPEATED."""
    in_order = sorted(set(found), key=lambda each: (each.archive, each.day, each.part or ""))
    return tuple(in_order[:MOST_REPEATED])
