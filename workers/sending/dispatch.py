"""Sends the work of a run as a chord: one message an archive, then the publication."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from celery import chord

from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import this_process
from pipeline_core.ledger.heartbeat import extend_lease
from pipeline_core.ledger.results import results
from pipeline_core.logs import get_logger
from pipeline_core.machine.signals import signals_held_back
from pipeline_core.messages import Dispatch, Manifest, Work
from pipeline_core.running.recover import Recovery
from workers.celery import app
from workers.config import FAIL_RUN, PROCESS_ARCHIVE, PUBLISH_RUN
from workers.sending.broker import AWAY, no_answer

log = get_logger()


def send_outstanding(ledger: RunLedger, manifest: Manifest) -> None:
    """Sends a run that was not sent yet: every archive without a receipt, largest first.

    Raises:
        RetryableError: as ``dispatch`` does.
    """
    stall_after = timedelta(seconds=manifest.policy.stall_after)
    dispatch(ledger, Recovery(manifest, results(ledger, manifest).outstanding, "", 1, stall_after))


@signals_held_back()  # nobody would send the rest, or know of what was sent
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
    extend_lease(ledger, recovery.stall_after.total_seconds(), 2 / 3)
    try:
        _send(ledger, recovery.work)
    except (*AWAY, RuntimeError) as error:
        ledger.remove_dispatch(sent)
        cause: BaseException | None = error
        if isinstance(error, RuntimeError):  # what Celery makes of a result store that is away
            cause = error.__cause__
            if not isinstance(cause, AWAY):
                raise
        raise no_answer(cause) from error
    log.info(
        "work_sent",
        run_id=ledger.run_id,
        dispatch=sent.number,
        archives=len(sent.work),
        why=sent.why,
    )
    return True


def _send(ledger: RunLedger, work: tuple[Work, ...]) -> None:
    """Messages carry names only."""
    place, run_id = ledger.state.uri, ledger.run_id
    failure = app.signature(FAIL_RUN, args=(place, run_id))
    publication = app.signature(PUBLISH_RUN, args=(place, run_id)).on_error(failure)
    header = [
        app.signature(
            PROCESS_ARCHIVE,
            args=(place, run_id, each.archive, each.skip, each.share),
            ignore_result=True,
        )
        for each in work
    ]
    if header:
        with app.sending_together():
            chord(header, app=app)(publication)
    else:
        publication.delay([])
