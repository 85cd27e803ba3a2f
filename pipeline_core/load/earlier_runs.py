"""The runs published before: what their summary.json says, and where their pages are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import chain, islice

from msgspec import Struct

from pipeline_core.configuration.places import RUNS
from pipeline_core.load.read_back import SUMMARY, read_summary
from pipeline_core.logs import get_logger
from pipeline_core.messages import EventCounts, Policy, RunStatus, Totals
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once

log = get_logger()

_SHOWN = 60


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


def earlier_runs(reports: Storage, ids: Iterable[str]) -> tuple[EarlierRun, ...]:
    """The newest of those runs that are published, ``ids`` being newest first. One whose reports
    somebody removed, or that were published in another place, is left out."""

    def read(run_id: str) -> EarlierRun | None:
        return _earlier_run(reports, run_id)

    following = iter(ids)
    newest = at_once(reports, read, islice(following, _SHOWN), Policy().requests)
    in_their_place = map(read, islice(following, _SHOWN))
    found = (each for each in chain(newest, in_their_place) if each is not None)
    return tuple(islice(found, _SHOWN))


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
