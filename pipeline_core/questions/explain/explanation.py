"""What ``explain`` answers. Revenue and prices are decimal text, as in the report; a list has
everything that adds to the cell, largest revenue first; an id that is no legal text is escaped.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from pipeline_core.messages import RejectSummary, Totals, Unreadable

# Which of its labels can be known of an event that was left out.
KnownLabels = Literal["both", "category", "segment"]


class Cell(Struct, frozen=True):
    """A row of sales_report.csv or, with a date, one of daily_sales.csv."""

    category: str
    """The category's name."""
    segment: str
    """The customer segment's name."""
    date: date | None = None
    """The date; null of all dates."""


class PlaceFigures(Struct, frozen=True, kw_only=True):
    """What an archive adds, or a day of it, or a part of that."""

    archive: str
    """Name of the archive."""
    day: str | None = None
    """Name of the day in it; null if it is about the archive."""
    part: str | None = None
    """Name of the part in the day; null if it is about more."""
    events: int
    """Counted purchases."""
    units: int
    """Units that they sold."""
    revenue: str
    """What they brought, as decimal text."""
    conflicting: bool = False
    """Whether another archive has a day of that name with other contents: both count."""


class ProductFigures(Struct, frozen=True, kw_only=True):
    """What a product adds."""

    product: str
    """Its id."""
    price: str | None
    """Its price as decimal text; null if the run's snapshot does not have it, or what was paid
    counts."""
    valid_from: date | None = None
    """The first day of that price; null if it always was, or is the only one."""
    valid_to: date | None = None
    """The first day on which it is another, or none; null if it still is."""
    events: int
    """Counted purchases."""
    units: int
    """Units that they sold."""
    revenue: str
    """What they brought, as decimal text."""


class CustomerFigures(Struct, frozen=True, kw_only=True):
    """What a customer adds."""

    customer: str | None
    """Their id; null are all guests together."""
    events: int
    """Counted purchases."""
    units: int
    """Units that they bought."""
    revenue: str
    """What they brought, as decimal text."""


class PlacedEvent(Struct, frozen=True, kw_only=True):
    """One event and its place. What it does not say, or what cannot be known, is null."""

    archive: str
    """Name of the archive."""
    day: str
    """Name of the day in it."""
    part: str
    """Name of the part in the day."""
    position: int
    """Its place among the part's events, from 0."""
    customer: str | None
    """The customer's id."""
    product: str | None
    """The product's id."""
    quantity: int | None
    """Units."""
    revenue: str | None
    """What it brings, or would bring, as decimal text."""
    reason: str | None = None
    """Why it was left out; null if it counts."""
    item: int | None = None
    """Its place among the items of an order, from 0; null if it is none of them."""


class LeftOut(Struct, frozen=True, kw_only=True):
    """Events left out for one reason that would be in the cell, or that might be. What came back,
    and is left out for another reason than that, is in no sum but that of ``returns``."""

    reason: str
    """Why they were left out."""
    known: KnownLabels
    """What is known of their cell, and is this cell's: both labels, or only one."""
    events: int
    """Number of events."""
    units: int | None
    """Units they would have sold, below 0 of returns; null if they are known of none."""
    revenue: str | None
    """What they would have brought, as decimal text, below 0 of returns; null if it is known of
    none."""
    unknown_units: int | None = None
    """Number of events in these sums whose units cannot be known."""
    unknown_revenue: int | None = None
    """The same of what they would have brought."""
    returns: RejectSummary | None = None
    """Those that are returns, if the reason is another; null if there are none."""


class ReturnedThere(Struct, frozen=True):
    """What came back in the cell, as positive amounts."""

    events: int
    """Number of events."""
    units: int
    """Units that came back."""
    revenue: str
    """What they had brought, as decimal text."""


class Explanation(Struct, frozen=True, kw_only=True):
    """A cell of a published run, taken apart."""

    run_id: str
    """The run."""
    cell: Cell
    """The cell."""
    has_day: bool = True
    """Whether the run has a day of the cell's date; true without one."""
    totals: Totals
    """The cell's figures in the report."""
    events: int
    """Purchases that count in it, and returns that are taken from it."""
    returns: int = 0
    """How many of these are returns."""
    archives: tuple[PlaceFigures, ...]
    """What each archive adds."""
    days: tuple[PlaceFigures, ...]
    """What each day adds."""
    parts: tuple[PlaceFigures, ...]
    """What each part adds."""
    products: tuple[ProductFigures, ...]
    """What each product adds."""
    customers: tuple[CustomerFigures, ...]
    """What each customer adds."""
    first_events: tuple[PlacedEvent, ...]
    """The first events that count, in the order of archives, days and parts."""
    left_out: tuple[LeftOut, ...]
    """What was left out that would be in the cell, or might be."""
    first_left_out: tuple[PlacedEvent, ...]
    """The first such events, in the same order: those first of which both labels are known, then
    those with the category."""
    unplaced_events: int
    """Number of events left out of which nothing says what cell they would be in."""
    returned: ReturnedThere | None = None
    """What returns.csv has of the cell, or of its date; null if returns have no report of their
    own."""
    unreadable: tuple[Unreadable, ...]
    """Inputs that could not be read: what is in them is not known."""
    unlisted: int = 0
    """Number of such inputs that are not known by name."""
