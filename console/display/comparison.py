"""Sales of some dates, and of two periods side by side, as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction

import click

from console.display.tables import Grid
from console.display.views import narrow, output, print_reconciliation, table
from pipeline_core.percent import percent
from pipeline_core.plural import counted
from pipeline_core.questions.comparison import ComparedRow, PeriodComparison
from pipeline_core.questions.range_report import RangeReport
from pipeline_core.reconciliation.words import money_in_words
from pipeline_core.transform.money import grouped

_ROWS_SHOWN = 40
_NOTHING = "-"


def totals_in_words(report: RangeReport) -> str:
    """A range in one line."""
    totals, range_ = report.totals, f"{report.first} to {report.last}, run {report.run_id}"
    if not report.days:
        return f"{range_}: there is no day."
    return (
        f"{range_}: revenue {grouped(totals.total_revenue)}, {counted(totals.units_sold, 'unit')}, "
        f"{counted(totals.unique_customers, 'customer')}, {counted(len(report.days), 'day')}."
    )


def print_range(report: RangeReport) -> None:
    """The report of a range, and its totals; of no day, that there is none."""
    if not report.days:
        click.echo(totals_in_words(report))
        return
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
    report, before = found.report, found.before
    click.echo(f"{found.period} beside {found.period_before}, of run {report.run_id}.")
    if found.until < report.last:
        both = f"{report.first} to {found.until} beside {before.first} to {before.last}"
        click.echo(f"{both}: the run ends there.")
    if found.not_compared is not None:
        click.echo(f"No change is shown: {found.not_compared}.")
    output().print(_totals(found))
    periods = ["category", "segment", found.period, found.period_before, "change", "%"]
    for what, rows in (
        ("revenue", [_revenue(found, row) for row in found.rows]),
        ("units", [_units(found, row) for row in found.rows]),
    ):
        click.echo(f"{what.capitalize()} by category and segment:")
        output().print(_shown(periods, rows, "`--format csv`", numbers=(2, 3, 4, 5)))


def _totals(found: PeriodComparison) -> Grid:
    now, before, change = found.report.totals, found.before.totals, found.change
    reports = found.report, found.before
    counts = [each.reconciliation.counted.purchases for each in reports]
    back = [each.reconciliation.came_back for each in reports]
    left_out = [
        narrow(money_in_words(each.reconciliation.left_out)) if each.days else _NOTHING
        for each in reports
    ]
    by = (change.revenue, change.units, change.customers) if change else ("", 0, 0)
    rows = [
        ("revenue", *_amounts(found, now.total_revenue, before.total_revenue, by[0])),
        ("units", *_amounts(found, now.units_sold, before.units_sold, by[1])),
        ("customers", *_amounts(found, now.unique_customers, before.unique_customers, by[2])),
        ("purchases", *_amounts(found, counts[0], counts[1], counts[0] - counts[1])),
        *([("returns", *map(_back_in_words, reports), "", "")] if any(back) else []),
        ("left out", *left_out, "", ""),
        ("days", _days(found.report, found.until), _days(found.before), "", ""),
    ]
    headings = ["", found.period, found.period_before, "change", "%"]
    return table(headings, rows, numbers=(1, 2, 3, 4))


def _back_in_words(report: RangeReport) -> str:
    came_back = report.reconciliation.came_back
    if came_back is None:
        return "0" if report.days else _NOTHING
    return money_in_words(came_back.figures)


def _days(report: RangeReport, until: date | None = None) -> str:
    length = ((until or report.last) - report.first).days + 1
    return f"{len(report.days):,} of {length:,}"


def _revenue(found: PeriodComparison, row: ComparedRow) -> tuple[str, ...]:
    by = row.change.revenue if row.change else ""
    amounts = _amounts(found, row.figures.total_revenue, row.before.total_revenue, by)
    return row.category, row.customer_segment, *amounts


def _units(found: PeriodComparison, row: ComparedRow) -> tuple[str, ...]:
    by = row.change.units if row.change else 0
    amounts = _amounts(found, row.figures.units_sold, row.before.units_sold, by)
    return row.category, row.customer_segment, *amounts


def _amounts(
    found: PeriodComparison, now: str | int, before: str | int, change: str | int
) -> tuple[str, str, str, str]:
    """A figure, what it was, what it rose by, and that in percent. Of no day there is no figure, of
    nothing no percentage, and no change where the two are not compared."""
    of_now = grouped(str(now)) if found.report.days else _NOTHING
    of_before = grouped(str(before)) if found.before.days else _NOTHING
    if found.not_compared is not None:
        return of_now, of_before, _NOTHING, _NOTHING
    was, by = Fraction(before), Fraction(change)
    share = _signed(percent(by / was)) if was > 0 else _NOTHING
    return of_now, of_before, _signed(grouped(str(change))), share


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
