"""The state: a place that is opened under the key of this process, if it has one."""

from __future__ import annotations

import re

from pipeline_core.errors import ConfigError, DamagedRecord, PipelineError
from pipeline_core.ledger.names import is_run_id
from pipeline_core.storage import Storage, open_storage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.vouching.key import state_key
from pipeline_core.vouching.signed import KEYED, SignedStorage

_MARK = re.compile(r"[0-9a-f]{16}")
# URIs of the states that were seen to have nothing under a key.
_kept_without_key: set[str] = set()
_NOT_OURS = "under another SALES_STATE_KEY than the one here, or one of the two has none"


def open_state(uri: str) -> Storage:
    """The state at a place. Raises ConfigError as ``open_storage`` does, and if it is kept under a
    key and this process has none."""
    place, key = open_storage(uri), state_key()
    if key is not None:
        return SignedStorage(place, key)
    _check_no_key_is_forgotten(place)
    return place


def read_state(uri: str, *, may_add: bool = False) -> ReadOnlyStorage:
    """As ``open_state``, for whoever only reads, and ``may add`` what is made again."""
    return ReadOnlyStorage(open_state(uri), may_add=may_add)


def _check_no_key_is_forgotten(place: Storage) -> None:
    """Looks once a process: many a worker opens a state for each message."""
    if place.uri in _kept_without_key:
        return
    try:
        marks = place.folders(KEYED)
    except PipelineError:  # told by whoever reads or writes next
        return
    if any(map(_MARK.fullmatch, marks)):
        raise ConfigError(
            f"The state {place.uri} is kept under a key, and SALES_STATE_KEY is not set here.",
            f"Set it. Only if all that was kept under it is given up, remove {KEYED}/ there.",
        )
    _kept_without_key.add(place.uri)


def unvouched_runs(uri: str) -> set[str]:
    """Ids of the runs of a place that are kept under another key than the one in force, or
    without one, or that are not kept under one where none is in force."""
    place = open_storage(uri)
    return {
        run_id
        for prefix in _others(place)
        for run_id in place.folders(f"{prefix}runs")
        if is_run_id(run_id)
    }


def is_kept_elsewhere(uri: str, name: str) -> bool:
    """Whether a file of this name in the root of a state is kept, but not under the key in
    force."""
    place = open_storage(uri)
    return any(
        stored.key == f"{prefix}{name}"
        for prefix in _others(place)
        for stored in place.files(prefix.rstrip("/"))
    )


def _others(place: Storage) -> list[str]:
    """What stands before the keys of files that are kept under another key than the one in force,
    or without one, or under one where none is in force."""
    key = state_key()
    ours = "" if key is None else f"{KEYED}/{key.mark}/"
    marks = place.folders(KEYED)
    if not marks:  # whoever opens it next need not look
        _kept_without_key.add(place.uri)
    kept = ["", *(f"{KEYED}/{mark}/" for mark in marks)]
    return [prefix for prefix in kept if prefix != ours]


def unvouched_words(uri: str) -> str:
    """A sentence, behind a blank, about the runs of a place that nobody here looks at; empty if
    there are none."""
    others = len(unvouched_runs(uri))
    told = f" Runs there that are not vouched for: {others:,}. They were kept {_NOT_OURS}."
    return told if others else ""


def nothing_yet(uri: str, what: str) -> ConfigError:
    """That a command has nothing to tell of; ``what`` is a sentence. Where there are runs under
    another key, a run under the one of here would begin a second history."""
    others = unvouched_words(uri)
    run = "`sales-pipeline run` makes one."
    return ConfigError(f"{what}{others}", f"Set the key of that time, or: {run}" if others else run)


def unvouched_run(uri: str, run_id: str) -> ConfigError | None:
    """What to tell who asks for a run that is kept, but not under the key in force; None if there
    is no such run either."""
    if run_id not in unvouched_runs(uri):
        return None
    return ConfigError(
        f"Run {run_id} in {uri} is not vouched for: it was kept {_NOT_OURS}.",
        "Ask with the key of that time, or start another run under the one of now.",
    )


def no_such_run(uri: str, run_id: str) -> ConfigError:
    """That there is no run of this id, or none under the key in force."""
    return unvouched_run(uri, run_id) or ConfigError(
        f"There is no run {run_id!r} in {uri}.", "`sales-pipeline runs` lists them."
    )


def damaged_record(what: str, remedy: str) -> DamagedRecord:
    """That a record is not there that was, or a file in its place that nobody of ours wrote so."""
    why = "is lost, or is damaged, or not vouched for by the key of the state."
    return DamagedRecord(f"{what} {why}", remedy)
