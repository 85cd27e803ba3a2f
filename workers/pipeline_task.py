"""What every task of ours shares: whose run it works for, and what is tried again, and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from celery import Task
from celery.exceptions import Ignore, Reject, Retry, SoftTimeLimitExceeded
from celery.utils.time import get_exponential_backoff_interval

from pipeline_core.errors import (
    ConfigError,
    InputError,
    NotFit,
    NotServed,
    RetryableError,
    TooCostly,
    UnknownHost,
    WorkUnderWay,
)
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import Worker, raise_too_costly, this_process
from pipeline_core.ledger.names import is_slot
from pipeline_core.logs import get_logger, structlog
from pipeline_core.running.notifications import fail_and_notify
from workers.celery import settings
from workers.fitness.handing_back import handing_back, refuse_while_aside
from workers.fitness.other_hosts import another_host_works
from workers.fitness.standing_aside import HandedBack
from workers.messages.served_shops import check_run, served_run, was_sent
from workers.programs.shutdown import is_leaving

log = get_logger()

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
            others=another_host_works,
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
        with structlog.contextvars.bound_contextvars(**shown), refusals_told():
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
                others_may = isinstance(error, NotFit)  # this worker's own fault
                fail_and_notify(ledger, settings.hooks(), error, others_may=others_may)
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


@contextmanager
def refusals_told() -> Iterator[None]:
    """What a message asks for and this worker does not serve is told, with the remedy."""
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
