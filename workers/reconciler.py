"""The reconciler: what the broker lost is found in the state storage, and sent again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

from pipeline_core import pipeline
from pipeline_core.ledger import RunLedger, lease, open_state, slots
from pipeline_core.logs import get_logger, structlog
from pipeline_core.running import metrics
from pipeline_core.running.deliveries import deliver_newest
from pipeline_core.running.if_changed import fresh_at
from pipeline_core.running.lock import is_moving
from pipeline_core.running.notifications import (
    fail_and_notify,
    notify_of_late_slot,
    notify_of_outcome,
)
from pipeline_core.running.recover import NobodyWorks, diagnose
from pipeline_core.running.schedule import Slot, last_slot, name_of
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage
from workers.celery import app
from workers.config import START_RUN
from workers.sending.dispatch import dispatch

log = get_logger()

# Beat's own message has this long to start its run.
_GRACE = timedelta(seconds=60)
_RUNS_TOLD = 3
# One message for each look: the next look sends another if this one was not taken.
_EXPIRES_SECONDS = 55


def reconcile(settings: Settings) -> None:
    """One look at the newest run and at the newest slot; safe at any time, also two at once.

    Raises:
        RetryableError: a storage or the broker does not answer; the next look is soon.
    """
    state = open_state(settings.state)
    newest = lease.newest(state)
    if newest is not None:
        ledger = RunLedger(state, newest.run_id)
        with structlog.contextvars.bound_contextvars(run_id=ledger.run_id):
            recover_run(settings, ledger)
    _tell_again(settings, state)
    slot = _due_slot(settings, state)
    if slot is not None:
        _start_missed(settings, state, slot)
        _tell_if_late(settings, state, slot)
    published_at = pipeline.last_publication(state)
    if published_at is not None:
        metrics.observe_publication(published_at, fresh_at(state) or published_at)
    deliver_newest(settings, state)  # last: where a report goes may be slow to answer


def recover_run(settings: Settings, ledger: RunLedger, *, told: str = "") -> bool:
    """Sends again what a stopped run on Celery misses; says whether anything was sent. A run
    for which nobody works at all is ended as failed.

    Raises:
        RetryableError: the state storage or the broker does not answer.
    """
    manifest = ledger.planned()
    if manifest is None or manifest.engine != "celery":
        return False
    try:
        recovery = diagnose(ledger, datetime.now(UTC), told=told)
    except NobodyWorks as error:
        fail_and_notify(ledger, settings.hooks(), error)
        return False
    return recovery is not None and dispatch(ledger, recovery)


def _tell_again(settings: Settings, state: Storage) -> None:
    """Also of runs before the newest: whoever ended them may not have been heard."""
    for held in islice(lease.newest_first(state), _RUNS_TOLD):
        notify_of_outcome(RunLedger(state, held.run_id), settings.hooks())


def _due_slot(settings: Settings, state: Storage) -> Slot | None:
    """The newest slot, if it is one that this schedule should have started."""
    now = datetime.now(UTC)
    since = slots.schedule_since(state, name_of(settings), now.isoformat())
    slot = last_slot(settings.schedule, settings.timezone, now)
    return slot if slot.due > datetime.fromisoformat(since) else None


def _start_missed(settings: Settings, state: Storage, slot: Slot) -> None:
    age = datetime.now(UTC) - slot.due
    if not _GRACE < age < timedelta(seconds=settings.catch_up):
        return
    run_id = slots.run_of(state, slot.name)
    if run_id is not None:
        ledger = RunLedger(state, run_id)
        if ledger.planned() or ledger.outcome() or is_moving(ledger):
            return
    log.warning("slot_missed", slot=slot.name, due=slot.due.isoformat())
    app.signature(START_RUN, kwargs={"slot": slot.name}).apply_async(expires=_EXPIRES_SECONDS)


def _tell_if_late(settings: Settings, state: Storage, slot: Slot) -> None:
    if datetime.now(UTC) < slot.due + timedelta(seconds=settings.late_after):
        return
    run_id = slots.run_of(state, slot.name)
    if run_id is None or RunLedger(state, run_id).outcome() is None:
        notify_of_late_slot(state, settings.hooks(), slot.name, run_id or "")
