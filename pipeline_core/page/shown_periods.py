"""What the pages show of sales over time. Revenue is decimal text."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct

from pipeline_core.page.shown_figures import SalesFigures

DayState = Literal["present", "duplicate", "conflicting", "unreadable", "missing", "closed"]


class OtherPeriod(Struct, frozen=True):
    """What a period is compared with."""

    name: str
    """Its name; of a period that is not over yet, as many of its days."""
    revenue: str
    """Its revenue as decimal text."""


class PeriodSales(Struct, frozen=True, kw_only=True):
    """What was sold in a month, a week or on a day."""

    key: str
    """How addresses name it: 2024-03, 2024-W09 or 2024-03-01."""
    name: str
    """How people do."""
    first: date
    """Its first date."""
    last: date
    """Its last date."""
    since: date
    """Its first date that the run covers."""
    until: date
    """Its last one."""
    revenue: str | None
    """Revenue as decimal text; None if none of its days could be read."""
    units: int
    """Units that were sold."""
    purchases: int | None
    """Number of purchases; None where it is not known."""
    average: str | None
    """Revenue a purchase, rounded; None if there is none, their number is not known, or more came
    back than was bought."""
    days: int
    """Number of its days that there are."""
    open_days: int
    """Number of its dates that the run covers and on which the shop is not closed."""
    state: DayState | None
    """What there is of a day; None of a month or a week."""
    before: OtherPeriod | None
    """The month or week before, of a day that a week before; None where it is not known."""
    year_before: OtherPeriod | None
    """The same month a year before, of a week or a day that 52 weeks before; the same."""

    @property
    def has_ended(self) -> bool:
        """Whether the run covers its last date."""
        return self.until == self.last

    @property
    def is_whole(self) -> bool:
        """Whether the run covers it, and has a day of every date on which the shop was open."""
        is_covered = self.has_ended and self.since == self.first
        return is_covered and self.days >= self.open_days


class WeekdaySales(Struct, frozen=True):
    """What was sold on the Mondays, or another day of the week, of the whole report."""

    name: str
    """Its name."""
    days: int
    """Number of them that there are."""
    revenue: str
    """Their revenue as decimal text."""
    average: str | None
    """Revenue of one of them, rounded; None if there is none."""
    units: int
    """Their units."""
    purchases: int | None
    """Their purchases; None where it is not known."""


class PeriodCells(Struct, frozen=True):
    """The rows of the report within one period. Of thousands of periods: as small as can be."""

    rows: tuple[tuple[int, int, int, int], ...]
    """Places of category and segment among those listed, revenue in minor units, and units; the
    largest rows, by revenue."""
    folded: tuple[int, int, int] | None
    """Number of the others, their revenue in minor units, and units; None if there is none."""


class OverTime(Struct, frozen=True, kw_only=True):
    """Sales by period, oldest to newest."""

    months: tuple[PeriodSales, ...]
    """The newest months."""
    weeks: tuple[PeriodSales, ...]
    """The newest weeks, from Monday to Sunday."""
    days: tuple[PeriodSales, ...]
    """The newest days, without those on which the shop was closed."""
    weekdays: tuple[WeekdaySales, ...]
    """Monday to Sunday; none if no day has a date."""
    cells: dict[str, PeriodCells]
    """Rows within each of these periods, by its key."""
    earlier_days: int
    """Number of dates with sales that are older than ``days``."""
    undated: SalesFigures | None
    """What was sold on days without a date; None if nothing was."""
