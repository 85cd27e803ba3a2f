"""The coordinator: a slot's run, planned and fanned out once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline_core import pipeline
from pipeline_core.errors import CutShort, NotServed, TooCostly
from pipeline_core.ledger import RunLedger, open_state, slots
from pipeline_core.ledger.attempts import PLAN, Worker, limited_attempt, raise_too_costly
from pipeline_core.messages import Manifest, Order
from pipeline_core.places.writable import check_reports_writable
from pipeline_core.reuse.begun_survey import has_got_further
from pipeline_core.running.drive import tell_of_plan
from pipeline_core.running.if_changed import standing_run
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.running.schedule import is_due, slot_called
from pipeline_core.settings import Settings
from workers.sending.broker import worker_processes
from workers.sending.dispatch import send_outstanding

_PLAN = "plan the run"


def claim_slot(settings: Settings, slot: str, *, scheduled: bool) -> str:
    """The id of the slot's run, a new one if nobody asked for the slot before.

    Raises:
        NotServed: it is to be ``scheduled``, and has no run, and the schedule has no such time, or
            not now: whoever may send messages would take the slots of runs to come.
        RetryableError: the state storage does not answer.
    """
    state = open_state(settings.state)
    run_id = slots.run_of(state, slot)
    if run_id is None:
        if scheduled:
            _check_due(settings, slot)
        run_id = slots.claim(state, slot, pipeline.new_run_id(datetime.now(UTC), state))
    if scheduled and RunLedger(state, run_id).outcome() is None:  # it may have been answered
        slots.note_run(state, slot, run_id)
    return run_id


def _check_due(settings: Settings, name: str) -> None:
    slot = slot_called(name, settings.schedule, settings.timezone)
    if slot is None:
        raise NotServed(
            f"The schedule has no slot {name}.",
            "Give no slot to start a run now, or give all workers and beat one SALES_SCHEDULE.",
        )
    if not is_due(slot, timedelta(seconds=settings.catch_up)):
        raise NotServed(
            f"The slot {name} is to come, or longer ago than SALES_CATCH_UP.",
            "Give no slot to start a run now.",
        )


def plan_and_send(settings: Settings, ledger: RunLedger, worker: Worker, slot: str) -> str:
    """Plans a run of the configured places and sends its work, unless that was done; returns the
    slot's run. Where one is only to be made if something is new, and nothing is, that is the
    published one that stands.

    Raises:
        RunUnderWay: another run holds the lock.
        NotServed: a worker that answers would refuse the run's work.
        CutShort: time was up, and planning goes on where it stopped.
        PipelineError: as ``plan`` does; or planning ended its worker again and again.
        RetryableError: a storage, the database or the broker does not answer.
    """
    if ledger.outcome() is not None or ledger.dispatches():
        return ledger.run_id
    if ledger.planned() is None and (standing := standing_run(settings, ledger)) is not None:
        slots.answer(ledger.state, slot, ledger.run_id, standing.run_id)
        return standing.run_id
    abandoned = acquire_run_lock(ledger, settings.stall_after)
    if abandoned is not None:
        notify_of_outcome(abandoned, settings.hooks())
    check_reports_writable(settings.reports)
    own = settings.shops()[0]
    order = settings.order(ledger.run_id, "celery", lambda: sum(worker_processes(own).values()))
    with limited_attempt(ledger, order.policy, PLAN, worker, _PLAN):
        manifest = _planned(order, ledger, worker)
    tell_of_plan(settings, ledger, manifest)
    send_outstanding(ledger, manifest)
    return ledger.run_id


def _planned(order: Order, ledger: RunLedger, worker: Worker) -> Manifest:
    """The plan. A try that saw more archives than those before it counts against nothing: there are
    only so many archives."""
    began = datetime.now(UTC)
    try:
        with raise_too_costly(worker, _PLAN):
            return pipeline.plan(order)
    except TooCostly as error:
        if has_got_further(ledger.state, began):
            raise CutShort(f"{error.message} It goes on where it stopped.") from error
        raise
