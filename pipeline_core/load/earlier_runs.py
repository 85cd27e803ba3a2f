"""The runs published before: what their summary.json says, and where their pages are.

::

    kept/history.msgpack    in the state: what was read of the newest, behind its own SHA-256

A summary does not change once it is published, so what was read of one is right for ever. The file
is not needed: who is not in it is read again, and so are all where it is gone, torn or of a version
that asked for something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import chain, islice

import msgspec
from msgspec import Struct

from pipeline_core.configuration.places import RUNS
from pipeline_core.errors import RetryableError
from pipeline_core.load.read_back import SUMMARY, read_summary
from pipeline_core.logs import get_logger
from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import EventCounts, Policy, RunStatus, Summary, Totals
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once

log = get_logger()

HISTORY = "kept/history.msgpack"
_SHOWN = 60
_DIGEST_BYTES = hashlib.sha256().digest_size


class EarlierRun(Struct, frozen=True):
    """What summary.json of an earlier run says of its figures."""

    run_id: str
    """The run."""
    status: RunStatus
    """Whether it is complete."""
    finished_at: datetime
    """When it was decided to publish it (UTC)."""
    events: EventCounts
    """What became of its events."""
    totals: Totals
    """Its report in one line."""
    dimensions_digest: str
    """SHA-256 (hex) of its customers and products."""
    seconds: float
    """Seconds from its plan to the verdict."""
    reconciliation: Reconciliation | None = None
    """What it left out in money; None if its version did not say."""

    @property
    def purchases(self) -> int:
        """Those that count, without returns."""
        told = self.reconciliation
        return self.events.counted if told is None else told.counted.purchases


def earlier_runs(
    reports: Storage, state: Storage, ids: Iterable[str], newest: Summary | None = None
) -> tuple[EarlierRun, ...]:
    """The newest of those runs that are published, ``ids`` being newest first. One whose reports
    somebody removed, or that were published in another place, is left out. Of many, few are read:
    the ``newest`` is known to the caller, and the others were kept in the state when they were
    read. Raises RetryableError."""
    following = iter(ids)
    first = next(following, None)
    if first is None:
        return ()
    standing, kept = frozenset(reports.folders(RUNS)), _kept(state)
    known = {each.run_id: each for each in kept}
    if newest is not None:
        known[newest.run_id] = msgspec.convert(newest, EarlierRun, from_attributes=True)
    there = (each for each in chain((first,), following) if each in standing)
    found = tuple(islice(_found(reports, there, known), _SHOWN))
    later = (each for each in kept if each.run_id > first)  # published while this one waited
    _keep(state, kept, tuple(islice(chain(later, found), _SHOWN)))
    return found


def _found(
    reports: Storage, ids: Iterator[str], known: Mapping[str, EarlierRun]
) -> Iterator[EarlierRun]:
    def read(run_id: str) -> EarlierRun | None:
        return _earlier_run(reports, run_id)

    most = list(islice(ids, _SHOWN))
    unknown = [each for each in most if each not in known]
    found = dict(zip(unknown, at_once(reports, read, unknown, Policy().requests), strict=True))
    for run_id in chain(most, ids):
        each = known.get(run_id) or (found[run_id] if run_id in found else read(run_id))
        if each is not None:
            yield each


def _earlier_run(reports: Storage, run_id: str) -> EarlierRun | None:
    folder = f"{RUNS}/{run_id}"
    try:
        return read_summary(reports, folder, EarlierRun)
    except FileNotFoundError:
        return None
    except ValueError as error:  # no page is worth a refusal
        key = f"{folder}/{SUMMARY}"
        log.warning("earlier_run_left_out", run_id=run_id, key=key, cause=str(error))
        return None


def _kept(state: Storage) -> tuple[EarlierRun, ...]:
    """Newest first; none if they are not those that were kept."""
    try:
        found = state.read(HISTORY)
    except FileNotFoundError:
        return ()
    digest, data = found[:_DIGEST_BYTES], found[_DIGEST_BYTES:]
    if digest != _digest(data):
        log.warning("damaged_history_ignored", key=HISTORY)
        return ()
    return msgspec.msgpack.decode(data, type=known(tuple[EarlierRun, ...]))


def _keep(state: Storage, kept: tuple[EarlierRun, ...], runs: tuple[EarlierRun, ...]) -> None:
    """Replaces what was ``kept``, if it is other ``runs``. A run ends as well without."""
    if runs == kept:
        return
    data = msgspec.msgpack.encode(runs)
    try:
        state.write(HISTORY, _digest(data) + data)
    except RetryableError as error:
        log.warning("history_not_kept", key=HISTORY, cause=error.message)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(_fields() + data).digest()


@cache
def _fields() -> bytes:
    """What a version asks of a summary: another one reads it anew."""
    return msgspec.json.encode(msgspec.json.schema(EarlierRun))
