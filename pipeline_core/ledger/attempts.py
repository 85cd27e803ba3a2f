"""Attempts: who works on what, whether they are alive, and how often the work ended them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.errors import (
    FailsHereOnly,
    NotFit,
    PipelineError,
    RetryableError,
    TooCostly,
    WorkUnderWay,
    message_of,
)
from pipeline_core.ledger.heartbeat import UnderWay, extend_lease, keep_alive
from pipeline_core.ledger.run import RunLedger
from pipeline_core.logs import get_logger
from pipeline_core.machine.process_ids import host_mark
from pipeline_core.messages import Attempt, Policy, Receipt
from pipeline_core.plural import counted

log = get_logger()

# Work ids beside those of archives.
PLAN = "plan"
PUBLISH = "publish"
COMMAND = "command"  # under which a command that runs locally shows that it lives

# Who waits for a lease's end comes just after it.
_AFTER_LEASE_SECONDS = 0.05


class AlreadyDone(Exception):
    """The work was done by an attempt before."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt)
        self.receipt = receipt


class OutOfTries(Exception):
    """The work ended its worker as often as it may. ``ended`` are those attempts."""

    def __init__(self, ended: list[Attempt]) -> None:
        super().__init__(ended)
        self.ended = ended


@dataclass(frozen=True)
class Worker:
    """Who makes an attempt. ``retries`` is Celery's count, for the record; ``too_long`` are what
    is raised when time is up; ``leaving`` tells whether the process was asked to go, ``others``
    whether another host could do the work."""

    name: str
    task_id: str | None = None
    retries: int = 0
    too_long: tuple[type[Exception], ...] = ()
    leaving: Callable[[], bool] = lambda: False
    others: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Noted:
    """An attempt under way: as it began, and what marks it as done."""

    began: Attempt
    done: Callable[[], None]

    @property
    def number(self) -> int:
        """Of the attempts at its work, from 1."""
        return self.began.number


def this_process() -> str:
    """A name for this process among many machines: host and process id."""
    return f"{socket.gethostname()}:{os.getpid()}"


@contextmanager
def raise_too_costly(worker: Worker, what: str) -> Iterator[None]:
    """Makes want of memory and of time an error of ours. Celery would end all of its workers,
    one after the other, of a MemoryError; Arrow's and numpy's are one too."""
    try:
        yield
    except MemoryError as error:
        raise TooCostly(
            f"There is not enough memory to {what}.", "Lower SALES_BATCH_SIZE or SALES_JOBS."
        ) from error
    except Exception as error:
        if isinstance(error, PipelineError) or not _came_of(error, worker.too_long):
            raise
        raise TooCostly(
            f"There was not enough time to {what}.",
            "Raise SALES_TASK_SOFT_TIME_LIMIT and the limits above it.",
        ) from error


def _came_of(error: BaseException | None, kinds: tuple[type[Exception], ...]) -> bool:
    """Also of what a library made of it: time may be up in the midst of any."""
    while error is not None and not isinstance(error, kinds):
        error = error.__cause__ or error.__context__
    return error is not None


@contextmanager
def attempt(
    ledger: RunLedger, policy: Policy, work_id: str, worker: Worker, *, limited: bool = False
) -> Iterator[Noted]:
    """Notes an attempt at the work, and shows that it lives for as long as the body runs.

    A body that raises leaves its cause in the record; one that returns leaves it to what it
    made, such as a receipt, or marks it as done. One that is killed leaves a record that
    is soon out of date. A ``limited`` attempt is one of ``max_attempts``.

    Raises:
        AlreadyDone: limited, and an attempt before has left a receipt.
        OutOfTries: limited, and the work ended its worker that often.
        FailsHereOnly: limited, it did so on this host alone, and another could try it.
        WorkUnderWay: limited, and it would have, if those are dead whose leases still run.
        RetryableError: the state storage does not answer.
    """
    started = _create(ledger, policy, work_id, worker, limited=limited)
    under_way = UnderWay(ledger, work_id, started, policy.lease, worker.leaving)
    keep_alive(under_way)

    def end(**changes: object) -> None:
        under_way.end()
        try:
            ledger.write_attempt(work_id, msgspec.structs.replace(started, **changes))
        except RetryableError as trouble:  # what ended the attempt matters more
            log.warning("attempt_not_ended", run_id=ledger.run_id, cause=trouble.message)

    try:
        yield Noted(started, lambda: end(state="done"))
    except NotFit as error:  # the process is, and the work no worse for it
        end(state="handed_back", cause=message_of(error))
        raise
    except Exception as error:
        cause = message_of(error)
        # What was handed back stays so, or it would count after another took its place.
        culpable = isinstance(error, TooCostly) and not worker.leaving()
        end(state="failed", cause=cause, culpable=culpable)
        raise
    except BaseException:  # asked to stop, which is no fault of the work
        end(state="handed_back")
        raise
    finally:
        under_way.end()


