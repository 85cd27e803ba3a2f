"""Retention: older published reports are removed, and nothing else is lost by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from pipeline_core.configuration.places import LATEST
from pipeline_core.ledger import RunLedger, published_ids
from pipeline_core.load.removed_reports import RemovedReport, note_removed, removed_report
from pipeline_core.places.owner import other_owner
from pipeline_core.publication.file_names import BY_CATEGORY, INDEX, SUMMARY, is_report_file
from pipeline_core.storage import Storage, StoredObject, open_storage


@dataclass(frozen=True)
class RemovedReports:
    """Reports that were removed, or would be, and the bytes of their files."""

    reports: int = 0
    bytes: int = 0
    others: tuple[str, ...] = ()
    """A sentence for each place of older reports that is another state's now; nothing is removed
    there."""


def remove_old_reports(
    state: Storage, keep_reports: int | None, *, dry_run: bool = False
) -> RemovedReports:
    """Removes the files of published reports but for the newest ``keep_reports``, all if it is
    None. What `latest` shows, reports of a time past, those that another state took over, and
    each summary.json stay; a page says in the place of each that it is removed. May be repeated,
    and goes on where it was cut off.

    Raises:
        RetryableError: a storage does not answer.
    """
    if keep_reports is None:
        return RemovedReports()
    count = size = 0
    others: dict[str, str | None] = {}
    for run_id, reports in _older(state, keep_reports):
        if reports.uri not in others:
            others[reports.uri] = other_owner(state, reports)
        if others[reports.uri] is not None:
            continue
        files = list(_files(reports, run_id))
        known = removed_report(reports, run_id)
        if known is not None:  # what a process that was cut off left; the page is one of ours
            files = [each for each in files if not each.key.endswith(f"/{run_id}/{INDEX}")]
        if not files or reports.pointed(LATEST) == f"runs/{run_id}":
            continue
        count, size = count + 1, size + sum(each.size for each in files)
        if not dry_run:
            now = datetime.now(UTC)
            removed = known or RemovedReport(run_id=run_id, removed_at=now, kept=keep_reports)
            note_removed(reports, removed)
            for each in files:
                if not each.key.endswith(f"/{run_id}/{INDEX}"):
                    reports.remove(each.key)
    told = [
        f"The reports in {place} are of the state {owner} now: none is removed there."
        for place, owner in others.items()
        if owner is not None
    ]
    return RemovedReports(count, size, tuple(told))


def _older(state: Storage, keep_reports: int) -> Iterator[tuple[str, Storage]]:
    """Published runs before the newest, each with where its report is."""
    for run_id in islice(published_ids(state), keep_reports, None):
        manifest = RunLedger(state, run_id).planned()
        if manifest is not None:
            yield run_id, open_storage(manifest.reports)


def _files(reports: Storage, run_id: str) -> Iterator[StoredObject]:
    """Those that the run published, but for its summary."""
    folder = f"runs/{run_id}"
    for each in (*reports.files(folder), *reports.files(f"{folder}/{BY_CATEGORY}")):
        name = each.key.removeprefix(f"{folder}/")
        if name != SUMMARY and is_report_file(name):
            yield each
