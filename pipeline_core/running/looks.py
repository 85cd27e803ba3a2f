"""When a run was last asked for and nothing was new: one small file, rewritten each time."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pipeline_core.ledger.records import read_record
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage

_KEY = "unchanged.json"


class LastLook(Struct, frozen=True, kw_only=True):
    """A run that was not made, since nothing was new."""

    run_id: str
    """The published run since which nothing was new."""
    at: datetime
    """When that was found (UTC)."""


def note_look(state: Storage, run_id: str, at: datetime) -> None:
    """Keeps that nothing was new since a run; replaces what was kept."""
    state.write(_KEY, to_json(LastLook(run_id=run_id, at=at)))


def last_look(state: Storage) -> LastLook | None:
    """The last of them, or None if there was none."""
    return read_record(state, _KEY, LastLook)
