"""Files of extracts of which no run has a use any more."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

from pipeline_core.extract.version import EXTRACTION_VERSION
from pipeline_core.kept.extract_names import ExtractNames, days_in, short
from pipeline_core.kept.extract_reader import ExtractReader
from pipeline_core.kept.extracts import EXTRACTS
from pipeline_core.storage import Storage, StoredObject


def unused_extracts(state: Storage, digests: Collection[str]) -> Iterator[StoredObject]:
    """Files without any day of such digests, by what their names say, and those of which every such
    day is in another file that has more, and sound there. Raises RetryableError."""
    used = frozenset(map(short, digests))
    for rules in state.folders(EXTRACTS):
        folder = f"{EXTRACTS}/{rules}"
        found = state.names(folder, sys.maxsize) or ()
        superseded = dict[str, dict[str, str]]()
        # What other versions made is of no use.
        is_read = rules.startswith(f"{EXTRACTION_VERSION}-")
        for name, others in _not_needed(found, used):
            if others and is_read:
                superseded[name] = others
            else:
                yield _stored(state, f"{folder}/{name}")
        for name in _sound_elsewhere(state, folder, superseded, digests):
            yield _stored(state, f"{folder}/{name}")


def _not_needed(
    names: Collection[str], used: Collection[str]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each with the file that has more, by the day that is used, if there is any."""
    there = dict[str, str]()
    wanted = {name: [day for day in days_in(name) if day in used] for name in names}
    for name in sorted(names, key=lambda name: (-len(wanted[name]), name)):
        days = wanted[name]
        if all(day in there for day in days):
            yield name, {day: there[day] for day in days}
        for day in days:
            there.setdefault(day, name)


def _sound_elsewhere(
    state: Storage,
    folder: str,
    superseded: Mapping[str, Mapping[str, str]],
    digests: Iterable[str],
) -> Iterator[str]:
    """Those of which every day is sound in the other file; each of these is looked into once."""
    others = {day: other for days in superseded.values() for day, other in days.items()}
    by_file = defaultdict[str, list[str]](list)
    for digest in digests:
        if short(digest) in others:
            by_file[others[short(digest)]].append(digest)
    wanted = [digest for looked_for in by_file.values() for digest in looked_for]
    with ExtractReader(state, folder, ExtractNames(state, folder), wanted) as reader:
        unsound = {
            short(digest)
            for other, looked_for in by_file.items()
            for digest in looked_for
            if reader.sound(other, digest) is None
        }
    yield from (name for name, days in superseded.items() if unsound.isdisjoint(days))


def _stored(state: Storage, key: str) -> StoredObject:
    try:
        return state.stat(key)
    except FileNotFoundError:  # gone since; or without the tag of the state's key, and of no use
        return StoredObject(key, 0, "")
