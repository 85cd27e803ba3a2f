"""``diff``: what changed between two runs, and why."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal

import click

from console.tables import Grid
from console.terminal import plain
from console.views import grouped, output, table
from pipeline_core.messages import to_json
from pipeline_core.pipeline.diff import (
    Cause,
    CauseKind,
    CellChange,
    Difference,
    chosen_runs,
    difference,
)
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage

_HEADLINES = 5
_CELLS_SHOWN = 40
_CAUSES_SHOWN = 8

_SAID = {
    CauseKind.NEW_ARCHIVE: "archive {name} is new",
    CauseKind.VANISHED_ARCHIVE: "archive {name} is gone",
    CauseKind.CORRECTED_ARCHIVE: "{day} of archive {name} was corrected",
    CauseKind.READABLE: "{place} can be read now",
    CauseKind.UNREADABLE: "{place} cannot be read any more",
    CauseKind.CHANGED_LIMITS: "limits of the input are others",
    CauseKind.RESTATED_PRICE: "price of {name} restated from {before} to {after}",
    CauseKind.MOVED_CATEGORY: "product {name} moved from {before} to {after}",
    CauseKind.MOVED_SEGMENT: "customer {name} moved from {before} to {after}",
    CauseKind.KNOWN_PRODUCT: "product {name} is known now",
    CauseKind.GONE_PRODUCT: "product {name} is not known any more",
    CauseKind.KNOWN_CUSTOMER: "customer {name} is known now",
    CauseKind.GONE_CUSTOMER: "customer {name} is not known any more",
    CauseKind.CHANGED_UNKNOWN: "--unknown {after}, {before} before",
}
_SAID_OF_OTHERS = {
    CauseKind.NEW_ARCHIVE: "{others} other archives are new",
    CauseKind.VANISHED_ARCHIVE: "{others} other archives are gone",
    CauseKind.CORRECTED_ARCHIVE: "{others} other days were corrected",
    CauseKind.READABLE: "{others} others can be read now",
    CauseKind.UNREADABLE: "{others} others cannot be read any more",
    CauseKind.RESTATED_PRICE: "{others} other prices restated",
    CauseKind.MOVED_CATEGORY: "{others} other products moved from {before} to {after}",
    CauseKind.MOVED_SEGMENT: "{others} other customers moved from {before} to {after}",
    CauseKind.KNOWN_PRODUCT: "{others} other products are known now",
    CauseKind.GONE_PRODUCT: "{others} other products are not known any more",
    CauseKind.KNOWN_CUSTOMER: "{others} other customers are known now",
    CauseKind.GONE_CUSTOMER: "{others} other customers are not known any more",
}


def show_difference(
    settings: Settings, before: str | None, after: str | None, *, as_json: bool
) -> None:
    """Every changed cell with its causes; a sentence for each of the largest."""
    state = open_storage(settings.state)
    found = difference(state, *chosen_runs(state, before, after))
    if as_json:
        sys.stdout.buffer.write(to_json(found))
        return
    runs = f"between run {found.before.run_id} and run {found.after.run_id}"
    if not found.cells:
        totals = found.after.totals
        revenue, units = grouped(totals.total_revenue), f"{totals.units_sold:,}"
        click.echo(f"Nothing changed {runs}: revenue {revenue}, {units} units.")
        return
    changed = sum(cell.before != cell.after for cell in found.cells)
    click.echo(f"{_rows_of(changed)} of the report changed {runs}.")
    for sentence in _headlines(found):
        click.echo(plain(sentence))
    output().print(_bridge(found))
    output().print(_cells_table(found))


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


def _headlines(found: Difference) -> Iterator[str]:
    """The largest causes, each where it did most."""
    told: dict[tuple[str, ...], list[tuple[CellChange, Cause]]] = {}
    for cell in found.cells:
        for cause in cell.causes:
            told.setdefault(_key(cause), []).append((cell, cause))
    largest = [max(places, key=_size) for places in told.values()]
    for cell, cause in sorted(largest, key=_size, reverse=True)[:_HEADLINES]:
        others = len(told[_key(cause)]) - 1
        more = f" ({_rows_of(others)} more changed by it)" if others else ""
        yield f"{_effect(cell, cause)}: {_because(cause)}{more}."


def _key(cause: Cause) -> tuple[str, ...]:
    return (cause.kind, cause.name, cause.day, cause.before, cause.after)


def _size(place: tuple[CellChange, Cause]) -> tuple[Decimal, int]:
    return abs(Decimal(place[1].revenue)), abs(place[1].units)


def _effect(cell: CellChange, cause: Cause) -> str:
    """Revenue of Toys / VIP fell by 1,204.50"""
    is_money = Decimal(cause.revenue) != 0
    what, amount = ("Revenue", cause.revenue) if is_money else ("Units", str(cause.units))
    moved = "fell" if amount.startswith("-") else "rose"
    return f"{what} of {cell.category} / {cell.segment} {moved} by {grouped(amount.lstrip('-'))}"


def _cells_table(found: Difference) -> Grid:
    rows = [row for cell in found.cells[:_CELLS_SHOWN] for row in _rows(cell)]
    headings = ["category", "segment", "revenue", "change", "units", "customers", "because"]
    grid = table(headings, rows, numbers=(2, 3, 4, 5))
    if len(found.cells) > _CELLS_SHOWN:
        grid.caption = f"and {len(found.cells) - _CELLS_SHOWN:,} more rows, in --json"
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
        because = _because(cell.causes[0]) if cell.causes else "as much as before, by others"
        yield (cell.category, cell.segment, *figures, because)
        return
    yield (cell.category, cell.segment, *figures, "")
    for cause in cell.causes[:_CAUSES_SHOWN]:
        change, units = _signed(cause.revenue), _signed(str(cause.units))
        yield ("", "", "", change, units, "", _because(cause))
    if len(cell.causes) > _CAUSES_SHOWN:
        more = len(cell.causes) - _CAUSES_SHOWN
        yield ("", "", "", "", "", "", f"and {more:,} more causes, in --json")


def _because(cause: Cause) -> str:
    said = _SAID_OF_OTHERS if cause.others else _SAID
    return said[cause.kind].format(
        others=f"{cause.others:,}",
        name=cause.name,
        day=cause.day,
        place=f"{cause.day} of archive {cause.name}" if cause.day else f"archive {cause.name}",
        before=cause.before or "none",
        after=cause.after or "none",
    )


def _rows_of(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _signed(number: str) -> str:
    """A decimal with its sign and thousands separators; zero has no sign."""
    if Decimal(number) == 0:
        return number
    sign = "-" if number.startswith("-") else "+"
    return sign + grouped(number.lstrip("-"))
