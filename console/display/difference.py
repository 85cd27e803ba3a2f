"""What changed between two runs, and why."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import click

from console.display.tables import Grid
from console.display.views import output, table
from pipeline_core.diff import CellChange, Difference
from pipeline_core.diff.sentences import because, headlines, rows_of
from pipeline_core.messages import plugin_words
from pipeline_core.plural import counted
from pipeline_core.transform.money import grouped
from pipeline_core.unprintable import plain

_HEADLINES = 5
_CELLS_SHOWN = 40
_CAUSES_SHOWN = 8


def print_difference(found: Difference) -> None:
    """Every changed cell with its causes; a sentence for each of the largest."""
    for sentence in _other_sources(found):
        click.echo(plain(sentence))
    runs = f"between run {found.before.run_id} and run {found.after.run_id}"
    if not found.cells:
        totals = found.after.totals
        revenue, units = grouped(totals.total_revenue), counted(totals.units_sold, "unit")
        click.echo(f"Nothing changed {runs}: revenue {revenue}, {units}.")
        return
    changed = sum(cell.before != cell.after for cell in found.cells)
    click.echo(f"{rows_of(changed)} of the report changed {runs}.")
    for sentence in headlines(found, _HEADLINES):
        click.echo(plain(sentence))
    output().print(_bridge(found))
    output().print(_cells_table(found))


def _other_sources(found: Difference) -> Iterator[str]:
    """A sentence for customers, products and plug-ins that are others."""
    before, after = found.before, found.after
    for kind, old, new in (
        ("customers", before.customers, after.customers),
        ("products", before.products, after.products),
    ):
        if old and new and old.words != new.words:
            yield f"The {kind} now come from {new.words}, before from {old.words}."
    now, then = plugin_words(after.report_plugins), plugin_words(before.report_plugins)
    if now != then:
        yield f"Rules are others: reports by plug-ins are now {now}, before {then}."


def _bridge(found: Difference) -> Grid:
    """From one total to the other."""
    rows = [
        (total.kind.replace("_", " "), _signed(total.revenue), _signed(str(total.units)))
        for total in found.kinds
    ]
    ends = [
        (f"run {run.run_id}", grouped(run.totals.total_revenue), f"{run.totals.units_sold:,}")
        for run in (found.before, found.after)
    ]
    return table(["total", "revenue", "units"], [ends[0], *rows, ends[1]], numbers=(1, 2))


def _cells_table(found: Difference) -> Grid:
    rows = [row for cell in found.cells[:_CELLS_SHOWN] for row in _rows(cell)]
    headings = ["category", "segment", "revenue", "change", "units", "customers", "because"]
    grid = table(headings, rows, numbers=(2, 3, 4, 5))
    if len(found.cells) > _CELLS_SHOWN:
        grid.caption = f"and {counted(len(found.cells) - _CELLS_SHOWN, 'more row')}, in --json"
    return grid


def _rows(cell: CellChange) -> Iterator[tuple[str, ...]]:
    """A cell and, if there are several, its causes below."""
    figures = (
        f"{grouped(cell.before.revenue)} -> {grouped(cell.after.revenue)}",
        _signed(cell.revenue),
        _signed(str(cell.units)),
        f"{cell.before.customers:,} -> {cell.after.customers:,}",
    )
    if len(cell.causes) < 2:  # noqa: PLR2004
        only = because(cell.causes[0]) if cell.causes else "as much as before, by others"
        yield (cell.category, cell.segment, *figures, only)
        return
    yield (cell.category, cell.segment, *figures, "")
    for cause in cell.causes[:_CAUSES_SHOWN]:
        change, units = _signed(cause.revenue), _signed(str(cause.units))
        yield ("", "", "", change, units, "", because(cause))
    if len(cell.causes) > _CAUSES_SHOWN:
        more = len(cell.causes) - _CAUSES_SHOWN
        yield ("", "", "", "", "", "", f"and {counted(more, 'more cause')}, in --json")


def _signed(number: str) -> str:
    """A decimal with its sign and thousands separators; zero has no sign."""
    if Decimal(number) == 0:
        return number
    sign = "-" if number.startswith("-") else "+"
    return sign + grouped(number.lstrip("-"))
