"""The reconciler: what the broker lost is found in the state storage, and sent again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from pipeline_core import pipeline
from pipeline_core.ledger import RunLedger, lease, open_state, slots
from pipeline_core.logs import get_logger, structlog
from pipeline_core.messages import Manifest
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
from workers.sending.broker import answers
from workers.sending.dispatch import dispatch

log = get_logger()

# Beat's own message has this long to start its run.
_GRACE = timedelta(seconds=60)
_RUNS_TOLD = 3
# One message for each look: the next look sends another if this one was not taken.
_EXPIRES_SECONDS = 55
# A busy worker's answer may take that long; who asks has waited longer.
_ANSWER_SECONDS = 1.0

# Of far states, what this process saw when all was settled, slots of which the run has ended since
# then, and since when a schedule is in force.
_settled: dict[str, object] = {}
_answered: set[tuple[str, str]] = set()
_since: dict[tuple[str, str], str] = {}


def reconcile(settings: Settings) -> None:
    """One look at the newest run and at the newest slot; safe at any time, also two at once.

    Raises:
        RetryableError: a storage or the broker does not answer; the next look is soon.
    """
    state = open_state(settings.state)
    seen = _seen(state)
    if seen is None or seen != _settled.get(state.uri):
        _answered.clear()
        newest = lease.newest(state)
        if newest is not None:
            ledger = RunLedger(state, newest.run_id)
            with structlog.contextvars.bound_contextvars(run_id=ledger.run_id):
                recover_run(settings, ledger)
        _tell_again(settings, state)
        if seen is not None and settings.openlineage is None and _are_settled(state):
            _settled[state.uri] = seen
    slot = _due_slot(settings, state)
    if slot is not None and (state.uri, slot.name) not in _answered:
        _start_missed(settings, state, slot)
        _tell_if_late(settings, state, slot)
        if seen is not None and _is_answered(state, slot):
            _answered.add((state.uri, slot.name))
    published_at = pipeline.last_publication(state) if metrics.are_counted() else None
    if published_at is not None:
        metrics.observe_publication(published_at, fresh_at(state) or published_at)
    deliver_newest(settings, state)  # last: where a report goes may be slow to answer


def _seen(state: Storage) -> object | None:
    """What is another as soon as a run is begun, taken up again, published, or shows life: names
    and versions of leases and publications. None where to look at all of them is as cheap."""
    if not state.is_far:
        return None
    return [state.files(folder) for folder in ("leases", "published")]


def _are_settled(state: Storage) -> bool:
    """Whether the newest runs have ended, and whoever is to hear of it has."""
    ledgers = [RunLedger(state, each.run_id) for each in _newest(state)]
    return all(each.outcome() is not None and each.is_notified() for each in ledgers)


def _is_answered(state: Storage, slot: Slot) -> bool:
    run_id = slots.run_of(state, slot.name)
    return run_id is not None and RunLedger(state, run_id).outcome() is not None


def _newest(state: Storage) -> Iterator[lease.Lease]:
    return islice(lease.newest_first(state), _RUNS_TOLD)


def recover_run(
    settings: Settings, ledger: RunLedger, *, told: str = "", manifest: Manifest | None = None
) -> bool:
    """Sends again what a stopped run on Celery misses; says whether anything was sent. A run
    for which nobody works at all is ended as failed. ``manifest`` is the run's, if it was read.

    Raises:
        RetryableError: the state storage or the broker does not answer.
    """
    manifest = manifest or ledger.planned()
    if manifest is None or manifest.engine != "celery":
        return False
    try:
        recovery = diagnose(ledger, datetime.now(UTC), told=told, manifest=manifest)
        if recovery is not None and recovery.is_silent:
            _check_that_somebody_can(ledger)
    except NobodyWorks as error:
        fail_and_notify(ledger, settings.hooks(), error)
        return False
    return recovery is not None and dispatch(ledger, recovery)


def _check_that_somebody_can(ledger: RunLedger) -> None:
    """Raises NobodyWorks if workers answer, and each says that it cannot work: sent to them again,
    the work would be waited for in vain. Raises RetryableError if the broker does not answer."""
    found = answers(quiet_seconds=_ANSWER_SECONDS).values()
    unfit = [each.unfit_note.sentence for each in found if each.unfit_note is not None]
    if unfit and len(unfit) == len(found):
        raise NobodyWorks(
            f"No worker that answers can work. The {min(unfit)}.",
            f"Mend that, then `sales-pipeline resume {ledger.run_id}`.",
        )


def _tell_again(settings: Settings, state: Storage) -> None:
    """Also of runs before the newest: whoever ended them may not have been heard."""
    for held in _newest(state):
        notify_of_outcome(RunLedger(state, held.run_id), settings.hooks())


def _due_slot(settings: Settings, state: Storage) -> Slot | None:
    """The newest slot, if it is one that this schedule should have started."""
    now = datetime.now(UTC)
    schedule = state.uri, name_of(settings)
    if schedule not in _since:  # it never changes
        _since[schedule] = slots.schedule_since(state, schedule[1], now.isoformat())
    since = _since[schedule]
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
