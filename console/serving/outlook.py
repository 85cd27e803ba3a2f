"""What comes and what was: when the schedule starts the next run, and how the last one ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import NamedTuple

from pipeline_core.ledger import RunLedger, newest_runs, slots
from pipeline_core.running.missed_slots import missed_slot
from pipeline_core.running.schedule import name_of, next_slot
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage
from pipeline_core.watching.run_progress import EndedRun

# Runs that are looked at for one that has ended.
_RUNS_SEEN = 10


class Outlook(NamedTuple):
    """When (UTC) the schedule starts the next run; None where no beat was seen to work by it, or
    nothing started the run that it ``missed``."""

    next_run_at: datetime | None
    missed_run_at: datetime | None


OutlookOf = Callable[[Storage], Outlook]


def outlook_of(settings: Settings) -> OutlookOf:
    """Says what comes by the settings' schedule."""
    return partial(_outlook, settings)


def _outlook(settings: Settings, state: Storage) -> Outlook:
    now = datetime.now(UTC)
    if slots.in_force_since(state, name_of(settings)) is None:
        return Outlook(None, None)
    missed = missed_slot(settings, state, now)
    if missed is not None:
        return Outlook(None, missed.due)
    return Outlook(next_slot(settings.schedule, settings.timezone, now).due, None)


def last_ended(state: Storage) -> EndedRun | None:
    """The newest run that has ended, among the newest; runs of times past are none."""
    for run_id in islice(newest_runs(state), _RUNS_SEEN):
        ledger = RunLedger(state, run_id)
        outcome, verdict, manifest = ledger.outcome(), ledger.verdict(), ledger.planned()
        if outcome is None or (manifest is not None and manifest.options.as_of is not None):
            continue
        return EndedRun(
            run_id=run_id,
            state=outcome.state,
            status=None if outcome.state == "failed" else outcome.status,
            finished_at=verdict.finished_at if verdict is not None else None,
            reason=outcome.reason,
            remedy=outcome.remedy,
        )
    return None
