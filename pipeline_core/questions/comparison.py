"""A month or a year of a run beside another: what changed in money, units and percent.

As on the page: of a period that is not over, the same days of the other are beside it, and where
one has no day, or the run begins within the other, nothing is said of a change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
from msgspec import Struct

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ClosedDays, Totals
from pipeline_core.percent import hundredths
from pipeline_core.questions.period import ComparedWith, Period
from pipeline_core.questions.range_report import RangeReport, RangeSales, range_sales
from pipeline_core.transform.money import minor_of, to_text


class FiguresChange(Struct, frozen=True, kw_only=True):
    """Figures of a period less those of the period that it is compared with."""

    revenue: str
    """Change of the revenue, as decimal text."""
    revenue_percent: str | None
    """The same in percent of what it was, with two decimals; null unless that was above 0."""
    units: int
    """Change of the units."""
    units_percent: str | None
    """The same in percent of what they were, with two decimals; null unless that was above 0."""
    customers: int
    """Change of the number of distinct customers."""


class ComparedRow(Struct, frozen=True, kw_only=True):
    """A row of the sales report of either period."""

    category: str
    """The category's name."""
    customer_segment: str
    """The segment's name."""
    figures: Totals
    """What was sold there in the period; nothing if it has no such row."""
    before: Totals
    """What was sold there in the period that it is compared with."""
    change: FiguresChange | None
    """What changed; null where the periods cannot be compared."""


class PeriodComparison(Struct, frozen=True, kw_only=True):
    """The sales of a month or year beside those of another."""

    period: str
    """The month or year: 2011-03, 2011."""
    compared_with: ComparedWith
    """What it is compared with: the one before, or the same a year before."""
    period_before: str
    """The month or year that that is."""
    until: date
    """Last date of the period that counts here: where the run ends, or its own last. ``before``
    ends on the same day."""
    not_compared: str | None
    """Why nothing is said of a change; null where it is."""
    report: RangeReport
    """The sales of the period."""
    before: RangeReport
    """The sales of the period that it is compared with, as far as the period itself goes."""
    change: FiguresChange | None
    """What changed of their totals; null where they cannot be compared."""
    rows: tuple[ComparedRow, ...]
    """Rows of both: those of the period in the order of its report, then those which only the other
    has."""


@dataclass(frozen=True)
class ComparedSales:
    """The comparison; the sales of the period; the rows of both, side by side, as a table."""

    comparison: PeriodComparison
    sales: RangeSales
    table: pa.Table


def compare(ledger: RunLedger, period: Period, compared_with: ComparedWith) -> ComparedSales:
    """Counts the events of both periods again, at the prices and segments of the run.

    Raises:
        ValueError: there is nothing before the period.
        ConfigError, EventsGone, ContractError, RetryableError: as ``range_sales``.
    """
    other = period.before(compared_with)
    now = range_sales(ledger, period.first, period.last)
    closed = ledger.manifest().options.closed_days
    until = _until(now.report, closed)
    before = range_sales(ledger, other.first, other.date_like(until, period))
    not_compared = _why_not(now.report, before.report, closed)
    scale = now.sales.schema.field("total_revenue").type.scale
    comparison = PeriodComparison(
        period=str(period),
        compared_with=compared_with,
        period_before=str(other),
        until=until,
        not_compared=not_compared,
        report=now.report,
        before=before.report,
        change=None if not_compared else _change(now.report.totals, before.report.totals, scale),
        rows=tuple(_rows(now.report, before.report, scale, is_compared=not not_compared)),
    )
    return ComparedSales(comparison, now, _table(comparison, scale))


def _until(report: RangeReport, closed: ClosedDays) -> date:
    """Where the run ends if that is within the range, and the shop is open on a later date."""
    last = report.run_last
    if last is None or not report.first <= last < report.last:
        return report.last
    return report.last if _is_closed(closed, last + timedelta(1), report.last) else last


def _why_not(now: RangeReport, before: RangeReport, closed: ClosedDays) -> str | None:
    """Why the two say nothing of a change; None if they do."""
    for each in (now, before):
        if not each.days:
            return f"the run has no day from {each.first} to {each.last}"
    begin = before.run_first
    if begin is None or begin <= before.first:
        return None
    if _is_closed(closed, before.first, begin - timedelta(1)):
        return None
    return f"the run begins on {begin}, after {before.first}"


def _is_closed(closed: ClosedDays, first: date, last: date) -> bool:
    """Whether the shop is closed on all of these dates."""
    dates = range(first.toordinal(), last.toordinal() + 1)
    return all(closed.has(date.fromordinal(each)) for each in dates)


def _rows(
    now: RangeReport, before: RangeReport, scale: int, *, is_compared: bool
) -> Iterator[ComparedRow]:
    figures, earlier = (
        {
            (row.category, row.customer_segment): Totals(
                row.total_revenue, row.units_sold, row.unique_customers
            )
            for row in report.rows
        }
        for report in (now, before)
    )
    nothing = Totals(to_text(0, scale), 0, 0)
    for cell in figures | earlier:
        of_now, of_before = figures.get(cell, nothing), earlier.get(cell, nothing)
        yield ComparedRow(
            category=cell[0],
            customer_segment=cell[1],
            figures=of_now,
            before=of_before,
            change=_change(of_now, of_before, scale) if is_compared else None,
        )


def _change(now: Totals, before: Totals, scale: int) -> FiguresChange:
    revenue, was = minor_of(now.total_revenue, scale), minor_of(before.total_revenue, scale)
    units = now.units_sold - before.units_sold
    return FiguresChange(
        revenue=to_text(revenue - was, scale),
        revenue_percent=_percent(revenue - was, was),
        units=units,
        units_percent=_percent(units, before.units_sold),
        customers=now.unique_customers - before.unique_customers,
    )


def _percent(change: int, before: int) -> str | None:
    """Of nothing, or of less, there is no percentage that says anything."""
    return hundredths(Fraction(change, before), 2).replace(",", "") if before > 0 else None


def _table(found: PeriodComparison, scale: int) -> pa.Table:
    """What comparison.csv has; money as decimal128. Nothing stands where there is no day, or no
    change to tell of."""
    money, share, number = pa.decimal128(38, scale), pa.decimal128(38, 2), pa.int64()
    now = [row.figures if found.report.days else None for row in found.rows]
    was = [row.before if found.before.days else None for row in found.rows]
    change = [row.change for row in found.rows]
    columns: dict[str, tuple[pa.DataType, list[object]]] = {
        "category": (pa.string(), [row.category for row in found.rows]),
        "customer_segment": (pa.string(), [row.customer_segment for row in found.rows]),
        "total_revenue": (money, [each and Decimal(each.total_revenue) for each in now]),
        "revenue_before": (money, [each and Decimal(each.total_revenue) for each in was]),
        "revenue_change": (money, [each and Decimal(each.revenue) for each in change]),
        "revenue_percent": (share, [each and _decimal(each.revenue_percent) for each in change]),
        "units_sold": (number, [each and each.units_sold for each in now]),
        "units_before": (number, [each and each.units_sold for each in was]),
        "units_change": (number, [each and each.units for each in change]),
        "units_percent": (share, [each and _decimal(each.units_percent) for each in change]),
        "unique_customers": (number, [each and each.unique_customers for each in now]),
        "customers_before": (number, [each and each.unique_customers for each in was]),
    }
    return pa.table({name: pa.array(values, of) for name, (of, values) in columns.items()})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
