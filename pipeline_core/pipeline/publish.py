"""publish: the receipts of a run to its published reports."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from pipeline_core.errors import ContractError, PipelineError, PublishRefused
from pipeline_core.ledger import RunLedger, load_snapshot
from pipeline_core.load.rejects import HEADER, parse_rejects
from pipeline_core.load.tables import csv_line, write_by_category, write_csv, write_parquet
from pipeline_core.messages import (
    ArchiveRef,
    EventCounts,
    Manifest,
    Outcome,
    PartCounts,
    Receipt,
    RejectFigures,
    RejectSummary,
    Summary,
    Tally,
    Totals,
    to_json,
)
from pipeline_core.pipeline.plan import missing_days
from pipeline_core.pipeline.rescue import rescue
from pipeline_core.storage import Storage, open_storage
from pipeline_core.transform.enrich import merge_figures
from pipeline_core.transform.money import to_minor, to_text
from pipeline_core.transform.reports import REPORTS
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.category_sales import count_customers

log = structlog.get_logger()

LATEST = "latest"
# Partials read before they are merged; bounds memory by this many partials and the result.
_MERGED_AT_ONCE = 16


class _Done(NamedTuple):
    archive: ArchiveRef
    receipt: Receipt


def publish(state_uri: str, run_id: str, *, allow_incomplete: bool = False) -> Outcome:
    """Publishes a run whose archives all have their receipts, or records why it may not be.

    Runs twice without changing a byte. ``allow_incomplete`` overrides the manifest's answer.

    Raises:
        ContractError: a receipt is missing or a stored file is damaged.
        RetryableError: a storage does not answer.
    """
    state = open_storage(state_uri)
    ledger = RunLedger(state, run_id)
    earlier = ledger.outcome()
    if earlier is not None and earlier.state == "published":
        return earlier
    manifest = ledger.manifest()
    rescue(state_uri, ledger, manifest)
    done = _receipts(ledger, manifest)
    partials = {report.name: _merged(ledger, done, report.name) for report in REPORTS}
    scale = load_snapshot(state, manifest.dimensions_digest).scale
    summary = _summary(manifest, done, partials[CATEGORY_SALES.name], scale)
    try:
        _check(summary, manifest, allow_incomplete=allow_incomplete)
    except PublishRefused as refusal:
        outcome = Outcome(
            run_id=run_id,
            state="refused",
            status=summary.status,
            reason=refusal.message,
            remedy=refusal.remedy,
            summary=summary,
        )
    else:
        reports = open_storage(manifest.reports)
        with reports.publish_folder(f"runs/{run_id}") as folder:
            _write(folder, ledger, manifest, done, partials, scale, summary)
        _make_latest(reports, run_id)
        outcome = Outcome(run_id=run_id, state="published", status=summary.status, summary=summary)
    ledger.write_outcome(outcome)
    log.info("run_ended", run_id=run_id, state=outcome.state, status=outcome.status)
    return outcome


def fail(state_uri: str, run_id: str, error: BaseException) -> Outcome:
    """Records that a run ended in an error; a publication that was faster stands."""
    ledger = RunLedger(open_storage(state_uri), run_id)
    earlier = ledger.outcome()
    if earlier is not None and earlier.state == "published":
        return earlier
    outcome = Outcome(
        run_id=run_id,
        state="failed",
        status="incomplete",
        reason=error.message if isinstance(error, PipelineError) else repr(error),
        remedy=error.remedy if isinstance(error, PipelineError) else "",
    )
    ledger.write_outcome(outcome)
    log.error("run_failed", run_id=run_id, reason=outcome.reason)
    return outcome


def _receipts(ledger: RunLedger, manifest: Manifest) -> list[_Done]:
    """In the order of the archives' names."""
    done, missing = [], []
    for archive in manifest.archives:
        receipt = ledger.receipt(archive.id)
        if receipt is not None:
            done.append(_Done(archive, receipt))
        elif archive.duplicate_of is None:
            missing.append(archive.name)
    if missing:
        raise ContractError(
            f"run {ledger.run_id} has no receipt of {len(missing)} archives, such as {missing[0]}"
        )
    return done


def _merged(ledger: RunLedger, done: list[_Done], name: str) -> pa.Table:
    report = next(report for report in REPORTS if report.name == name)
    held = [report.merge([])]
    for _, receipt in done:
        held.append(_read_partial(ledger, receipt, name))
        if len(held) > _MERGED_AT_ONCE:
            held = [report.merge(held)]
    return report.merge(held)


def _read_partial(ledger: RunLedger, receipt: Receipt, name: str) -> pa.Table:
    data = ledger.load(receipt.partials[name])
    return pq.read_table(io.BytesIO(data), use_threads=False).replace_schema_metadata(None)


