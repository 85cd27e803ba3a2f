"""What ``explain`` answers. Revenue and prices are decimal text, as in the report; a list has
everything that adds to the cell, largest revenue first; an id that is no legal text is escaped.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from pipeline_core.messages import Totals, Unreadable

# Which of its labels can be known of an event that was left out.
KnownLabels = Literal["both", "category", "segment"]


class Cell(Struct, frozen=True):
    """A row of sales_report.csv by its labels; with a ``date``, one of daily_sales.csv."""

    category: str
    segment: str
    date: date | None = None


class PlaceFigures(Struct, frozen=True, kw_only=True):
    """What an archive adds, or a day of it, or a part of that. A day is ``conflicting`` if
    another archive has one of that name with other contents: both count."""

    archive: str
    day: str | None = None
    part: str | None = None
    events: int
    units: int
    revenue: str
    conflicting: bool = False


class ProductFigures(Struct, frozen=True, kw_only=True):
    """What a product adds; ``price`` is None if the run's snapshot does not have it."""

    product: str
    price: str | None
    events: int
    units: int
    revenue: str


class CustomerFigures(Struct, frozen=True, kw_only=True):
    """What a customer adds; all guests together are the customer None."""

    customer: str | None
    events: int
    units: int
    revenue: str


class PlacedEvent(Struct, frozen=True, kw_only=True):
    """One event; ``position`` counts its part's from 0. What it does not say, or what cannot be
    known, is None. ``reason`` is why it was left out, None if it counts."""

    archive: str
    day: str
    part: str
    position: int
    customer: str | None
    product: str | None
    quantity: int | None
    revenue: str | None
    reason: str | None = None


class LeftOut(Struct, frozen=True, kw_only=True):
    """Events left out for one ``reason`` that would be in the cell, or that might be: only their
    category or only their segment is ``known``, and is the cell's."""

    reason: str
    known: KnownLabels
    events: int
    units: int | None
    revenue: str | None


class Explanation(Struct, frozen=True, kw_only=True):
    """A cell of a published run, taken apart. ``first_events`` are in the order of archives,
    days and parts; so are ``first_left_out``, those first of which both labels are known, then
    those with the category. ``unplaced_events`` were left out, too, and nothing says
    what cell they would be in; nor is it known what is in ``unreadable``,
    and in ``unlisted`` inputs more that could not be read."""

    run_id: str
    cell: Cell
    totals: Totals
    events: int
    archives: tuple[PlaceFigures, ...]
    days: tuple[PlaceFigures, ...]
    parts: tuple[PlaceFigures, ...]
    products: tuple[ProductFigures, ...]
    customers: tuple[CustomerFigures, ...]
    first_events: tuple[PlacedEvent, ...]
    left_out: tuple[LeftOut, ...]
    first_left_out: tuple[PlacedEvent, ...]
    unplaced_events: int
    unreadable: tuple[Unreadable, ...]
    unlisted: int = 0
