"""rebuild: the reports of a past run once more, from its manifest and its snapshot.

Events decide: of the extracts, or of archives that still have the days by their digests. An
archive whose events are gone counts by its receipt, if the files that this names are sound.
Whatever comes out is what the run said of itself, or nothing is written.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

import msgspec
import pyarrow as pa
from msgspec import Struct

from pipeline_core.errors import (
    ContractError,
    DamagedResult,
    EventsGone,
    PublishRefused,
    UnreadableArchive,
)
from pipeline_core.ledger import RunLedger, mark_published, newest_published, open_state, read_state
from pipeline_core.ledger.results import Done, results
from pipeline_core.load.partials import read_partial
from pipeline_core.merging.merge import merge_results
from pipeline_core.messages import Counts, Manifest, Receipt, Summary, Work
from pipeline_core.places.owner import check_owner
from pipeline_core.processing.levels import Level
from pipeline_core.processing.lost_results import check_none_lost, lost_result
from pipeline_core.processing.process import processed, store_results
from pipeline_core.processing.recount import (
    CountedDay,
    as_it_is,
    days_of,
    kept_extracts,
    recount,
)
from pipeline_core.processing.rules import Rules, rules_of
from pipeline_core.publication.latest import make_latest
from pipeline_core.publication.repair import FilesState, repair_files
from pipeline_core.publication.report_files import write_reports
from pipeline_core.publication.summary import summarise
from pipeline_core.publication.without_sent_twice import distinct
from pipeline_core.storage import open_archives, open_storage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.transform.reports import Report


class Rebuilt(Struct, frozen=True, kw_only=True):
    """What came of it."""

    run_id: str
    """The run."""
    state: FilesState
    """How its published files were, or are now."""
    archives: int
    """Number of archives that were counted again."""
    by_receipt: tuple[str, ...]
    """Names of archives of which what is kept of their results was taken, since their events are
    gone."""
    files: tuple[str, ...]
    """Names of files that were missing, or not as they were published, or do not belong to the
    run."""


class _Again(NamedTuple):
    """The results of a run, and archives that count by their receipts."""

    done: tuple[Done, ...]
    by_receipt: tuple[str, ...]


def rebuild(
    state_uri: str,
    run_id: str,
    *,
    dry_run: bool = False,
    archive_done: Callable[[], None] = lambda: None,
) -> Rebuilt:
    """Computes the reports of a published run again and compares them with what is published;
    what is missing or damaged is published again, unless it is a ``dry_run``.

    Raises:
        ConfigError: there is no such run, it was not published, or its reports are another state's.
        LostResult: it is a ``dry_run``, and results are lost or damaged.
        PublishRefused: neither events nor sound results are left of an archive.
        ContractError: the run comes out otherwise than it said, or its snapshot is gone.
        RetryableError: a storage does not answer, or has no room.
    """
    state = read_state(state_uri, may_add=True) if dry_run else open_state(state_uri)
    ledger = RunLedger(state, run_id)
    manifest, published = ledger.published()
    rules = rules_of(ledger, manifest)
    scale = rules.dimensions.scale
    if dry_run:
        check_none_lost(ledger, manifest, results(ledger, manifest))
    _restore_receipts(ledger, manifest, published)
    is_of_now = published.reconciliation is not None
    again = _count_again(ledger, manifest, rules, archive_done, is_of_now=is_of_now)
    done, unlike_first = distinct(ledger, manifest, again.done)
    partials = merge_results(ledger, manifest, done)
    summary = summarise(manifest, done, partials, scale, unlike_first)
    if published.allowed_empty:  # the verdict's to say
        summary = msgspec.structs.replace(summary, status="incomplete")
    if not _are_told_alike(_figures(summary), _figures(published), is_of_now=is_of_now):
        raise _differs(run_id, "its figures are not those of its summary")
    if not dry_run:
        check_owner(state, open_storage(manifest.reports))
    with TemporaryDirectory(prefix="sales-") as name:
        folder = Path(name)
        write_reports(folder, ledger, manifest, done, partials, scale, published)
        reports = open_storage(manifest.reports)
        found, files = repair_files(folder, reports, f"runs/{run_id}", dry_run=dry_run)
    if not dry_run and manifest.options.as_of is None:
        mark_published(state, run_id)  # the record of that may be what is lost
        if run_id == newest_published(state):
            make_latest(state, reports, run_id)
    archives = len({each.archive.id for each in again.done})
    return Rebuilt(
        run_id=run_id, state=found, archives=archives, by_receipt=again.by_receipt, files=files
    )


def _restore_receipts(ledger: RunLedger, manifest: Manifest, summary: Summary) -> None:
    """Makes receipts that are gone anew, of archives that are as the run read them."""
    while outstanding := results(ledger, manifest).outstanding:
        for work in outstanding:
            receipt, behind = _processed_again(ledger, manifest, work, summary)
            ledger.create_receipt(work, receipt, behind)


def _processed_again(
    ledger: RunLedger, manifest: Manifest, work: Work, summary: Summary
) -> tuple[Receipt, bytes]:
    archive = manifest.archive(work.archive)
    data = open_archives(manifest.data, follow_links=manifest.options.follow_links)
    if not archive.version:  # there was no file
        return processed(ledger, manifest, archive, work)
    known, unread = summary.inputs.get(archive.name), None
    try:
        found = data.stat(archive.name)
        with data.fetched(archive.name) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        digest = None
    except UnreadableArchive as error:
        digest, unread = None, error.message
    if digest is None or digest != known:
        first = f" > {archive.days[0].name}" if archive.days else ""
        raise _refused(
            ledger.run_id,
            f"the receipt of {archive.name}{first} is gone, and the archive {as_it_is(unread)}.",
            f"Put the archive with SHA-256 {known} back into {manifest.data}.",
        )
    return processed(
        ledger, manifest, msgspec.structs.replace(archive, version=found.version), work
    )


def _count_again(
    ledger: RunLedger,
    manifest: Manifest,
    rules: Rules,
    archive_done: Callable[[], None],
    *,
    is_of_now: bool,
) -> _Again:
    days: dict[str, list[CountedDay]] = defaultdict(list)
    processed_results = results(ledger, manifest).done
    for day in days_of(ledger, processed_results):
        days[day.done.work.id].append(day)
    done, by_receipt, extracts = [], [], kept_extracts(ledger, manifest)
    for each in processed_results:
        try:
            with recount(ledger, manifest, rules, days[each.work.id], extracts) as result:
                done.append(_compared(ledger, each, result, rules, is_of_now=is_of_now))
        except EventsGone as error:
            if _kept_partials(ledger, each.receipt, rules.reports) is None:
                raise _refused(
                    ledger.run_id,
                    f"{error.message} The results of that time are gone, too, or damaged.",
                    f"Put the archive that was read back into {manifest.data}.",
                ) from error
            by_receipt.append(each.archive.name)
            done.append(each)
        archive_done()
    return _Again(tuple(done), tuple(dict.fromkeys(by_receipt)))


def _compared(
    ledger: RunLedger, done: Done, result: Level, rules: Rules, *, is_of_now: bool
) -> Done:
    """``done`` if the recount is what its receipt says; if the receipt's files are not sound, they
    are made anew, or, where nothing may be, are told: LostResult."""
    receipt = done.receipt
    kept = _kept_partials(ledger, receipt, rules.reports)
    if not _are_told_alike(result.counts(), receipt.counts, is_of_now=is_of_now):
        raise _differs(ledger.run_id, f"{done.archive.name} has other counts")
    if kept is not None:
        if not _are_same(kept, result.partials(), rules):
            raise _differs(ledger.run_id, f"{done.archive.name} has other sums")
        return done
    if isinstance(ledger.state, ReadOnlyStorage):
        raise lost_result(ledger, [done.work], done.archive.name)
    file = ledger.result_file(done.work)
    receipt = store_results(file, done.work, result, receipt)
    named = result.named.stored(file, done.work, rules.dimensions)
    receipt = msgspec.structs.replace(receipt, named_ids=named)
    ledger.replace_receipt(done.work, receipt, file.behind)
    return done._replace(receipt=receipt)


def _are_same(
    kept: Mapping[str, pa.Table], recounted: Mapping[str, pa.Table], rules: Rules
) -> bool:
    scale = rules.dimensions.scale
    return all(
        report.finish(kept[report.name], scale).equals(report.finish(recounted[report.name], scale))
        for report in rules.reports
        if report.name in kept
    )


def _kept_partials(
    ledger: RunLedger, receipt: Receipt, reports: Collection[Report]
) -> dict[str, pa.Table] | None:
    """The partials that a receipt names, if they, its rejects and its keys are sound; an earlier
    version made none of reports without a file."""
    reports = [each for each in reports if each.is_published or each.name in receipt.partials]
    if not {report.name for report in reports} <= receipt.partials.keys():
        return None
    try:
        for stored in (receipt.rejects, receipt.event_keys):
            if stored is not None:
                with ledger.opened(stored):
                    pass
        return {
            report.name: read_partial(ledger.load(receipt.partials[report.name]))
            for report in reports
        }
    except DamagedResult:  # what was asked
        return None


_Told = TypeVar("_Told", Counts, Summary)


def _are_told_alike(now: _Told, then: _Told, *, is_of_now: bool) -> bool:
    """An earlier version did not say how much of what is left out nobody knows."""
    if is_of_now:
        return now == then
    lost_now, lost_then = (
        {
            reason: (lost.events, lost.units or 0, Fraction(lost.revenue or 0))
            for reason, lost in told.rejected.items()
        }
        for told in (now, then)
    )
    return lost_now == lost_then and msgspec.structs.replace(
        now, rejected={}
    ) == msgspec.structs.replace(then, rejected={})


def _figures(summary: Summary) -> Summary:
    """A summary without what only says how and when it came to be; reused is read."""
    archives, days = summary.archives, summary.days
    return msgspec.structs.replace(
        summary,
        finished_at=summary.created_at,
        archives=msgspec.structs.replace(archives, read=archives.read + archives.reused, reused=0),
        days=msgspec.structs.replace(days, read=days.read + days.reused, reused=0),
        seconds=0.0,
        work_seconds=None,
        general_events=0,
        bytes_read=0,
        allowed_drift="",
        allowed_empty="",
        unlike_first=None,
        reconciliation=None,  # follows from the other figures
    )


def _differs(run_id: str, how: str) -> ContractError:
    return ContractError(
        f"run {run_id} comes out otherwise than it did: {how}. Nothing was written.",
        "It was made by another version of this program, or its records were changed; rebuild it "
        "with that version.",
    )


def _refused(run_id: str, why: str, remedy: str) -> PublishRefused:
    return PublishRefused(f"Run {run_id} cannot be rebuilt: {why}", remedy)
