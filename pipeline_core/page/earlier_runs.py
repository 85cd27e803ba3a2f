"""The runs published before: what their summary.json says, and where their pages are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pipeline_core.configuration.places import RUNS
from pipeline_core.ledger import published_ids
from pipeline_core.load.read_back import SUMMARY, read_summary
from pipeline_core.logs import get_logger
from pipeline_core.page import EarlierRun
from pipeline_core.storage import Storage

log = get_logger()

_SHOWN = 60


def earlier_runs(state: Storage, reports: Storage, run_id: str) -> tuple[EarlierRun, ...]:
    """The newest runs that were planned before ``run_id`` and published, newest first. One whose
    reports somebody removed, or that were published in another place, is left out."""
    return tuple(islice(_earlier_runs(state, reports, run_id), _SHOWN))


def _earlier_runs(state: Storage, reports: Storage, run_id: str) -> Iterator[EarlierRun]:
    for earlier in islice(published_ids(state, run_id), 2 * _SHOWN):
        folder = f"{RUNS}/{earlier}"
        try:
            yield read_summary(reports, folder, EarlierRun)
        except FileNotFoundError:
            continue
        except ValueError as error:  # no page is worth a refusal
            key = f"{folder}/{SUMMARY}"
            log.warning("earlier_run_left_out", run_id=earlier, key=key, cause=str(error))
