"""Deliveries of published runs: what is due is tried, and who should know is told. Nothing of it
changes how a run ended."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

import msgspec

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.records import deliveries_of, load_delivery, save_delivery
from pipeline_core.errors import PipelineError, WorkUnderWay, message_of
from pipeline_core.ledger import RunLedger, published_ids
from pipeline_core.ledger.attempts import Worker, this_process
from pipeline_core.logs import get_logger
from pipeline_core.messages.delivery import Delivery
from pipeline_core.notify.hooks import Hooks, notify_hooks
from pipeline_core.running.notifications import of_delivery
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage, open_storage

log = get_logger()

# Runs before the newest whose deliveries are ended.
_RUNS_ENDED = 3
_LOOK_SECONDS = 0.5


def deliver_published(
    settings: Settings, ledger: RunLedger, worker: Worker | None = None, *, wait: bool = False
) -> list[Delivery]:
    """Delivers a run to the destinations of the settings, as far as it is published, of all days,
    and due. With ``wait``, until whoever is at it is done, too. Raises nothing for want of a
    destination or of the state: the run has ended well."""
    if not _are_its_own(settings, ledger.state):
        return []
    try:
        outcome, manifest = ledger.outcome(), ledger.planned()
        if outcome is None or outcome.state != "published" or manifest is None:
            return []
        if manifest.options.as_of is not None:
            return []
        found = _delivered(settings.destinations(), ledger, worker, wait=wait)
        _tell(ledger, settings.hooks(), found)
    except (PipelineError, OSError) as trouble:
        log.error("not_delivered", run_id=ledger.run_id, cause=message_of(trouble))
        return []
    return found


def deliver_newest(settings: Settings, state: Storage, worker: Worker | None = None) -> None:
    """Delivers the newest published run as far as it is due; what runs before it were still to
    deliver is not tried any more."""
    if not _are_its_own(settings, state):
        return
    known = list(islice(published_ids(state), _RUNS_ENDED + 1))
    if not known:
        return
    newest, *before = known
    for run_id in before:
        _end_pending(RunLedger(state, run_id), newest)
    began = datetime.now(UTC)
    found = deliver_published(settings, RunLedger(state, newest), worker)
    log_deliveries(newest, [each for each in found if each.tried_at and each.tried_at >= began])


def deliver_by_hand(
    ledger: RunLedger,
    destinations: Iterable[Destination],
    hooks: Hooks,
    *,
    again: bool = False,
    repeated: Collection[Destination] = (),
) -> list[Delivery]:
    """Delivers a published run, whether it was before or not; a mail or a notification that was
    sent, or may have been, is sent ``again`` alone. To those of ``repeated``, which the settings
    have, the newest run is delivered later by itself, if it cannot be now.

    Raises:
        ConfigError: there is no such run, or it is not published.
        RetryableError: the state storage does not answer.
    """
    manifest, _ = ledger.published()
    is_newest = next(published_ids(ledger.state), None) == ledger.run_id
    is_repeated = is_newest and manifest.options.as_of is None
    ids = {each.id for each in repeated} if is_repeated else set()
    found = [
        _tried(ledger, each, None, by_hand=True, again=again, wait=True, is_repeated=each.id in ids)
        for each in destinations
    ]
    _tell(ledger, hooks, found)
    return found


def log_deliveries(run_id: str, found: Iterable[Delivery]) -> None:
    """A line for each that was tried and never arrived."""
    for each in found:
        if each.cause and each.state != "superseded" and each.delivered_at is None:
            again = each.next_at.isoformat(timespec="seconds") if each.next_at else "never"
            log.warning(
                "undelivered",
                run_id=run_id,
                destination=each.shown,
                cause=each.cause,
                remedy=each.remedy,
                again=again,
            )


def delivery_words(delivery: Delivery) -> str:
    """How a delivery fares, in a sentence."""
    to = delivery.shown
    arrived = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if (at := delivery.arrived_at) else ""
    if delivery.state == "done":
        return f"Delivered to {to}{arrived}."
    if delivery.state == "pending" and not delivery.cause:
        return f"Not delivered to {to} yet."
    again = f" {_next_try(delivery.next_at)}" if delivery.next_at is not None else ""
    if delivery.delivered_at is not None:
        since = f" A later try did not deliver it: {delivery.cause}{again}"
        if delivery.state == "superseded":
            since = f" {delivery.cause}"
        return f"Delivered to {to}{arrived}.{since}"
    fares = "Perhaps delivered" if delivery.state == "unknown" else "Not delivered"
    return f"{fares} to {to}: {delivery.cause}{again}"


def _next_try(at: datetime) -> str:
    if at > datetime.now(UTC):
        return f"It is tried again after {at:%H:%M:%S} UTC, by beat or by `sales-pipeline recover`."
    return (
        f"It is due since {at:%Y-%m-%d %H:%M:%S} UTC: workers or `sales-pipeline recover` try it, "
        "if SALES_DELIVER still has it."
    )


def _are_its_own(settings: Settings, state: Storage) -> bool:
    """Whether there are destinations, and the run is of the shop that they are of: a worker serves
    others, too, whose reports must not come to stand there."""
    return settings.deliver is not None and open_storage(settings.state).uri == state.uri


def _delivered(
    destinations: Sequence[Destination], ledger: RunLedger, worker: Worker | None, *, wait: bool
) -> list[Delivery]:
    from pipeline_core.delivery.deliver import is_due, new_delivery

    newest = next(published_ids(ledger.state), ledger.run_id)
    if newest != ledger.run_id:
        _end_pending(ledger, newest)
        return []
    for each in destinations:  # all on record, should the first one end this process
        if load_delivery(ledger, each.id) is None:
            save_delivery(ledger, new_delivery(each))
    found = []
    for each in destinations:
        known = load_delivery(ledger, each.id) or new_delivery(each)
        found.append(_tried(ledger, each, worker, wait=wait) if is_due(known) else known)
    return found


def _tried(
    ledger: RunLedger,
    destination: Destination,
    worker: Worker | None,
    *,
    by_hand: bool = False,
    again: bool = False,
    wait: bool = False,
    is_repeated: bool = True,
) -> Delivery:
    from pipeline_core.delivery.deliver import deliver, new_delivery

    while True:
        try:
            return deliver(
                ledger,
                destination,
                worker or Worker(this_process()),
                by_hand=by_hand,
                again=again,
                is_repeated=is_repeated,
            )
        except WorkUnderWay as other:
            if not wait:
                log.info("delivery_under_way", run_id=ledger.run_id, cause=other.message)
                return load_delivery(ledger, destination.id) or new_delivery(destination)
            time.sleep(min(other.seconds, _LOOK_SECONDS))


def _end_pending(ledger: RunLedger, newest: str) -> None:
    from pipeline_core.delivery.deliver import superseded

    for each in deliveries_of(ledger):
        if each.state == "pending":
            save_delivery(ledger, superseded(each, newest))


def _tell(ledger: RunLedger, hooks: Hooks, found: Iterable[Delivery]) -> None:
    """Tells the hooks once of each that failed, whether it is tried again or not."""
    for each in found:
        is_fine = each.state == "superseded" or each.delivered_at is not None
        if each.is_told or not each.cause or is_fine:
            continue
        notification = of_delivery(ledger, delivery_words(each), each.remedy)
        if notify_hooks(hooks, notification):
            save_delivery(ledger, msgspec.structs.replace(each, is_told=True))
