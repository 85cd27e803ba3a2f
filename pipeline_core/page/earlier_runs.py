"""The runs published before: what their summary.json says, and where their pages are."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, islice

from pipeline_core.configuration.places import RUNS
from pipeline_core.load.read_back import SUMMARY, read_summary
from pipeline_core.logs import get_logger
from pipeline_core.messages import Policy
from pipeline_core.page import EarlierRun
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once

log = get_logger()

_SHOWN = 60


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
