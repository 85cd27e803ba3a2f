"""Thin tasks; the work is in ``pipeline_core.pipeline``. Messages and results are names only."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from celery.exceptions import TimeLimitExceeded, WorkerLostError
from celery.signals import worker_init

from pipeline_core import pipeline
from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.credentials import without_credentials
from pipeline_core.errors import (
    CutShort,
    ResultsMissing,
    RetryableError,
    RunUnderWay,
    UnknownHost,
)
from pipeline_core.ledger.attempts import PUBLISH, limited_attempt
from pipeline_core.ledger.names import is_task_id
from pipeline_core.logs import get_logger, structlog
from pipeline_core.processing.process import manifest_of
from pipeline_core.publication.publish import check_receipts, look
from pipeline_core.running import metrics
from pipeline_core.running.deliveries import deliver_published, log_deliveries
from pipeline_core.running.local import import_publication
from pipeline_core.running.notifications import notify_of_outcome
from workers import reconciler
from workers.celery import app, settings
from workers.config import (
    FAIL_RUN,
    PROCESS_ARCHIVE,
    PUBLISH_RUN,
    RECONCILE,
    START_RUN,
)
from workers.fitness.handing_back import handing_back
from workers.fitness.other_hosts import last_try_elsewhere
from workers.messages.served_shops import check_slot, check_work, is_wanted
from workers.pipeline_task import PipelineTask, refusals_told
from workers.sending.end_of_run import tell_end
from workers.start_run import claim_slot, plan_and_send

log = get_logger()

_RESULT_TRIES = 10
_RESULT_SECONDS = 0.3


@worker_init.connect
def _before_the_fork(**_: Any) -> None:
    import_publication()  # once, and not in each child that publishes for the first time


@app.task(name=START_RUN, bind=True, base=PipelineTask)
def start_run(self: PipelineTask, slot: str | None = None) -> str:
    """Coordinator: plans the run of a slot of the schedule that is due, and fans it out; returns
    the id of the slot's run. Without a slot this very message is one: it starts one run however
    often it is delivered, and waits for its turn."""
    scheduled, slot = slot is not None, f"task-{self.request.id}" if slot is None else slot
    try:
        with refusals_told(), handing_back(self.request.hostname):
            check_slot(slot)
            run_id = claim_slot(settings, slot, scheduled=scheduled)
    except (RetryableError, UnknownHost) as error:
        self.try_again(error, None)
    with self.of_run(settings.state, run_id, is_new=True, slot=slot) as ledger:
        try:
            return plan_and_send(settings, ledger, self.worker(), slot)
        except RunUnderWay as other:
            log.warning("run_waits", cause=other.message)
            if not scheduled:  # nobody but this message knows of it; slots the reconciler does
                self.send_later(other, min(settings.lease, settings.retry_backoff_max))
        except CutShort as got_further:
            log.warning("plan_goes_on", cause=got_further.message)
            self.send_later(got_further, 0)
    return run_id


# The chord counts it without a result of its own; the errback asks for that of one that failed.
@app.task(
    name=PROCESS_ARCHIVE,
    bind=True,
    base=PipelineTask,
    ignore_result=True,
    store_errors_even_if_ignored=True,
)
def process_archive(
    self: PipelineTask,
    state: str,
    run_id: str,
    archive: str,
    skip: Sequence[int] | None = None,
    share: int | None = None,
) -> str:
    """Chord header, one message an archive, or a share of it."""
    with self.of_run(state, run_id, archive=archive) as ledger:
        work, place = check_work(ledger, archive, skip, share), ledger.state.uri
        if not is_wanted(ledger, work):
            return archive
        # From here on log lines name the archive's file.
        name = manifest_of(place, run_id).archive(archive).name
        structlog.contextvars.bind_contextvars(archive=name)
        is_new = metrics.are_counted() and ledger.receipt(work) is None
        is_last = self.request.retries >= settings.task_retries
        with last_try_elsewhere(ledger, work.id, is_last=is_last):
            receipt = pipeline.process(place, run_id, work, self.worker())
        if is_new:
            metrics.observe_receipt(receipt)
    return archive


@app.task(name=PUBLISH_RUN, bind=True, base=PipelineTask)
def publish_run(self: PipelineTask, _archives: Any, state: str, run_id: str) -> str | None:
    """Chord callback; returns how the run ended. It trusts receipts, not the list of results;
    archives without one are sent again."""
    with self.of_run(state, run_id) as ledger:
        manifest = manifest_of(ledger.state.uri, run_id)
        looked = look(ledger, manifest)
        is_new = looked.outcome is None
        noted = limited_attempt(
            ledger, manifest.policy, PUBLISH, self.worker(), "publish the reports"
        )
        try:
            if is_new:
                check_receipts(looked)
            # What has ended leaves no more records.
            with noted if is_new else nullcontext() as number:
                looked = replace(looked, is_new=number == 1)
                outcome = pipeline.publish(ledger.state.uri, run_id, looked=looked)
        except ResultsMissing as error:
            log.warning("results_missing", cause=error.message)
            reconciler.recover_run(settings, ledger, told=error.message)
            return None
        if is_new:
            metrics.observe_outcome(outcome)
        notify_of_outcome(ledger, settings.hooks(), outcome, is_new=is_new)
        tell_end(run_id)
        log_deliveries(run_id, deliver_published(settings, ledger, self.worker()))
        return outcome.state


# Bound, so that Celery sends it as a message: an unbound one would run in the worker's main
# process, which must neither wait nor use threads before it forks.
@app.task(name=FAIL_RUN, bind=True, base=PipelineTask)
def fail_run(self: PipelineTask, failed: str, state: str, run_id: str) -> None:
    """Errback of the chord: what did not succeed is sent again, until it is hopeless."""
    with self.of_run(state, run_id) as ledger:
        cause = _cause_of(failed)
        log.warning("work_failed", cause=cause)
        reconciler.recover_run(settings, ledger, told=cause)


def _cause_of(failed: str) -> str:
    """Why a task failed. Celery calls the errback of a chord before it stores that."""
    if not is_task_id(failed):
        return "a task failed"
    for _ in range(_RESULT_TRIES):
        found = app.AsyncResult(failed).result
        if isinstance(found, WorkerLostError):
            return "a worker died"
        if isinstance(found, TimeLimitExceeded):
            return "a worker took longer than SALES_TASK_TIME_LIMIT"
        if found is not None:
            told = without_credentials(str(found))
            return cut(told.encode(errors="replace").decode(), LONGEST_CAUSE)
        time.sleep(_RESULT_SECONDS)
    return "a task failed"


@app.task(name=RECONCILE, bind=True, base=PipelineTask, ignore_result=True)
def reconcile(self: PipelineTask) -> None:
    """Beat's every minute: starts what was missed, recovers what stopped, tells what is late."""
    with structlog.contextvars.bound_contextvars(task_id=self.request.id):
        try:
            with refusals_told(), handing_back(self.request.hostname):
                reconciler.reconcile(settings)
        except (RetryableError, UnknownHost) as error:  # the next look is in a minute
            log.warning("cannot_recover", cause=error.message)
