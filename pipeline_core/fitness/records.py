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
    """Keeps what a worker says of itself, and tells the hooks if that is news. Raises
    RetryableError."""
    if not _keep(state, told):
        return
    log.warning("worker_unfit", cause=told.sentence)
    unfit = Notification(
        event="unfit",
        run_id="",
        reason=f"The {told.sentence}.",
        remedy="Others do its work; it looks again by itself. `sales-pipeline doctor` asks it.",
        at=datetime.now(UTC),
    )
    notify_hooks(hooks, unfit)


def workers_aside(state: Storage, now: datetime) -> tuple[str, ...]:
    """A sentence of each that takes no work now. Raises RetryableError."""
    return tuple(sorted(f"{each.sentence}." for each in unfit_workers(state, now)))


def unfit_workers(state: Storage, now: datetime) -> tuple[UnfitWorker, ...]:
    """Those that take no work now. Raises RetryableError."""
    found = (read_record(state, each.key, UnfitWorker) for each in state.files(_FOLDER))
    return tuple(each for each in found if each is not None and each.cause and each.until > now)


def _keep(state: Storage, told: UnfitWorker) -> bool:
    """Whether it is news. Those of which nothing was heard any more are removed."""
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
    return key not in known
