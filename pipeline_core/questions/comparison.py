"""A month or a year of a run beside another: what changed in money, units and percent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa
from msgspec import Struct

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Totals
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
    change: FiguresChange
    """What changed."""


class PeriodComparison(Struct, frozen=True, kw_only=True):
    """The sales of a month or year beside those of another."""

    period: str
    """The month or year: 2011-03, 2011."""
    compared_with: ComparedWith
    """What it is compared with: the one before, or the same a year before."""
    period_before: str
    """The month or year that that is."""
    report: RangeReport
    """The sales of the period."""
    before: RangeReport
    """The sales of the period that it is compared with."""
    change: FiguresChange
    """What changed of their totals."""
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
    before = range_sales(ledger, other.first, other.last)
    scale = now.sales.schema.field("total_revenue").type.scale
    comparison = PeriodComparison(
        period=str(period),
        compared_with=compared_with,
        period_before=str(other),
        report=now.report,
        before=before.report,
        change=_change(now.report.totals, before.report.totals, scale),
        rows=tuple(_rows(now.report, before.report, scale)),
    )
    return ComparedSales(comparison, now, _table(comparison.rows, scale))


def _rows(now: RangeReport, before: RangeReport, scale: int) -> Iterator[ComparedRow]:
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
            change=_change(of_now, of_before, scale),
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


def _table(rows: Sequence[ComparedRow], scale: int) -> pa.Table:
    """What comparison.csv has; money as decimal128."""
    money, share = pa.decimal128(38, scale), pa.decimal128(38, 2)
    columns: dict[str, tuple[pa.DataType, list[object]]] = {
        "category": (pa.string(), [row.category for row in rows]),
        "customer_segment": (pa.string(), [row.customer_segment for row in rows]),
        "total_revenue": (money, [Decimal(row.figures.total_revenue) for row in rows]),
        "revenue_before": (money, [Decimal(row.before.total_revenue) for row in rows]),
        "revenue_change": (money, [Decimal(row.change.revenue) for row in rows]),
        "revenue_percent": (share, [_decimal(row.change.revenue_percent) for row in rows]),
        "units_sold": (pa.int64(), [row.figures.units_sold for row in rows]),
        "units_before": (pa.int64(), [row.before.units_sold for row in rows]),
        "units_change": (pa.int64(), [row.change.units for row in rows]),
        "units_percent": (share, [_decimal(row.change.units_percent) for row in rows]),
        "unique_customers": (pa.int64(), [row.figures.unique_customers for row in rows]),
        "customers_before": (pa.int64(), [row.before.unique_customers for row in rows]),
    }
    return pa.table({name: pa.array(values, of) for name, (of, values) in columns.items()})


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
