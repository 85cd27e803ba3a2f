"""What a run says of itself, of its receipts: the law that nothing is lost, added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import pyarrow as pa

from pipeline_core.containers.ignored import merge_endings
from pipeline_core.ledger.results import Done
from pipeline_core.messages import (
    MOST_MISSING,
    EventCounts,
    Manifest,
    PartCounts,
    Receipt,
    RejectFigures,
    ReturnFigures,
    Summary,
    Tally,
    UnlikeFirst,
    Unreadable,
)
from pipeline_core.planning.survey import missing_days
from pipeline_core.processing.repeated_entries import first_repeated, repeated_days
from pipeline_core.publication.verdict import is_wrong_key, too_many_rejects
from pipeline_core.reconciliation.reconcile import reconcile
from pipeline_core.transform.enrich import merge_figures
from pipeline_core.transform.rejected import in_decimals
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.category_sales import add_up
from pipeline_core.transform.reports.returns import add_up_returns


def summarise(
    manifest: Manifest,
    done: tuple[Done, ...],
    partials: Mapping[str, pa.Table],
    scale: int,
    unlike_first: UnlikeFirst | None,
) -> Summary:
    """The figures of a run, ``partials`` being the merged ones by report. It has not ended yet:
    when it did is the verdict's to say."""
    receipts = [each.receipt for each in done]
    archives = {each.archive.id for each in done}
    opened = {each.archive.id: each.archive.size for each in done if each.receipt.bytes_read}
    parts = _added(receipt.parts for receipt in receipts)
    most = manifest.options.most_listed
    unreadable = tuple(place for receipt in receipts for place in receipt.unreadable)
    unreadable_count = sum(receipt.unreadable_count for receipt in receipts)
    missing, missing_count = missing_days(
        (day.name for each in done for day in each.archive.days),
        manifest.options.closed_days,
        None if most is None else MOST_MISSING,
    )
    broken = {place.archive for place in unreadable if place.day is None}
    reused = {each.archive.name for each in done if each.archive.id not in opened} - broken
    rejected: dict[str, RejectFigures] = {}
    for receipt in receipts:
        rejected = merge_figures(rejected, receipt.counts.rejected)
    counts = [receipt.counts for receipt in receipts]
    returned = sum((count.returned for count in counts), ReturnFigures())
    events = EventCounts(
        seen=sum(count.seen for count in counts),
        counted=sum(count.counted for count in counts),
        not_purchase=sum(count.not_purchase for count in counts),
        rejected=sum(figures.events for figures in rejected.values()),
    )
    summary = Summary(
        run_id=manifest.run_id,
        status="complete",
        engine=manifest.engine,
        created_at=manifest.created_at,
        finished_at=manifest.created_at,
        archives=Tally(
            read=len(archives) - len(reused) - len(broken),
            reused=len(reused),
            duplicate=len(manifest.archives) - len(archives),
            unreadable=len(broken),
        ),
        days=_added(receipt.days for receipt in receipts),
        parts=PartCounts(parts.read, parts.unreadable),
        events=events,
        rejected=in_decimals(rejected, scale),
        totals=add_up(partials[CATEGORY_SALES.name], scale),
        unreadable=first_unreadable(unreadable, most),
        conflicting_days=manifest.conflicting_days[:most],
        missing_days=missing,
        # A run of an earlier version is rebuilt as it was.
        unreadable_total=None if most is None else unreadable_count,
        conflicting_days_total=None if most is None else len(manifest.conflicting_days),
        missing_days_total=None if most is None else missing_count,
        dimensions_digest=manifest.dimensions_digest,
        inputs=_inputs(manifest, done),
        compressed_bytes=sum(receipt.compressed_bytes for receipt in receipts),
        json_bytes=sum(receipt.json_bytes for receipt in receipts),
        general_events=sum(receipt.general_events for receipt in receipts),
        bytes_read=sum(opened.values()),
        repeated_parts=first_repeated(
            {part for receipt in receipts for part in receipt.repeated_parts}
            | repeated_days(each.archive for each in done)
        ),
        as_of=manifest.options.as_of,
        ignored=_ignored(manifest, receipts),
        report_plugins=manifest.report_plugins,
        unlike_first=unlike_first,
        returns=add_up_returns(returned, partials, manifest.options.returns, scale),
        undated=sum(count.undated for count in counts),
        seconds=0.0,
        work_seconds=round(sum(receipt.seconds for receipt in receipts), 3),
    )
    found = reconcile(
        events.counted,
        summary.totals,
        summary.rejected,
        manifest.options.left_out_share,
        summary.returns,
    )
    summary = msgspec.structs.replace(summary, reconciliation=found)
    is_incomplete = (
        unreadable_count > 0 or too_many_rejects(manifest, summary) or is_wrong_key(summary)
    )
    return msgspec.structs.replace(summary, status="incomplete") if is_incomplete else summary


def first_unreadable(places: Sequence[Unreadable], most: int | None) -> tuple[Unreadable, ...]:
    """Every archive, and as many of the first days and parts as make ``most`` with them: those of
    some receipts' first are those of all."""
    if most is None:
        return tuple(places)
    inner = [place for place in places if place.day is not None]
    kept = set(map(id, inner[: max(0, most - (len(places) - len(inner)))]))
    return tuple(place for place in places if place.day is None or id(place) in kept)


def _ignored(manifest: Manifest, receipts: Iterable[Receipt]) -> dict[str, int]:
    """Nothing is known of a run that an earlier version planned."""
    if manifest.ignored is None:
        return {}
    return merge_endings([manifest.ignored, *(receipt.ignored for receipt in receipts)])


def _inputs(manifest: Manifest, done: tuple[Done, ...]) -> dict[str, str | None]:
    digests = {each.archive.name: each.receipt.digest for each in done if not each.receipt.share}
    return {
        archive.name: digests.get(archive.name, archive.digest) for archive in manifest.archives
    }


def _added(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
