"""The rows of a published run, as its tables hold them: read from what it published."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pyarrow as pa

from pipeline_core.delivery.tables import DAILY_SALES, REJECTS_BY_REASON, RUNS, SALES_REPORT
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger
from pipeline_core.load.read_back import read_published_rows, read_published_table
from pipeline_core.load.tables import csv_line
from pipeline_core.messages import Summary

# A value as PostgreSQL reads it; None is NULL.
Row = tuple[str | None, ...]


@dataclass(frozen=True)
class Standing:
    """A run whose rows stand somewhere."""

    run_id: str
    as_of: date | None

    def is_newer_than(self, other: Standing) -> bool:
        """A run of all days takes the place of any of a time past, which somebody had put there."""
        is_of_all_days = other.as_of is None and self.as_of is not None
        return self.run_id > other.run_id and not is_of_all_days


@dataclass(frozen=True)
class PublishedRows:
    """What a run puts into each table, by its name; columns as the table has them."""

    run_id: str
    as_of: date | None
    tables: dict[str, list[Row]]

    @property
    def order(self) -> Standing:
        """What it stands for among others."""
        return Standing(self.run_id, self.as_of)

    @property
    def facts(self) -> dict[str, str | None]:
        """What the run says of itself, by column."""
        return dict(zip(RUNS.columns, self.tables[RUNS.name][0], strict=True))


def published_rows(ledger: RunLedger) -> PublishedRows:
    """Those of a run.

    Raises:
        ConfigError: it is not published, or its files are gone or damaged.
        RetryableError: a storage does not answer.
    """
    manifest, summary = ledger.published()
    report = read_published_table(manifest.reports, ledger.run_id, "sales_report.parquet")
    _, *days = read_published_rows(manifest.reports, ledger.run_id, "daily_sales.csv")
    if manifest.options.spreadsheet_safe:
        days = _as_they_were(days, report)
    sales = zip(*(column.to_pylist() for column in report.columns), strict=True)
    return PublishedRows(
        ledger.run_id,
        summary.as_of,
        {
            SALES_REPORT.name: [(*map(_text, row), ledger.run_id) for row in sales],
            DAILY_SALES.name: [(day or None, *row, ledger.run_id) for day, *row in days],
            REJECTS_BY_REASON.name: _rejects(summary),
            RUNS.name: [_run(summary)],
        },
    )


def _rejects(summary: Summary) -> list[Row]:
    return [
        (
            reason,
            str(found.events),
            _text(found.units),
            found.revenue,
            _text(found.unknown_units),
            _text(found.unknown_revenue),
            summary.run_id,
        )
        for reason, found in summary.rejected.items()
    ]


def _run(summary: Summary) -> Row:
    events, totals = summary.events, summary.totals
    return (
        summary.run_id,
        "true",
        summary.status,
        _text(summary.as_of),
        summary.created_at.isoformat(),
        summary.finished_at.isoformat(),
        totals.total_revenue,
        str(totals.units_sold),
        str(totals.unique_customers),
        str(events.seen),
        str(events.counted),
        str(events.not_purchase),
        str(events.rejected),
        str(summary.unreadable_count),
    )


def _text(value: object) -> str | None:
    if value is None:
        return None
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _as_they_were(days: Iterable[list[str]], report: pa.Table) -> list[list[str]]:
    """Without the ' that SALES_SPREADSHEET_SAFE puts before some texts: labels are those of the
    report, whose Parquet file has them as they are. Raises ConfigError if two are alike then."""
    labels = {*report["category"].to_pylist(), *report["customer_segment"].to_pylist()}
    written = {_written(label): label for label in labels}
    if len(written) < len(labels):
        raise ConfigError(
            "Two categories or segments are one in daily_sales.csv, which begins them with '.",
            "Leave SALES_SPREADSHEET_SAFE out, and run again.",
        )
    return [
        [day, written[category], written[segment], *figures]
        for day, category, segment, *figures in days
    ]


def _written(label: str) -> str:
    line = io.StringIO(csv_line([label], spreadsheet_safe=True), newline="")
    [[text]] = csv.reader(line)
    return text
