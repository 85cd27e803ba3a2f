"""recover: what a run that stopped moving needs, decided from the state storage alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline_core.errors import PipelineError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import PUBLISH, anybody_alive, is_lost
from pipeline_core.ledger.results import results
from pipeline_core.messages import Attempt, Dispatch, Manifest, Work
from pipeline_core.plural import counted

# Dispatches in a row after which nothing had been done; the pauses between them double.
_MOST_IN_VAIN = 5


class NobodyWorks(PipelineError):
    """Work was sent again and again, and nobody did any of it."""


@dataclass(frozen=True)
class Recovery:
    """What a run needs: ``work`` is to be sent again, or, if there is none, it is to be
    published. ``why`` is for the record; ``is_silent`` if nothing moved, whoever worked."""

    manifest: Manifest
    work: tuple[Work, ...]
    why: str
    number: int
    stall_after: timedelta
    is_silent: bool = False


def diagnose(
    ledger: RunLedger, now: datetime, *, told: str = "", manifest: Manifest | None = None
) -> Recovery | None:
    """What a planned run that is not decided needs now; None while it moves by itself. ``manifest``
    is the run's, if somebody has read it.

    ``told`` is a cause that a message reported. Whoever may send messages may have made it up: it
    makes nothing lost that may still be queued, but what was tried since it was sent, and is over,
    need not wait until the run is silent.

    Raises:
        NobodyWorks: nothing helped so far.
    """
    manifest = manifest or ledger.planned()
    if manifest is None or ledger.outcome() is not None:
        return None
    attempted = ledger.attempt_counts()
    outstanding = _missing(ledger, manifest)
    if not outstanding and not told:
        publishers = ledger.attempts(PUBLISH, attempted.get(PUBLISH, 0))
        if anybody_alive(publishers, now):
            return None  # all receipts are read by who publishes: nobody else needs to
    outstanding = outstanding or results(ledger, manifest).outstanding
    dispatches = ledger.dispatches()
    held = lease.newest(ledger.state)
    silent = held is None or held.run_id != ledger.run_id or held.expires_at <= now
    made = {
        work.id: ledger.attempts(work.id, attempted[work.id])
        for work in outstanding
        if work.id in attempted
    }
    idle = [work for work in outstanding if not anybody_alive(made.get(work.id, ()), now)]
    if not outstanding:
        publishers = ledger.attempts(PUBLISH)
        is_over = told and _was_tried(publishers, dispatches[-1:])
        moves = not (silent or is_over or _died(publishers, dispatches, now))
        if anybody_alive(publishers, now) or moves:
            return None
    elif not silent:
        idle = [
            work
            for work in idle
            if (told and _was_tried(made.get(work.id, ()), _that_sent(work, dispatches)))
            or _died(made.get(work.id, ()), dispatches, now)
        ]
    if outstanding and not idle:
        return None
    in_vain = _in_vain(dispatches, outstanding)
    if in_vain >= _MOST_IN_VAIN:
        raise NobodyWorks(
            f"Work was sent {counted(len(dispatches), 'time')}, and no worker did any of it"
            + (f": {told.rstrip('.')}." if told else "."),
            f"Look at the workers' logs, then `sales-pipeline resume {ledger.run_id}`.",
        )
    return Recovery(
        manifest,
        tuple(idle),
        told or ("nothing moved" if silent else "a worker died"),
        len(dispatches) + 1,
        timedelta(seconds=manifest.policy.stall_after * 2**in_vain),
        silent and not told,
    )


def _missing(ledger: RunLedger, manifest: Manifest) -> tuple[Work, ...]:
    """Planned work without a receipt; no receipt is read: this is asked often."""
    done = ledger.receipt_ids()
    return tuple(work for work in manifest.planned_work() if work.id not in done)


def _died(attempts: Sequence[Attempt], dispatches: Sequence[Dispatch], now: datetime) -> bool:
    """Whether the one who was heard of last died since anything was last sent: the work was not
    sent again yet."""
    last = max(attempts, key=lambda each: each.expires_at, default=None)
    return (
        last is not None
        and is_lost(last, now)
        and (not dispatches or dispatches[-1].sent_at < last.expires_at)
    )


def _that_sent(work: Work, dispatches: Sequence[Dispatch]) -> Sequence[Dispatch]:
    return [dispatch for dispatch in dispatches if work in dispatch.work]


def _was_tried(attempts: Sequence[Attempt], sent: Sequence[Dispatch]) -> bool:
    """Whether the last message about it is gone, so that it waits in no queue: somebody began since
    it was sent. What was never sent waits nowhere."""
    return not sent or any(each.started_at > sent[-1].sent_at for each in attempts)


def _in_vain(dispatches: Sequence[Dispatch], outstanding: Sequence[Work]) -> int:
    """How many of the last dispatches left as much to do as there was before them."""
    ids = {work.id for work in outstanding}
    count = 0
    for dispatch in reversed(dispatches):
        if not {work.id for work in dispatch.work} <= ids:
            break
        count += 1
    return count
