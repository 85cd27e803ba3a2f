"""Sends the work of a run as a chord: one message an archive, then the publication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from celery import chord
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import this_process
from pipeline_core.messages import Dispatch, Manifest, Work
from pipeline_core.pipeline.recover import Recovery
from pipeline_core.pipeline.results import results
from workers.celery import app
from workers.config import FAIL_RUN, PROCESS_ARCHIVE, PUBLISH_RUN

log = structlog.get_logger()

_AWAY = (OperationalError, RedisError, OSError)
# Workers answer within milliseconds; each answer is given as long again for the next.
_QUIET_SECONDS = 0.1


def send_outstanding(ledger: RunLedger, manifest: Manifest) -> None:
    """Sends a run that was not sent yet: every archive without a receipt, largest first.

    Raises:
        RetryableError: as ``dispatch`` does.
    """
    patience = timedelta(seconds=manifest.policy.stall_after)
    dispatch(ledger, Recovery(manifest, results(ledger, manifest).outstanding, "", 1, patience))


def worker_processes(connection: Any = None) -> int:
    """Processes of the workers that answer, until none did for a tenth of a second; 1 if there is
    none. Only how finely work is shared out depends on it.

    Raises:
        RetryableError: the broker does not answer.
    """
    try:
        found = app.control.inspect(timeout=_QUIET_SECONDS, connection=connection).stats() or {}
    except _AWAY as error:
        raise _no_answer(error) from error
    processes: int = sum(each["pool"]["max-concurrency"] for each in found.values())
    return max(1, processes)


def dispatch(ledger: RunLedger, recovery: Recovery) -> bool:
    """Sends what a run needs, unless another sender has this number: says whether it was us.

    The record is written before the messages. A sender who dies in between leaves a run that
    does not move, which is sent again; one who wrote it after could count a run as not sent.

    Raises:
        RetryableError: the broker or the state storage does not answer; nothing is recorded.
    """
    sent = Dispatch(
        number=recovery.number,
        sent_at=datetime.now(UTC),
        sent_by=this_process(),
        work=recovery.work,
        why=recovery.why,
    )
    if not ledger.create_dispatch(sent):
        return False
    lease.extend(ledger, recovery.patience.total_seconds())
    try:
        _send(ledger, recovery.work)
    except KeyboardInterrupt:  # nobody would send the rest
        ledger.remove_dispatch(sent)
        raise
    except (*_AWAY, RuntimeError) as error:
        ledger.remove_dispatch(sent)
        cause: BaseException | None = error
        if isinstance(error, RuntimeError):  # what Celery makes of a result store that is away
            cause = error.__cause__
            if not isinstance(cause, _AWAY):
                raise
        raise _no_answer(cause) from error
    log.info(
        "work_sent",
        run_id=ledger.run_id,
        dispatch=sent.number,
        archives=len(sent.work),
        why=sent.why,
    )
    return True


def _no_answer(error: BaseException | None) -> RetryableError:
    said = " ".join(str(error).split()).rstrip(".")
    return RetryableError(
        f"The broker does not answer: {said}.", "Check SALES_BROKER_URL and that Redis is up."
    )


def _send(ledger: RunLedger, work: tuple[Work, ...]) -> None:
    """Messages carry names only."""
    place, run_id = ledger.state.uri, ledger.run_id
    failure = app.signature(FAIL_RUN, args=(place, run_id))
    publication = app.signature(PUBLISH_RUN, args=(place, run_id)).on_error(failure)
    header = [
        app.signature(PROCESS_ARCHIVE, args=(place, run_id, each.archive, each.skip, each.share))
        for each in work
    ]
    if header:
        chord(header, app=app)(publication)
    else:
        publication.delay([])
