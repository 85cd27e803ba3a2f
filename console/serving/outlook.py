"""What comes and what was: when the schedule starts the next run, and how the last one ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from pipeline_core.ledger import RunLedger, newest_runs, slots
from pipeline_core.running.schedule import last_slot, name_of, next_slot
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage
from pipeline_core.watching.run_progress import EndedRun

NextRun = Callable[[Storage], datetime | None]
# Runs that are looked at for one that has ended.
_RUNS_SEEN = 10
# Within which beat's message, or that of the reconciler, is taken by a worker that is there.
_GRACE = timedelta(minutes=5)


def next_run_of(settings: Settings) -> NextRun:
    """Says when (UTC) the settings' schedule starts the next run; None where no beat was seen to
    work by it, or it missed the last time."""
    return partial(_next_run, settings)


def _next_run(settings: Settings, state: Storage) -> datetime | None:
    since, now = slots.in_force_since(state, name_of(settings)), datetime.now(UTC)
    if since is None:
        return None
    last = last_slot(settings.schedule, settings.timezone, now)
    is_over = datetime.fromisoformat(since) < last.due < now - _GRACE
    if is_over and slots.run_of(state, last.name) is None:
        return None
    return next_slot(settings.schedule, settings.timezone, now).due


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
            status=outcome.status,
            finished_at=verdict.finished_at if verdict is not None else None,
            reason=outcome.reason,
            remedy=outcome.remedy,
        )
    return None
