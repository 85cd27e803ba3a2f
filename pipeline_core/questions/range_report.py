"""The sales report of some dates: of the events that count in a run, those of days so dated."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date
from itertools import islice

import msgspec
import pyarrow as pa
from msgspec import Struct

from pipeline_core.containers.entry_names import day_date
from pipeline_core.errors import ContractError
from pipeline_core.ledger import RunLedger
from pipeline_core.load.read_back import read_published_rows
from pipeline_core.load.tables import csv_lines
from pipeline_core.messages import EventCounts, Manifest, Returns, Summary, Totals, Unreadable
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.processing.recount import counted_days, recount
from pipeline_core.processing.rules import rules_of
from pipeline_core.reconciliation.reconcile import reconcile
from pipeline_core.reconciliation.unread_copies import unread_copies
from pipeline_core.transform.rejected import in_decimals
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from pipeline_core.transform.reports.category_sales import add_up
from pipeline_core.transform.reports.daily_sales import REPORT as DAILY_SALES
from pipeline_core.transform.reports.returns import add_up_returns


class SalesRow(Struct, frozen=True):
    """A row of the sales report."""

    category: str
    """The category's name."""
    customer_segment: str
    """The segment's name."""
    total_revenue: str
    """Revenue as decimal text."""
    units_sold: int
    """Units that were sold."""
    unique_customers: int
    """Distinct customers; guests are none."""


class RangeReport(Struct, frozen=True, kw_only=True):
    """The sales from one date to another."""

    run_id: str
    """The run whose data they are of."""
    first: date
    """First date of the range."""
    last: date
    """Last date of the range."""
    days: tuple[date, ...]
    """Dates of the range that count in the run."""
    missing_days: tuple[date, ...]
    """Dates of the range between the run's first and last day for which it has none, though the
    shop is not closed on them."""
    undated_days: int
    """Number of days of the run that have no date in their names, and are in no range."""
    unreadable: tuple[Unreadable, ...]
    """What the run could not read and may be of the range."""
    events: EventCounts
    """What became of the events of the range."""
    totals: Totals
    """The report in one line."""
    reconciliation: Reconciliation
    """All that was bought in the range, beside what is counted and left out, in money."""
    returns: Returns | None = None
    """What came back and was subtracted, or has a report of its own; null where returns are left
    out."""
    rows: tuple[SalesRow, ...]
    """The rows of the report."""
    unlisted: int = 0
    """Number of inputs that the run could not read and that are not known by name; they may be of
    the range, too."""
    run_first: date | None = None
    """Date of the first day that counts in the run; null if none has a date."""
    run_last: date | None = None
    """Date of the last one. What the range has outside of the two is no missing day."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the range may be missing."""
        return not (self.unreadable or self.unlisted)

    @property
    def is_covered(self) -> bool:
        """Whether the run has days up to both ends of the range, or beyond."""
        return (
            self.run_first is not None
            and self.run_last is not None
            and self.run_first <= self.first
            and self.last <= self.run_last
        )

    @property
    def length(self) -> int:
        """Number of dates in the range."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class RangeSales:
    """The report, and the finished tables by name; ``spreadsheet_safe`` as the run's files."""

    report: RangeReport
    tables: dict[str, pa.Table]
    spreadsheet_safe: bool

    @property
    def sales(self) -> pa.Table:
        """What sales_report.csv has."""
        return self.tables[CATEGORY_SALES.name]


