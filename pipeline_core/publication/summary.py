"""What a run says of itself, of its receipts: the law that nothing is lost, added up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa

from pipeline_core.containers.ignored import merge_endings
from pipeline_core.ledger.results import Done
from pipeline_core.messages import (
    MOST_MISSING,
    EventCounts,
    Manifest,
    PartCounts,
    Summary,
    Tally,
    UnlikeFirst,
    Unreadable,
)
from pipeline_core.planning.survey import missing_days
from pipeline_core.processing.added_up import AddedUp
from pipeline_core.processing.repeated_entries import first_repeated
from pipeline_core.publication.verdict import is_wrong_key, too_many_rejects
from pipeline_core.reconciliation.reconcile import reconcile
from pipeline_core.transform.rejected import in_decimals
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.category_sales import add_up
from pipeline_core.transform.reports.returns import add_up_returns


def summarise(
    manifest: Manifest,
    done: Sequence[Done],
    partials: Mapping[str, pa.Table],
    scale: int,
    unlike_first: UnlikeFirst | None,
) -> Summary:
    """The figures of a run, ``partials`` being the merged ones by report. It has not ended yet:
    when it did is the verdict's to say."""
    added = AddedUp()

    def day_names() -> Iterator[str]:
        for each in done:  # there may be very many, which are gone over once
            added.take(each)
            yield from (day.name for day in each.archive.days)

    most = manifest.options.most_listed
    missing, missing_count = missing_days(
        day_names(),
        manifest.options.closed_days,
        None if most is None else MOST_MISSING,
    )
    broken = {place.archive for place in added.unreadable if place.day is None}
    reused = len(added.not_opened - broken)
    events = EventCounts(
        seen=added.seen,
        counted=added.counted,
        not_purchase=added.not_purchase,
        rejected=sum(figures.events for figures in added.rejected.values()),
    )
    summary = Summary(
        run_id=manifest.run_id,
        status="complete",
        engine=manifest.engine,
        created_at=manifest.created_at,
        finished_at=manifest.created_at,
        archives=Tally(
            read=added.archives - reused - len(broken),
            reused=reused,
            duplicate=len(manifest.archives) - added.archives,
            unreadable=len(broken),
        ),
        days=added.days,
        parts=PartCounts(added.parts.read, added.parts.unreadable),
        events=events,
        rejected=in_decimals(added.rejected, scale),
        totals=add_up(partials[CATEGORY_SALES.name], scale),
        unreadable=first_unreadable(added.unreadable, most),
        conflicting_days=manifest.conflicting_days[:most],
        missing_days=missing,
        # A run of an earlier version is rebuilt as it was.
        unreadable_total=None if most is None else added.unreadable_count,
        conflicting_days_total=None if most is None else len(manifest.conflicting_days),
        missing_days_total=None if most is None else missing_count,
        dimensions_digest=manifest.dimensions_digest,
        inputs=_inputs(manifest, added.digests),
        compressed_bytes=added.compressed_bytes,
        json_bytes=added.json_bytes,
        general_events=added.general_events,
        bytes_read=added.bytes_read,
        repeated_parts=first_repeated(added.repeated),
        as_of=manifest.options.as_of,
        ignored=_ignored(manifest, added.ignored),
        report_plugins=manifest.report_plugins,
        unlike_first=unlike_first,
        returns=add_up_returns(added.returned, partials, manifest.options.returns, scale),
        undated=added.undated,
        seconds=0.0,
        work_seconds=round(added.seconds, 3),
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
        added.unreadable_count > 0 or too_many_rejects(manifest, summary) or is_wrong_key(summary)
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


def _ignored(manifest: Manifest, of_receipts: Mapping[str, int]) -> dict[str, int]:
    """Nothing is known of a run that an earlier version planned."""
    if manifest.ignored is None:
        return {}
    return merge_endings([manifest.ignored, of_receipts])


def _inputs(manifest: Manifest, digests: dict[str, str | None]) -> dict[str, str | None]:
    """In the order of the archives, as the ``digests`` of those that were read as a whole are."""
    if len(digests) == len(manifest.archives):
        return digests
    return {
        archive.name: digests.get(archive.name, archive.digest) for archive in manifest.archives
    }
