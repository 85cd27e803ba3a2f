"""Whether the report of a run stands: as many files, of as many bytes, as were published."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline_core.configuration.places import LATEST, RUNS
from pipeline_core.messages import Manifest, Outcome
from pipeline_core.storage import Storage, StoredObject, open_storage


def report_size(folder: Path) -> tuple[int, int]:
    """Files of a report that is published from a local folder, and their bytes."""
    return _added(_sizes(folder))


def stands(manifest: Manifest, outcome: Outcome) -> bool:
    """Whether no file of the run's report was removed, emptied or cut off since; a changed one of
    as many bytes is not seen. Of a run that an earlier version published, whether it was removed.

    Raises RetryableError if the storage does not answer."""
    reports, folder = open_storage(manifest.reports), f"{RUNS}/{manifest.run_id}"
    if outcome.report is None:
        try:
            reports.stat(f"{folder}/summary.json")
        except FileNotFoundError:
            return False
        return True
    return _added(each.size for each in _files(reports, folder)) == outcome.report


def is_shown(manifest: Manifest, outcome: Outcome) -> bool:
    """Whether readers have the run's report as the newest one. Raises as ``stands`` does."""
    reports = open_storage(manifest.reports)
    if reports.pointed(LATEST) != f"{RUNS}/{manifest.run_id}" or not stands(manifest, outcome):
        return False
    if not reports.is_far or outcome.report is None:
        return True
    # A copy, of which files may be gone that the report has.
    return _added(each.size for each in _files(reports, LATEST)) == outcome.report


def _sizes(folder: str | Path) -> Iterator[int]:
    """One call of the system a file: there are two a category."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _sizes(entry.path)
            else:
                yield entry.stat().st_size


def _files(reports: Storage, folder: str) -> Iterator[StoredObject]:
    found = reports.contents(folder)
    yield from found.files
    for name in found.folders:
        yield from _files(reports, f"{folder}/{name}")


def _added(sizes: Iterator[int]) -> tuple[int, int]:
    found = list(sizes)
    return len(found), sum(found)
