"""The runs published before: what their summary.json says, and where their pages are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from pipeline_core.ledger import published_ids
from pipeline_core.logs import get_logger
from pipeline_core.page import EarlierRun
from pipeline_core.storage import Storage

log = get_logger()

RUNS = 60


def earlier_runs(state: Storage, reports: Storage, run_id: str) -> tuple[EarlierRun, ...]:
    """The newest runs that were planned before ``run_id`` and published, newest first. One whose
    reports somebody removed, or that were published in another place, is left out."""
    return tuple(islice(_earlier_runs(state, reports, run_id), RUNS))


def _earlier_runs(state: Storage, reports: Storage, run_id: str) -> Iterator[EarlierRun]:
    for earlier in islice(published_ids(state, run_id), 2 * RUNS):
        key = f"runs/{earlier}/summary.json"
        try:
            yield msgspec.json.decode(reports.read(key), type=EarlierRun)
        except FileNotFoundError:
            continue
        except (msgspec.DecodeError, UnicodeDecodeError) as error:  # no page is worth a refusal
            log.warning("earlier_run_left_out", run_id=earlier, key=key, cause=str(error))
