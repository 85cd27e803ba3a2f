"""One run to one destination: by one deliverer at a time, and on record."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.order import newer_told
from pipeline_core.delivery.records import load_delivery, save_delivery
from pipeline_core.delivery.send import send
from pipeline_core.errors import (
    ConfigError,
    OutcomeUnknown,
    PipelineError,
    RetryableError,
    TooCostly,
    WorkUnderWay,
    reason_of,
)
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import Worker, attempt, is_alive, raise_too_costly
from pipeline_core.logs import get_logger
from pipeline_core.messages.delivery import Delivery

log = get_logger()

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
# With these pauses: for a day, in which there is a newer run.
_MOST_TRIES = 30
_IN_THE_MIDST = "Whoever was sending it ended in the midst: nobody knows whether it arrived."


class _Overtaken(Exception):
    """A newer run, ``run_id``, was sent while this one was made ready."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


def deliver(
    ledger: RunLedger,
    destination: Destination,
    worker: Worker,
    *,
    by_hand: bool = False,
    again: bool = False,
    is_repeated: bool = True,
) -> Delivery:
    """Delivers a published run, unless that is done, given up or not due yet; ``by_hand`` in any
    case, but for what was sent, or may have been, which is sent ``again`` alone. Unless it
    ``is_repeated`` by itself, nobody is promised another try. Returns what became of it, as is on
    record now.

    Raises:
        WorkUnderWay: another is at it.
        ConfigError: there is no such run.
        RetryableError: the state storage does not answer.
    """
    policy, work_id = ledger.manifest().policy, f"deliver-{destination.id}"
    with attempt(ledger, policy, work_id, worker) as noted:
        _check_alone(ledger, work_id, noted.number)
        # Read now: who was at it a moment ago has written it.
        found = load_delivery(ledger, destination.id) or new_delivery(destination)
        was_sent = not destination.is_replaced and found.may_be_there
        if again or is_due(found) or (by_hand and not was_sent):
            tried = _tried(ledger, destination, worker, found)
            found = _kept(found, tried if is_repeated else _never_repeated(ledger, tried))
            save_delivery(ledger, found)
        noted.done()
    return found


def new_delivery(destination: Destination) -> Delivery:
    """The record of one that is to be made."""
    return Delivery(destination=destination.id, shown=destination.shown)


def is_due(delivery: Delivery) -> bool:
    """Whether it is to be tried now."""
    waits = delivery.next_at is not None and delivery.next_at > datetime.now(UTC)
    return delivery.state == "pending" and not waits


def superseded(delivery: Delivery, newer: str) -> Delivery:
    """The record of one in whose place a newer run is."""
    return msgspec.structs.replace(
        delivery,
        state="superseded",
        next_at=None,
        cause=f"A newer run, {newer}, is delivered in its place.",
        remedy="",
    )


def _kept(before: Delivery, tried: Delivery) -> Delivery:
    """The record of a try, with what is known from before: no later try takes back what arrived, or
    may have."""
    if tried.state == "done":
        return msgspec.structs.replace(tried, delivered_at=tried.tried_at)
    if before.state == "unknown" and tried.state != "unknown":
        cause = f"An earlier try may have arrived. The last one did not: {tried.cause}"
        return msgspec.structs.replace(tried, state="unknown", cause=cause, next_at=None)
    return msgspec.structs.replace(tried, delivered_at=before.arrived_at)


def _never_repeated(ledger: RunLedger, tried: Delivery) -> Delivery:
    """The record of a try after which nobody makes another by himself."""
    if tried.state != "pending":
        return tried
    again = (
        f"It is not tried again by itself: `sales-pipeline deliver {ledger.run_id}` does, with the "
        "same --to if there was one."
    )
    remedy = f"{tried.remedy} {again}".strip()
    return msgspec.structs.replace(tried, state="failed", next_at=None, remedy=remedy)


def _check_alone(ledger: RunLedger, work_id: str, number: int) -> None:
    """Attempts have their numbers one after the other: who began first goes on. Raises
    WorkUnderWay for the others."""
    now = datetime.now(UTC)
    for each in ledger.attempts(work_id)[: number - 1]:
        if is_alive(each, now):
            raise WorkUnderWay(
                f"{each.owner} is delivering it.", seconds=(each.expires_at - now).total_seconds()
            )


def _tried(
    ledger: RunLedger, destination: Destination, worker: Worker, before: Delivery
) -> Delivery:
    tried = msgspec.structs.replace(
        before,
        shown=destination.shown,
        state="done",
        tries=before.tries + 1,
        tried_at=datetime.now(UTC),
        next_at=None,
        cause="",
        remedy="",
        is_told=before.is_told and before.state != "done",
    )
    sending = _Sending(ledger, destination, tried)
    try:
        if (newer := sending.newer()) is None:
            with raise_too_costly(worker, "deliver the report"):
                newer = send(destination, ledger, sending.begin)
    except _Overtaken as overtaken:
        newer = overtaken.run_id
    except RetryableError as error:
        return _later(tried, error)
    except OutcomeUnknown as error:
        return _unknown(ledger, tried, error.message)
    except Exception as error:
        if sending.has_begun and not isinstance(error, ConfigError):
            return _unknown(ledger, tried, f"{_IN_THE_MIDST} {reason_of(error)}")
        if isinstance(error, TooCostly):
            return _later(tried, error)
        if not isinstance(error, PipelineError):
            log.exception("delivery_failed", run_id=ledger.run_id, destination=destination.shown)
        remedy = getattr(error, "remedy", "This is a bug of ours; the log says where it happened.")
        return msgspec.structs.replace(tried, state="failed", cause=reason_of(error), remedy=remedy)
    return tried if newer is None else superseded(tried, newer)


class _Sending:
    """What is on record of something that cannot be taken back, while it is sent."""

    def __init__(self, ledger: RunLedger, destination: Destination, tried: Delivery) -> None:
        self.has_begun = False
        self._ledger, self._destination, self._tried = ledger, destination, tried

    def newer(self) -> str | None:
        """The run that was sent in place of this one."""
        if self._destination.is_replaced:
            return None
        return newer_told(self._ledger, self._destination.id)

    def begin(self) -> None:
        """Notes that it may arrive from now on, should nobody be there to say how it went."""
        if (newer := self.newer()) is not None:
            raise _Overtaken(newer)
        save_delivery(self._ledger, _unknown(self._ledger, self._tried, _IN_THE_MIDST))
        self.has_begun = True


def _unknown(ledger: RunLedger, tried: Delivery, cause: str) -> Delivery:
    again = f"sales-pipeline deliver {ledger.run_id} --to {shlex.quote(tried.shown)}"
    return msgspec.structs.replace(
        tried,
        state="unknown",
        cause=cause,
        remedy=f"See whether it is there; `{again}` sends it again, a mail by the same Message-ID.",
    )


def _later(tried: Delivery, error: PipelineError) -> Delivery:
    """As it is after a try that may succeed later: there is another one, unless there were many."""
    is_last = tried.tries >= _MOST_TRIES
    pause = min(_FIRST_PAUSE * 2 ** min(tried.tries - 1, _MOST_TRIES), _LONGEST_PAUSE)
    return msgspec.structs.replace(
        tried,
        state="failed" if is_last else "pending",
        cause=error.message,
        remedy=error.remedy,
        next_at=None if is_last else datetime.now(UTC) + pause,
    )