@contextmanager
def limited_attempt(
    ledger: RunLedger, policy: Policy, work_id: str, worker: Worker, what: str
) -> Iterator[int]:
    """An attempt at work that no run can do without; its number.

    Raises:
        PipelineError: it ended its worker ``max_attempts`` times.
        WorkUnderWay: as ``attempt`` does.
        TooCostly: there is too little memory or time.
    """
    try:
        with (
            attempt(ledger, policy, work_id, worker, limited=True) as noted,
            raise_too_costly(worker, what),
        ):
            yield noted.number
            noted.done()  # what follows, such as sending a plan, may fail and be tried again
    except OutOfTries as out:
        then = f"then `sales-pipeline resume {ledger.run_id}`."
        if work_id == PLAN:  # there is nothing to resume
            then = "then `sales-pipeline run`, which plans without limits of time."
        raise PipelineError(
            f"{counted(len(out.ended), 'attempt')} to {what} failed: {causes(out.ended)}.",
            f"Look at the workers' logs, {then}",
        ) from out


def causes(ended: Iterable[Attempt]) -> str:
    """What ended the attempts, each cause once."""
    told = (each.cause.rstrip(".") or f"{each.owner} died of it" for each in ended)
    return "; ".join(dict.fromkeys(told))


def spent(attempts: Iterable[Attempt], now: datetime) -> list[Attempt]:
    """Attempts that the work itself ended: by death of the process, memory or time."""
    return [each for each in attempts if each.culpable or is_lost(each, now)]


def is_lost(found: Attempt, now: datetime) -> bool:
    """Whether its process died without a word."""
    return found.state == "running" and found.expires_at < now


def is_alive(found: Attempt, now: datetime) -> bool:
    """Whether somebody is working on it."""
    return found.state == "running" and found.expires_at >= now


def anybody_alive(attempts: Iterable[Attempt], now: datetime) -> bool:
    """Whether at least one of those who tried is working on it."""
    return any(is_alive(each, now) for each in attempts)


def is_out_of_tries(ledger: RunLedger, policy: Policy, work_id: str) -> bool:
    """Whether the work has ended as many attempts as it may."""
    return len(spent(ledger.attempts(work_id), datetime.now(UTC))) >= policy.max_attempts


def is_of_one_host(attempts: Iterable[Attempt]) -> bool:
    """Whether they are known to be made on one host."""
    hosts = {each.host for each in attempts}
    return len(hosts) == 1 and "" not in hosts


def _check_tries(
    attempts: Sequence[Attempt], work_id: str, most: int, now: datetime, worker: Worker
) -> None:
    """An attempt whose lease runs lives or died a moment ago. It is counted as if it had died:
    however it ends, the work is never begun more often than it may end its worker. Where it ended
    those of one host alone, another host may begin it once more."""
    ended = spent(attempts, now)
    if len(ended) >= most:
        is_here = ended[0].host == host_mark()
        if not is_of_one_host(ended) or (is_here and not worker.others()):
            raise OutOfTries(ended)
        if is_here:
            raise FailsHereOnly(
                f"Work {work_id} ended {counted(len(ended), 'attempt')} on this host, and no "
                f"other tried it: {causes(ended)}.",
                "Look at what this host has less of than others.",
            )
        most = len(ended) + 1
    at_it = [each for each in attempts if is_alive(each, now)]
    if len(ended) + len(at_it) >= most:
        until = max(each.expires_at for each in at_it)
        raise WorkUnderWay(
            f"{counted(len(at_it), 'attempt')} at {work_id} may be alive, {len(ended)} ended "
            "their worker.",
            seconds=(until - now).total_seconds() + _AFTER_LEASE_SECONDS,
        )


def _create(
    ledger: RunLedger, policy: Policy, work_id: str, worker: Worker, *, limited: bool
) -> Attempt:
    """The first one finds nobody before it by creating its record: nothing is read then."""
    before: Sequence[Attempt] = ()
    now = datetime.now(UTC)
    while True:
        if limited:
            _check_tries(before, work_id, policy.max_attempts, now, worker)
        created = Attempt(
            number=len(before) + 1,
            owner=worker.name,
            host=host_mark(),
            task_id=worker.task_id,
            retries=worker.retries,
            started_at=now,
            expires_at=now + timedelta(seconds=policy.lease),
        )
        if ledger.create_attempt(work_id, created):
            extend_lease(ledger, policy.lease)
            return created
        # Another has this number: who is at the work is asked, and whether it is done.
        if limited and (done := ledger.receipt_of(work_id)) is not None:
            raise AlreadyDone(done)
        now = datetime.now(UTC)  # before reading: what is renewed in between is not lost
        before = ledger.attempts(work_id)