def range_sales(ledger: RunLedger, first: date, last: date) -> RangeSales:
    """Counts the events of the range again; customers are distinct in it.

    Raises:
        ConfigError: there is no such run, it is not published, or its report is gone.
        EventsGone: a day's events are neither kept nor in its archive.
        ContractError: they do not add up to what the run published of these dates.
        RetryableError: a storage does not answer.
    """
    manifest, summary = ledger.published()
    rules = rules_of(ledger, manifest)
    scale = rules.dimensions.scale
    dated = [(day_date(each.day.name), each) for each in counted_days(ledger, manifest)]
    inside = [(day, each) for day, each in dated if day is not None and first <= day <= last]
    dates = [day for day, _ in dated if day is not None]
    with recount(ledger, manifest, rules, (each for _, each in inside)) as result:
        counts, partials = result.counts(), result.partials()
    tables = {
        report.name: report.finish(partials[report.name], scale)
        for report in rules.reports
        if report.is_published
    }
    _check(manifest, tables[DAILY_SALES.name], first, last)
    sales = tables[CATEGORY_SALES.name]
    unreadable, unlisted_copies = _unreadable(manifest, summary, first, last)
    totals = add_up(partials[CATEGORY_SALES.name], scale)
    returns = add_up_returns(counts.returned, partials, manifest.options.returns, scale)
    report = RangeReport(
        run_id=ledger.run_id,
        first=first,
        last=last,
        days=tuple(sorted({day for day, _ in inside})),
        missing_days=tuple(day for day in summary.missing_days if first <= day <= last),
        undated_days=sum(day is None for day, _ in dated),
        unreadable=unreadable,
        unlisted=summary.unreadable_count - len(summary.unreadable) + unlisted_copies,
        run_first=min(dates, default=None),
        run_last=max(dates, default=None),
        events=EventCounts(
            counts.seen,
            counts.counted,
            counts.not_purchase,
            sum(figures.events for figures in counts.rejected.values()),
        ),
        totals=totals,
        returns=returns,
        reconciliation=reconcile(
            counts.counted,
            totals,
            in_decimals(counts.rejected, scale),
            manifest.options.left_out_share,
            returns,
        ),
        rows=tuple(
            SalesRow(category, segment, f"{revenue:f}", units, customers)
            for category, segment, revenue, units, customers in zip(
                *(column.to_pylist() for column in sales.columns), strict=True
            )
        ),
    )
    return RangeSales(report, tables, manifest.options.spreadsheet_safe)


def _unreadable(
    manifest: Manifest, summary: Summary, first: date, last: date
) -> tuple[tuple[Unreadable, ...], int]:
    """Days of the range, and archives, which may have some. A date of which nothing else is unread
    may have a copy of a day of another date that is: those are listed as far as the run's limit
    allows, and counted beyond."""
    known = {None if place.day is None else day_date(place.day) for place in summary.unreadable}
    found = [
        place
        for place in summary.unreadable
        if place.day is None or _is_within(day_date(place.day), first, last)
    ]
    copies = [
        copy
        for copy in unread_copies(manifest, summary)
        if (dated := day_date(copy.day)) not in known and _is_within(dated, first, last)
    ]
    listed = islice(
        (
            msgspec.structs.replace(place, archive=copy.archive, day=copy.day)
            for copy in copies
            for place in copy.places
        ),
        manifest.options.most_listed,
    )
    before = len(found)
    found += listed
    return tuple(found), sum(len(copy.places) for copy in copies) - (len(found) - before)


def _is_within(dated: date | None, first: date, last: date) -> bool:
    return dated is not None and first <= dated <= last


def _check(manifest: Manifest, daily: pa.Table, first: date, last: date) -> None:
    """Raises ContractError unless daily_sales.csv says the same of these dates."""
    run_id = manifest.run_id
    again = f"`sales-pipeline rebuild {run_id}` puts it right."
    rows = read_published_rows(manifest.reports, run_id, "daily_sales.csv")[1:]
    safe = manifest.options.spreadsheet_safe
    computed = "".join(csv_lines(daily, spreadsheet_safe=safe))
    published = [row for row in rows if first.isoformat() <= row[0] <= last.isoformat()]
    if published != list(csv.reader(io.StringIO(computed, newline="")))[1:]:
        raise ContractError(
            f"daily_sales.csv of run {run_id} does not say of {first} to {last} what the events of "
            "these days add up to.",
            again,
        )
