"""The files of a published run: reports, rejects, pages and the summary."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipeline_core.ledger import Past, RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.load.rejects import HEADER, Room, parse_rejects
from pipeline_core.load.tables import csv_line, to_parquet, write_by_category, write_csv
from pipeline_core.merging.stored_results import opened_result
from pipeline_core.messages import Manifest, Options, Summary, to_json
from pipeline_core.publication.file_names import BY_CATEGORY, REJECTS, SUMMARY
from pipeline_core.storage import open_storage
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.plugins import reports_of
from pipeline_core.transform.reports.returns import REPORT as RETURNS


def write_reports(
    folder: Path,
    ledger: RunLedger,
    manifest: Manifest,
    done: Sequence[Done],
    partials: dict[str, pa.Table],
    scale: int,
    summary: Summary,
    past: Past | None = None,
) -> None:
    """Every file of a published run, ``partials`` being the merged ones by report; ``past`` is what
    is known of the runs before it.

    Raises:
        ResultsMissing: a stored result is damaged.
        RetryableError: a storage does not answer, or has no room.
    """
    safe = manifest.options.spreadsheet_safe
    for report in reports_of(manifest.report_plugins, manifest.options.returns):
        if not report.is_published:
            continue
        table = report.finish(partials[report.name], scale)
        write_csv(table, folder / f"{report.name}.csv", spreadsheet_safe=safe)
        if report in (CATEGORY_SALES, RETURNS):
            (folder / f"{report.name}.parquet").write_bytes(to_parquet(table))
        if report is CATEGORY_SALES:
            write_by_category(table, folder / BY_CATEGORY, spreadsheet_safe=safe)
            sales = table
    _write_rejects(folder / REJECTS, ledger, done if summary.rejected else (), manifest.options)
    reports = open_storage(manifest.reports)
    from pipeline_core.page.gather import write_pages  # takes a while: not for who only processes

    write_pages(folder, ledger.state, reports, manifest, summary, sales, partials, scale, past)
    (folder / SUMMARY).write_bytes(to_json(summary))


def _write_rejects(path: Path, ledger: RunLedger, done: Sequence[Done], options: Options) -> None:
    safe, room = options.spreadsheet_safe, Room(options.reject_rows, options.reject_bytes)
    with path.open("wb") as file:
        file.write(csv_line(HEADER).encode())
        for each in done:
            stored, rejected = each.receipt.rejects, each.receipt.counts.rejected
            if stored is not None:
                with opened_result(ledger, each, stored) as log_file:
                    size = log_file.seek(0, io.SEEK_END)
                    log_file.seek(0)
                    if not safe and room.take(size, stored.rows):
                        shutil.copyfileobj(log_file, file)
                    else:
                        for reject in room.fitting(parse_rejects(log_file)):
                            file.write(csv_line(reject, spreadsheet_safe=safe).encode())
            if (stored.rows if stored else 0) < sum(lost.events for lost in rejected.values()):
                room.close()  # that log was cut: what comes after it is not next