def _summary(manifest: Manifest, done: list[_Done], sales: pa.Table, scale: int) -> Summary:
    receipts = [receipt for _, receipt in done]
    parts = _added(receipt.parts for receipt in receipts)
    unreadable = tuple(place for receipt in receipts for place in receipt.unreadable)
    broken = {place.archive for place in unreadable if place.day is None}
    rejected: dict[str, RejectFigures] = {}
    for receipt in receipts:
        rejected = merge_figures(rejected, receipt.counts.rejected)
    finished = datetime.now(UTC)
    counts = [receipt.counts for receipt in receipts]
    counted = sum(count.counted for count in counts)
    left_out = sum(figures.events for figures in rejected.values())
    too_many = left_out > manifest.options.limits.reject_share * (counted + left_out)
    return Summary(
        run_id=manifest.run_id,
        status="incomplete" if unreadable or too_many else "complete",
        engine=manifest.engine,
        created_at=manifest.created_at,
        finished_at=finished,
        archives=Tally(
            read=len(done) - len(broken),
            duplicate=len(manifest.archives) - len(done),
            unreadable=len(broken),
        ),
        days=_added(receipt.days for receipt in receipts),
        parts=PartCounts(parts.read, parts.unreadable),
        events=EventCounts(
            seen=sum(count.seen for count in counts),
            counted=counted,
            not_purchase=sum(count.not_purchase for count in counts),
            rejected=left_out,
        ),
        rejected={
            reason: RejectSummary(
                figures.events,
                figures.units,
                None if figures.revenue is None else to_text(figures.revenue, scale),
            )
            for reason, figures in rejected.items()
        },
        totals=_totals(sales, scale),
        unreadable=unreadable,
        conflicting_days=manifest.conflicting_days,
        missing_days=missing_days(day.name for archive, _ in done for day in archive.days),
        dimensions_digest=manifest.dimensions_digest,
        inputs=_inputs(manifest, done),
        compressed_bytes=sum(receipt.compressed_bytes for receipt in receipts),
        json_bytes=sum(receipt.json_bytes for receipt in receipts),
        seconds=round((finished - manifest.created_at).total_seconds(), 3),
    )


def _totals(sales: pa.Table, scale: int) -> Totals:
    hi, lo = (sum(sales[name].to_pylist()) for name in ("revenue_hi", "revenue_lo"))
    return Totals(
        total_revenue=to_text(to_minor(hi, lo), scale),
        units_sold=sum(sales["units"].to_pylist()),
        unique_customers=count_customers(sales),
    )


def _inputs(manifest: Manifest, done: list[_Done]) -> dict[str, str | None]:
    digests = {archive.name: receipt.digest for archive, receipt in done}
    return {
        archive.name: digests.get(archive.name, archive.digest) for archive in manifest.archives
    }


def _check(summary: Summary, manifest: Manifest, *, allow_incomplete: bool) -> None:
    """Raises PublishRefused unless the run is complete or may be published all the same."""
    if summary.status == "complete" or allow_incomplete or manifest.options.allow_incomplete:
        return
    remedy = (
        "Mend the input and run again, or "
        f"`sales-pipeline publish {summary.run_id} --allow-incomplete`."
    )
    if summary.unreadable:
        first = summary.unreadable[0]
        place = " > ".join(name for name in (first.archive, first.day, first.part) if name)
        raise PublishRefused(
            f"{len(summary.unreadable)} of the inputs could not be read, first {place}: "
            f"{first.cause}.",
            remedy,
        )
    raise PublishRefused(
        f"{summary.events.rejected} of "
        f"{summary.events.rejected + summary.events.counted} purchases were rejected, more than "
        f"the limit of {manifest.options.limits.reject_share:.2%}.",
        remedy,
    )


def _write(
    folder: Path,
    ledger: RunLedger,
    manifest: Manifest,
    done: list[_Done],
    partials: dict[str, pa.Table],
    scale: int,
    summary: Summary,
) -> None:
    for report in REPORTS:
        table = report.finish(partials[report.name], scale)
        write_csv(table, folder / f"{report.name}.csv")
        if report is CATEGORY_SALES:
            write_parquet(table, folder / f"{report.name}.parquet")
            write_by_category(table, folder / "by_category")
    _write_rejects(folder / "rejects.csv", ledger, done, manifest.options.reject_rows)
    (folder / "summary.json").write_bytes(to_json(summary))


def _write_rejects(path: Path, ledger: RunLedger, done: list[_Done], room: int) -> None:
    with path.open("wb") as file:
        file.write(csv_line(HEADER).encode())
        for _, receipt in done:
            rows = io.BytesIO(ledger.load(receipt.rejects))
            if receipt.rejects.rows <= room:
                shutil.copyfileobj(rows, file)
                room -= receipt.rejects.rows
                continue
            for _, reject in zip(range(room), parse_rejects(rows), strict=False):
                file.write(csv_line(reject).encode())
            break


def _make_latest(reports: Storage, run_id: str) -> None:
    """Points ``latest`` at the run, unless a later run was published meanwhile."""
    current = reports.pointed(LATEST)
    if current is None or current.removeprefix("runs/") <= run_id:
        reports.point(LATEST, f"runs/{run_id}")
    reports.point("sales_report.csv", f"{LATEST}/sales_report.csv")


def _added(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())
