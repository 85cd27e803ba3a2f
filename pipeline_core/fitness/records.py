"""Workers that take no work, as the state knows them: each has told others, who can write there."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline_core.ledger.records import read_record
from pipeline_core.logs import get_logger
from pipeline_core.messages import to_json
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.notify.hooks import Hooks, Notification, notify_hooks
from pipeline_core.storage import Storage

log = get_logger()

_FOLDER = "workers"
# More would be no fleet of ours, but somebody who makes names up.
_MOST = 200
# What one that seems well is told of no second time: it may be well and unwell in turns.
_QUIET = timedelta(hours=1)


def note(state: Storage, told: UnfitWorker, hooks: Hooks) -> None:
    """Keeps what a worker says of itself, and tells the hooks if that is news and others do its
    work: else the run that fails tells it. Raises RetryableError."""
    if not keep(state, told):
        return
    log.warning("worker_unfit", cause=told.sentence)
    if not told.takes_work:
        tell(hooks, told, "Others do its work")


def tell(hooks: Hooks, told: UnfitWorker, who_works: str) -> None:
    """``who_works`` begins the remedy."""
    unfit = Notification(
        event="unfit",
        run_id="",
        reason=f"The {told.sentence}.",
        remedy=f"{who_works}; it looks again by itself. `sales-pipeline doctor` asks it.",
        at=datetime.now(UTC),
    )
    notify_hooks(hooks, unfit)


def unfit_workers(state: Storage, now: datetime) -> tuple[UnfitWorker, ...]:
    """Those that cannot work now, by name. Raises RetryableError."""
    found = (read_record(state, each.key, UnfitWorker) for each in state.files(_FOLDER))
    there = [each for each in found if each is not None and each.cause and each.until > now]
    return tuple(sorted(there, key=lambda each: each.name))


def workers_aside(state: Storage, now: datetime) -> tuple[str, ...]:
    """A sentence of each that cannot work now. Raises RetryableError."""
    return tuple(f"{each.sentence}." for each in unfit_workers(state, now))


def keep(state: Storage, told: UnfitWorker) -> bool:
    """Keeps what a worker says of itself; whether it is news. Those of which nothing was heard any
    more are removed. Raises RetryableError."""
    now = datetime.now(UTC)
    known = {each.key: read_record(state, each.key, UnfitWorker) for each in state.files(_FOLDER)}
    for key, each in list(known.items()):
        if each is None or each.until <= now:
            state.remove(key)
            del known[key]
    key = f"{_FOLDER}/{hashlib.sha256(told.name.encode()).hexdigest()[:16]}.json"
    if key not in known and (not told.cause or len(known) >= _MOST):
        return False
    until = min(told.until, now + _QUIET) if told.cause else now + _QUIET
    state.write(key, to_json(msgspec.structs.replace(told, until=until)))
    before = known.get(key)
    return before is None or bool(before.takes_work and told.cause and not told.takes_work)
