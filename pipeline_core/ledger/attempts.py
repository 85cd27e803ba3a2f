"""Attempts: who works on what, whether they are alive, and how often the work ended them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.errors import PipelineError, RetryableError, TooCostly, message_of
from pipeline_core.ledger import lease
from pipeline_core.ledger.run import RunLedger
from pipeline_core.logs import structlog
from pipeline_core.messages import Attempt, Policy

log = structlog.get_logger()

# Work ids beside those of archives.
PLAN = "plan"
PUBLISH = "publish"
COMMAND = "command"  # under which a command that runs locally shows that it lives

_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Worker:
    """Who makes an attempt. ``retries`` counts how often this very task was tried before;
    ``too_long`` are what is raised when time is up; ``leaving`` tells whether the process was
    asked to go."""

    name: str
    task_id: str | None = None
    retries: int = 0
    too_long: tuple[type[Exception], ...] = ()
    leaving: Callable[[], bool] = lambda: False


def this_process() -> str:
    """A name for this process among many machines: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def costs_told(worker: Worker, what: str) -> Iterator[None]:
    """Makes want of memory and of time an error of ours. Celery would end all of its workers,
    one after the other, of a MemoryError; Arrow's and numpy's are one too."""
    try:
        yield
    except MemoryError as error:
        raise TooCostly(
            f"There is not enough memory to {what}.", "Lower SALES_BATCH_SIZE or SALES_JOBS."
        ) from error
    except worker.too_long as error:
        raise TooCostly(
            f"There was not enough time to {what}.",
            "Raise SALES_TASK_SOFT_TIME_LIMIT and the limits above it.",
        ) from error


@contextmanager
def attempt(
    ledger: RunLedger, policy: Policy, work_id: str, worker: Worker
) -> Iterator[Callable[[], None]]:
    """Notes an attempt at the work, and shows that it lives for as long as the body runs.

    A body that raises leaves its cause in the record; one that returns leaves it to what it
    made, such as a receipt, or calls what it is given. One that is killed leaves a record that
    is soon out of date.

    Raises:
        RetryableError: the state storage does not answer.
    """
    started = _create(ledger, policy, work_id, worker)
    over = threading.Event()
    beat = threading.Thread(
        target=_keep_alive, args=(ledger, policy, work_id, worker, started, over), daemon=True
    )
    beat.start()

    def end(**changes: object) -> None:
        over.set()
        beat.join()
        try:
            ledger.write_attempt(work_id, msgspec.structs.replace(started, **changes))
        except RetryableError as trouble:  # what ended the attempt matters more
            log.warning("attempt_not_ended", run_id=ledger.run_id, cause=trouble.message)

    try:
        yield lambda: end(state="done")
    except Exception as error:
        cause = message_of(error)
        end(state="failed", cause=cause, culpable=isinstance(error, TooCostly))
        raise
    except BaseException:  # asked to stop, which is no fault of the work
        end(state="handed_back")
        raise
    finally:
        over.set()
        beat.join()


@contextmanager
def limited_attempt(
    ledger: RunLedger, policy: Policy, work_id: str, worker: Worker, what: str
) -> Iterator[None]:
    """An attempt at work that no run can do without.

    Raises:
        PipelineError: it ended its worker ``max_attempts`` times.
        TooCostly: there is too little memory or time.
    """
    ended = spent(ledger, work_id, worker, datetime.now(UTC))
    if len(ended) >= policy.max_attempts:
        raise PipelineError(
            f"{len(ended)} attempts to {what} failed: {causes(ended)}.",
            f"Look at the workers' logs, then `sales-pipeline resume {ledger.run_id}`.",
        )
    with attempt(ledger, policy, work_id, worker) as done, costs_told(worker, what):
        yield
        done()  # what follows, such as sending what was planned, may fail and be tried again


def causes(ended: Iterable[Attempt]) -> str:
    """What ended the attempts, each cause once."""
    told = (each.cause.rstrip(".") or f"{each.owner} died of it" for each in ended)
    return "; ".join(dict.fromkeys(told))


def spent(ledger: RunLedger, work_id: str, worker: Worker, now: datetime) -> list[Attempt]:
    """Attempts that the work itself ended: by death of the process, memory or time."""
    return [
        each
        for each in ledger.attempts(work_id)
        if each.culpable or is_lost(each, now) or _is_tried_again(each, worker)
    ]


def is_lost(found: Attempt, now: datetime) -> bool:
    """Whether its process died without a word."""
    return found.state == "running" and found.expires_at < now


def is_alive(found: Attempt, now: datetime) -> bool:
    """Whether somebody is working on it."""
    return found.state == "running" and found.expires_at >= now


def _is_tried_again(found: Attempt, worker: Worker) -> bool:
    # Celery counts a task's retries up after its process was lost, but not when it merely
    # delivers a message twice.
    return (
        found.state == "running"
        and worker.task_id is not None
        and found.task_id == worker.task_id
        and found.retries < worker.retries
    )


def _create(ledger: RunLedger, policy: Policy, work_id: str, worker: Worker) -> Attempt:
    number = len(ledger.attempts(work_id)) + 1
    while True:
        now = datetime.now(UTC)
        created = Attempt(
            number=number,
            owner=worker.name,
            task_id=worker.task_id,
            retries=worker.retries,
            started_at=now,
            expires_at=now + timedelta(seconds=policy.lease),
        )
        if ledger.create_attempt(work_id, created):
            lease.extend(ledger, policy.lease)
            return created
        number += 1


def _keep_alive(
    ledger: RunLedger,
    policy: Policy,
    work_id: str,
    worker: Worker,
    started: Attempt,
    over: threading.Event,
) -> None:
    renewed, every = datetime.now(UTC), timedelta(seconds=policy.lease / 3)
    while not over.wait(_LOOK_SECONDS):
        now = datetime.now(UTC)
        leaving = worker.leaving()
        if not leaving and now - renewed < every:
            continue
        renewed = now
        expires = now + timedelta(seconds=policy.lease)
        shown = msgspec.structs.replace(started, expires_at=expires)
        try:
            if leaving:  # the process may be killed any moment; that must not count
                ledger.write_attempt(work_id, msgspec.structs.replace(shown, state="handed_back"))
                return
            ledger.write_attempt(work_id, shown)
            lease.extend(ledger, policy.lease)
        except (RetryableError, OSError) as error:
            log.warning("attempt_not_renewed", run_id=ledger.run_id, work=work_id, cause=str(error))
