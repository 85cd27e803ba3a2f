"""Files of extracts of which no run has a use any more."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator

from pipeline_core.kept.extract_names import days_in, short
from pipeline_core.kept.extracts import EXTRACTS
from pipeline_core.storage import Storage, StoredObject


def unused_extracts(state: Storage, digests: Collection[str]) -> Iterator[StoredObject]:
    """Files without any day of such digests, by what their names say, and those of which every such
    day is in another file that has more. Raises RetryableError."""
    used = frozenset(map(short, digests))
    for rules in state.folders(EXTRACTS):
        folder = f"{EXTRACTS}/{rules}"
        found = state.names(folder, sys.maxsize) or ()
        for name in _not_needed(found, used):
            yield _stored(state, f"{folder}/{name}")


def _not_needed(names: Collection[str], used: frozenset[str]) -> Iterator[str]:
    there = set[str]()
    wanted = {name: used.intersection(days_in(name)) for name in names}
    for name in sorted(names, key=lambda name: (-len(wanted[name]), name)):
        if wanted[name] <= there:
            yield name
        there |= wanted[name]


def _stored(state: Storage, key: str) -> StoredObject:
    try:
        return state.stat(key)
    except FileNotFoundError:  # gone since; or without the tag of the state's key, and of no use
        return StoredObject(key, 0, "")
