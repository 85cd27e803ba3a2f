"""One run a slot: what must start once, however often it is asked for.

A slot is a time on the schedule, or one request to start; its file names the run.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct

from pipeline_core.ledger.names import RUN_PATTERN, SLOT_PATTERN
from pipeline_core.ledger.records import read_record
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage

_FOLDER = "slots"


class SlotClaim(Struct, frozen=True):
    """Who has a time on the schedule."""

    run_id: Annotated[str, msgspec.Meta(pattern=RUN_PATTERN)]
    """The run."""


class RunSlot(Struct, frozen=True):
    """Which time on the schedule a run is of."""

    slot: Annotated[str, msgspec.Meta(pattern=SLOT_PATTERN)]
    """The time, as 20240301T0300 on the schedule's clock."""


def claim(state: Storage, slot: str, run_id: str) -> str:
    """The id of the slot's run: this one, or that of whoever asked first."""
    for _ in range(3):
        if state.create(_key(slot), to_json(SlotClaim(run_id))):
            return run_id
        found = run_of(state, slot)
        if found is not None:
            return found
    raise FileNotFoundError(_key(slot))


def answer(state: Storage, slot: str, claimed: str, published: str) -> None:
    """Gives the slot to a run that is published: the one that ``claimed`` it need not be made."""
    state.write(_key(slot), to_json(SlotClaim(published)))
    state.remove(_run_key(claimed))


def run_of(state: Storage, slot: str) -> str | None:
    """The id of the slot's run, or None while nobody asked for it."""
    found = read_record(state, _key(slot), SlotClaim)
    return None if found is None else found.run_id


def note_run(state: Storage, slot: str, run_id: str) -> None:
    """Keeps which time on the schedule a run is of."""
    state.create(_run_key(run_id), to_json(RunSlot(slot)))


def slot_of(state: Storage, run_id: str) -> str | None:
    """The time on the schedule that a run is of; None of one that no schedule started."""
    found = read_record(state, _run_key(run_id), RunSlot)
    return None if found is None else found.slot


def mark_late(state: Storage, slot: str) -> bool:
    """Notes that the slot was reported as late; says whether it was this call."""
    return state.create(_late_key(slot), b"{}\n")


def unmark_late(state: Storage, slot: str) -> None:
    """Takes that back: nobody could be told."""
    state.remove(_late_key(slot))


def schedule_since(state: Storage, schedule: str, now: str) -> str:
    """Since when (ISO time) this schedule is in force: now, if it was not known before.

    Times before that are none that could have been missed.
    """
    key = _schedule_key(schedule)
    if state.create(key, msgspec.json.encode(now)):
        return now
    return read_record(state, key, str) or now


def in_force_since(state: Storage, schedule: str) -> str | None:
    """Since when (ISO time) somebody works by this schedule; None if nobody ever did."""
    return read_record(state, _schedule_key(schedule), str)


def _schedule_key(schedule: str) -> str:
    return f"schedules/{schedule}.json"


def _run_key(run_id: str) -> str:
    return f"{_FOLDER}/runs/{run_id}.json"


def _late_key(slot: str) -> str:
    return f"{_FOLDER}/{slot}.late"


def _key(slot: str) -> str:
    return f"{_FOLDER}/{slot}.json"
