"""Thin tasks; the work is in ``pipeline_core.pipeline``. Messages and results are names only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import (
    Ignore,
    Reject,
    Retry,
    SoftTimeLimitExceeded,
    TimeLimitExceeded,
    WorkerLostError,
)
from celery.utils.time import get_exponential_backoff_interval

import pipeline_core.page.gather  # noqa: F401  (once, in the main process; it takes a while)
from pipeline_core import pipeline
from pipeline_core.containers.cut import LONGEST_CAUSE, cut
from pipeline_core.credentials import without_credentials
from pipeline_core.errors import (
    ConfigError,
    InputError,
    NotServed,
    ResultsMissing,
    RetryableError,
    RunUnderWay,
    TooCostly,
    UnknownHost,
    WorkUnderWay,
)
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import (
    PUBLISH,
    Worker,
    limited_attempt,
    raise_too_costly,
    this_process,
)
from pipeline_core.ledger.names import is_slot, is_task_id
from pipeline_core.logs import get_logger, structlog
from pipeline_core.processing.process import manifest_of
from pipeline_core.publication.publish import check_receipts
from pipeline_core.running import metrics
from pipeline_core.running.deliveries import deliver_published, log_deliveries
from pipeline_core.running.notifications import fail_and_notify, notify_of_outcome
from workers import reconciler
from workers.celery import app, settings
from workers.config import (
    FAIL_RUN,
    PROCESS_ARCHIVE,
    PUBLISH_RUN,
    RECONCILE,
    START_RUN,
)
from workers.handing_back import handing_back, refuse_while_aside
from workers.served_shops import (
    check_run,
    check_slot,
    check_work,
    is_wanted,
    served_run,
    was_sent,
)
from workers.shutdown import is_leaving
from workers.standing_aside import HandedBack
from workers.start_run import claim_slot, plan_and_send

log = get_logger()

_RESULT_TRIES = 10
_RESULT_SECONDS = 0.3
_LONGEST_NAME = 100  # in a log line, of whatever a message has for one


class PipelineTask(Task):  # type: ignore[misc]
    """What every task shares: what does not answer is tried again, later and later."""

    # Celery's own pause, after the death of a child.
    default_retry_delay = settings.retry_backoff
    Request = HandedBack
    # Are told by us, and are no error of ours with a traceback.
    throws = (ConfigError, InputError)

    def before_start(self, *_: Any) -> None:
        """What came while this worker stood aside goes back. Raises Celery's Reject."""
        refuse_while_aside()

    def worker(self) -> Worker:
        """Who runs this task now."""
        return Worker(
            this_process(),
            task_id=self.request.id,
            retries=self.request.retries,
            too_long=(SoftTimeLimitExceeded,),
            leaving=is_leaving,
        )

    @contextmanager
    def of_run(
        self, state: str, run_id: str, *, is_new: bool = False, **context: str
    ) -> Iterator[RunLedger]:
        """The body of a task that works for a run, one that exists unless it ``is_new``. A message
        that names what this worker does not serve is refused: nothing is done, or written.

        Want of memory or time is tried again until the ledger says that it is hopeless; the
        last who may try is waited for. What still does not answer after ``SALES_TASK_RETRIES``,
        and a bug of ours, end the run.
        """
        context = {"run_id": run_id, "task_id": self.request.id, **context}
        shown = {name: _shown(value) for name, value in context.items()}
        with structlog.contextvars.bound_contextvars(**shown), _refusals_told():
            ledger, is_known = served_run(state, run_id), is_new
            try:
                with (
                    handing_back(self.request.hostname),
                    raise_too_costly(self.worker(), f"finish {self.name}"),
                ):
                    if not is_new:
                        check_run(ledger, self.request.hostname)
                    is_known = True
                    yield ledger
            except (Retry, Ignore, Reject):
                raise
            except WorkUnderWay as others:
                self.come_back(others, ledger)
            except (TooCostly, RetryableError, UnknownHost) as error:
                self.try_again(error, ledger if is_known or _may_exist(ledger) else None)
            except NotServed as refusal:
                if is_new:
                    fail_and_notify(ledger, settings.hooks(), refusal)
                raise
            except Exception as error:
                if isinstance(error, (ConfigError, InputError)):  # no fault of the code
                    log.error("task_failed", cause=error.message, remedy=error.remedy)
                else:
                    log.exception("task_failed")
                if is_known:
                    fail_and_notify(ledger, settings.hooks(), error)
                raise

    def come_back(self, others: WorkUnderWay, ledger: RunLedger) -> NoReturn:
        """Raises Celery's Retry, for when the others' leases have told how they fare."""
        pause = min(others.seconds, settings.retry_backoff_max)
        log.warning("waiting_for_leases", cause=others.message, seconds=round(pause, 1))
        _keep_lock(ledger, pause + settings.stall_after)
        self.send_later(others, pause)

    def send_later(self, why: Exception, pause: float) -> NoReturn:
        """Raises Celery's Retry. Nothing went wrong, so it is not counted: whoever waits long still
        has all its tries. ``pause`` is in seconds."""
        again = self.signature_from_request(countdown=pause)
        again.apply_async()
        raise Retry(exc=why, when=pause, sig=again)

    def try_again(
        self, error: RetryableError | TooCostly | UnknownHost, ledger: RunLedger | None
    ) -> NoReturn:
        """Raises Celery's Retry or, after the last try, the error."""
        if self.request.retries >= settings.task_retries:
            log.error("gave_up", cause=error.message)
            # Too costly an archive is the reconciler's business: it is quarantined in the end.
            if ledger is not None and not isinstance(error, TooCostly):
                fail_and_notify(ledger, settings.hooks(), error)
            raise error
        pause = get_exponential_backoff_interval(
            settings.retry_backoff,
            self.request.retries,
            settings.retry_backoff_max,
            full_jitter=True,
        )
        log.warning("trying_again", cause=error.message, seconds=pause)
        if ledger is not None:
            _keep_lock(ledger, pause + settings.stall_after)
        raise self.retry(exc=error, countdown=pause, max_retries=settings.task_retries)


