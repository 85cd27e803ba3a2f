"""One figure of the report, taken apart down to its events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec
from rich.console import Console

from console.display.tables import Grid
from console.display.views import count, money, narrow, print_unreadable, table
from pipeline_core.messages import Position, RejectSummary
from pipeline_core.plural import counted
from pipeline_core.questions.explain.explanation import (
    CustomerFigures,
    Explanation,
    LeftOut,
    PlacedEvent,
    PlaceFigures,
    ProductFigures,
)
from pipeline_core.reconciliation.reconcile import sales_of
from pipeline_core.reconciliation.words import money_in_words, units_in_words
from pipeline_core.transform.money import grouped
from pipeline_core.unprintable import plain

_ROWS_SHOWN = 10
_KNOWN = {"both": "category and segment", "category": "category only", "segment": "segment only"}
_GUESTS = "(guests)"

_Figures = TypeVar("_Figures", bound=PlaceFigures | ProductFigures | CustomerFigures)


def print_explanation(console: Console, found: Explanation) -> None:
    """The figure, what makes it up, and what was left out of it."""
    console.print(_headline(found), markup=False)
    if found.events:
        _print_contents(console, found)
    if found.returned is not None and found.returned.events:
        came = found.returned
        console.print(
            f"Beside it, in returns.csv: {counted(came.events, 'return')}, "
            f"{counted(came.units, 'unit')}, {grouped(came.revenue)}.",
            markup=False,
        )
    _print_left_out(console, found)
    if found.unreadable or found.unlisted:
        print_unreadable(console, found.unreadable, len(found.unreadable) + found.unlisted)
        console.print("What is in these is not known: some of it may belong here.")


def _headline(found: Explanation) -> str:
    cell, totals = found.cell, found.totals
    on = f" on {cell.date}" if cell.date else ""
    name = f"{plain(cell.category)} / {plain(cell.segment)}{on}, run {found.run_id}"
    if not found.has_day:
        return (
            f"{name}: there are no sales. The day is missing: the run could read none of this date."
        )
    if not found.events:
        return f"{name}: there are no sales."
    back = f" ({counted(found.returns, 'return')} among them)" if found.returns else ""
    return (
        f"{name}: revenue {grouped(totals.total_revenue)}, {counted(totals.units_sold, 'unit')}, "
        f"{counted(totals.unique_customers, 'customer')}, from "
        f"{counted(found.events, 'event')}{back}. It is what "
        f"{'daily_sales.csv' if cell.date else 'sales_report.csv'} says."
    )


def _print_contents(console: Console, found: Explanation) -> None:
    for name, places in (("archive", found.archives), ("day", found.days), ("part", found.parts)):
        console.print(_figures_table([name], places, _place_cells))
    is_dated = any(row.valid_from or row.valid_to for row in found.products)
    headings = ["product", "price", *(["valid"] if is_dated else [])]
    cells = _dated_product_cells if is_dated else _product_cells
    console.print(_figures_table(headings, found.products, cells))
    console.print(_figures_table(["customer"], found.customers, _customer_cells))
    _print_events(console, found.first_events, found.events)


def _figures_table(
    headings: Sequence[str],
    rows: Sequence[_Figures],
    cells: Callable[[_Figures], Sequence[str]],
) -> Grid:
    """The first rows; the others as a number."""
    first = len(headings)
    grid = table(
        [*headings, "events", "units", "revenue"],
        [
            (*cells(row), f"{row.events:,}", f"{row.units:,}", grouped(row.revenue))
            for row in rows[:_ROWS_SHOWN]
        ],
        numbers=range(first, first + 3),
    )
    if len(rows) > _ROWS_SHOWN:
        grid.caption = f"and {counted(len(rows) - _ROWS_SHOWN, f'more {headings[0]}')}"
    return grid


def _place_cells(row: PlaceFigures) -> list[str]:
    return [_place(row.archive, row.day, row.part) + (" (conflicting)" if row.conflicting else "")]


def _product_cells(row: ProductFigures) -> list[str]:
    return [plain(row.product), money(row.price)]


def _dated_product_cells(row: ProductFigures) -> list[str]:
    first = f"from {row.valid_from}" if row.valid_from else ""
    last = f"before {row.valid_to}" if row.valid_to else ""
    return [*_product_cells(row), ", ".join(filter(None, (first, last))) or "always"]


def _customer_cells(row: CustomerFigures) -> list[str]:
    return [_GUESTS if row.customer is None else plain(row.customer)]


def _print_events(console: Console, events: Sequence[PlacedEvent], of: int) -> None:
    if not events:
        return
    headings = ["place", "position", "customer", "product", "quantity", "revenue"]
    rows = [
        (
            _place(event.archive, event.day, event.part),
            Position(event.position, event.item),
            plain(event.customer or ("(guest)" if event.reason is None else "?")),
            plain(event.product or "?"),
            count(event.quantity),
            money(event.revenue),
            *([] if event.reason is None else [event.reason]),
        )
        for event in events
    ]
    if events[0].reason is not None:
        headings.append("reason")
    grid = table(headings, rows, numbers=(1, 4, 5))
    if of > len(events):
        grid.caption = f"and {counted(of - len(events), 'more event')}"
    console.print(grid)


def _print_left_out(console: Console, found: Explanation) -> None:
    if found.left_out:
        headings = ["left out", "known to be of this", "events", "units", "revenue"]
        rows = [row for each in found.left_out for row in _left_out_rows(each)]
        console.print(table(headings, rows, numbers=(2, 3, 4)))
        _print_events(console, found.first_left_out, sum(each.events for each in found.left_out))
    if found.unplaced_events:
        console.print(
            f"Of {counted(found.unplaced_events, 'other event')} left out, neither category nor "
            "segment is known."
        )


def _left_out_rows(each: LeftOut) -> Iterator[tuple[str, ...]]:
    """Purchases, and what came back, each with what is known of it."""
    fields = msgspec.structs.asdict(each)
    of = RejectSummary(**{name: fields[name] for name in RejectSummary.__struct_fields__})
    for reason, part in ((each.reason, of), (f"returns: {each.reason}", each.returns)):
        figures = None if part is None else sales_of(part)
        if figures is not None and figures.purchases:
            amounts = units_in_words(figures), money_in_words(figures)
            yield reason, _KNOWN[each.known], f"{figures.purchases:,}", *map(narrow, amounts)


def _place(*names: str | None) -> str:
    return " > ".join(plain(name) for name in names if name is not None)
