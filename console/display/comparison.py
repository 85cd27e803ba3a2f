"""Sales of some dates, and of two periods side by side, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

import click

from console.display.tables import Grid
from console.display.views import narrow, output, print_reconciliation, table
from pipeline_core.messages.reconciliation import ReasonSum
from pipeline_core.percent import percent
from pipeline_core.plural import counted
from pipeline_core.questions.comparison import ComparedRow, PeriodComparison
from pipeline_core.questions.range_report import RangeReport
from pipeline_core.reconciliation.words import money_in_words
from pipeline_core.transform.money import grouped

_ROWS_SHOWN = 40


def totals_in_words(report: RangeReport) -> str:
    """A range in one line."""
    totals = report.totals
    return (
        f"{report.first} to {report.last}, run {report.run_id}: revenue "
        f"{grouped(totals.total_revenue)}, {counted(totals.units_sold, 'unit')}, "
        f"{counted(totals.unique_customers, 'customer')}, {counted(len(report.days), 'day')}."
    )


def print_range(report: RangeReport) -> None:
    """The report of a range, and its totals."""
    rows = [
        (
            row.category,
            row.customer_segment,
            grouped(row.total_revenue),
            f"{row.units_sold:,}",
            f"{row.unique_customers:,}",
        )
        for row in report.rows
    ]
    headings = ["category", "segment", "revenue", "units", "customers"]
    output().print(_shown(headings, rows, "`--format csv`", numbers=(2, 3, 4)))
    if not report.reconciliation.is_all_sold:
        print_reconciliation(output(), report.reconciliation)
    click.echo(totals_in_words(report))


def print_comparison(found: PeriodComparison) -> None:
    """Totals, then every row in money and in units: two tables, because one would fit nowhere."""
    click.echo(f"{found.period} beside {found.period_before}, of run {found.report.run_id}.")
    output().print(_totals(found))
    periods = ["category", "segment", found.period, found.period_before, "change", "%"]
    for what, rows in (
        ("revenue", [_revenue(row) for row in found.rows]),
        ("units", [_units(row) for row in found.rows]),
    ):
        click.echo(f"{what.capitalize()} by category and segment:")
        output().print(_shown(periods, rows, "`--format csv`", numbers=(2, 3, 4, 5)))


def _totals(found: PeriodComparison) -> Grid:
    now, before, change = found.report.totals, found.before.totals, found.change
    reports = found.report, found.before
    counts = [each.reconciliation.counted.purchases for each in reports]
    back = [each.reconciliation.came_back for each in reports]
    left_out = [narrow(money_in_words(each.reconciliation.left_out)) for each in reports]
    rows = [
        ("revenue", *_amounts(now.total_revenue, before.total_revenue, change.revenue)),
        ("units", *_amounts(now.units_sold, before.units_sold, change.units)),
        ("customers", *_amounts(now.unique_customers, before.unique_customers, change.customers)),
        ("purchases", *_amounts(counts[0], counts[1], counts[0] - counts[1])),
        *([("returns", *map(_back_in_words, back), "", "")] if any(back) else []),
        ("left out", *left_out, "", ""),
        ("days", _days(found.report), _days(found.before), "", ""),
    ]
    headings = ["", found.period, found.period_before, "change", "%"]
    return table(headings, rows, numbers=(1, 2, 3, 4))


def _back_in_words(came_back: ReasonSum | None) -> str:
    return "0" if came_back is None else money_in_words(came_back.figures)


def _days(report: RangeReport) -> str:
    return f"{len(report.days):,} of {report.length:,}"


def _revenue(row: ComparedRow) -> tuple[str, ...]:
    revenue = row.figures.total_revenue, row.before.total_revenue, row.change.revenue
    return row.category, row.customer_segment, *_amounts(*revenue)


def _units(row: ComparedRow) -> tuple[str, ...]:
    units = row.figures.units_sold, row.before.units_sold, row.change.units
    return row.category, row.customer_segment, *_amounts(*units)


def _amounts(now: str | int, before: str | int, change: str | int) -> tuple[str, str, str, str]:
    """A figure, what it was, what it rose by, and that in percent; of nothing there is none."""
    was, by = Fraction(before), Fraction(change)
    share = _signed(percent(by / was)) if was > 0 else ""
    return grouped(str(now)), grouped(str(before)), _signed(grouped(str(change))), share


def _signed(number: str) -> str:
    return number if number[0] in "-<>" or not number.strip("0.,") else f"+{number}"


def _shown(
    headings: Sequence[str], rows: Sequence[Iterable[str]], where: str, numbers: Iterable[int]
) -> Grid:
    """The first rows, and where the others are."""
    grid = table(headings, [list(row) for row in rows[:_ROWS_SHOWN]], numbers=numbers)
    if len(rows) > _ROWS_SHOWN:
        grid.caption = f"and {counted(len(rows) - _ROWS_SHOWN, 'more row')}: {where} has them"
    return grid