@app.task(name=START_RUN, bind=True, base=PipelineTask)
def start_run(self: PipelineTask, slot: str | None = None) -> str:
    """Coordinator: plans the run of a slot of the schedule that is due, and fans it out; returns
    the id of the slot's run. Without a slot this very message is one: it starts one run however
    often it is delivered, and waits for its turn."""
    scheduled, slot = slot is not None, f"task-{self.request.id}" if slot is None else slot
    try:
        with _refusals_told(), handing_back(self.request.hostname):
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
        receipt = pipeline.process(place, run_id, work, self.worker())
        if is_new:
            metrics.observe_receipt(receipt)
    return archive


@app.task(name=PUBLISH_RUN, bind=True, base=PipelineTask)
def publish_run(self: PipelineTask, _archives: Any, state: str, run_id: str) -> str | None:
    """Chord callback; returns how the run ended. It trusts receipts, not the list of results;
    archives without one are sent again."""
    with self.of_run(state, run_id) as ledger:
        manifest = ledger.manifest()
        is_new = ledger.outcome() is None
        noted = limited_attempt(
            ledger, manifest.policy, PUBLISH, self.worker(), "publish the reports"
        )
        try:
            if is_new:
                check_receipts(ledger, manifest)
            with noted if is_new else nullcontext():  # what has ended leaves no more records
                outcome = pipeline.publish(ledger.state.uri, run_id)
        except ResultsMissing as error:
            log.warning("results_missing", cause=error.message)
            reconciler.recover_run(settings, ledger, told=error.message)
            return None
        if is_new:
            metrics.observe_outcome(outcome)
        notify_of_outcome(ledger, settings.hooks())
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
            with _refusals_told(), handing_back(self.request.hostname):
                reconciler.reconcile(settings)
        except (RetryableError, UnknownHost) as error:  # the next look is in a minute
            log.warning("cannot_recover", cause=error.message)


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        yield
    except NotServed as refusal:
        log.error("message_refused", cause=refusal.message, remedy=refusal.remedy)
        raise


def _may_exist(ledger: RunLedger) -> bool:
    """False if a message named a run of which the state does not know that work was sent."""
    try:
        return was_sent(ledger)
    except (RetryableError, UnknownHost):  # it is what does not answer
        return True


def _shown(name: object) -> object:
    """For a log line: whoever sent a message may have put anything there."""
    return name if name is None or is_slot(name) else ascii(name)[:_LONGEST_NAME]


def _keep_lock(ledger: RunLedger, seconds: float) -> None:
    try:
        lease.extend(ledger, seconds)
    except (RetryableError, UnknownHost) as error:  # what does not answer; the next try extends it
        log.warning("lease_not_extended", cause=error.message)
