"""What the page of a run shows, and nothing of how: frozen structs. Revenue is decimal text."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.messages import EventCounts, RunStatus, Summary, Totals
from pipeline_core.messages.changes import Changes
from pipeline_core.messages.reconciliation import Reconciliation

DayState = Literal["present", "duplicate", "conflicting", "unreadable", "missing", "closed"]


class SalesFigures(Struct, frozen=True):
    """A line of the report."""

    revenue: str
    """Revenue as decimal text."""
    units: int
    """Units that were sold."""
    customers: int | None = None
    """Distinct customers; None where it is not known."""


class Folded(Struct, frozen=True):
    """Lines that the page shows as one."""

    count: int
    """Number of them."""
    figures: SalesFigures
    """Their sum."""


class SalesCell(Struct, frozen=True):
    """A row of the sales report."""

    category: str
    """The category's name."""
    segment: str
    """The customer segment's name."""
    figures: SalesFigures
    """What was sold there."""
    page: str
    """The category's page, as a path from the run's folder."""


class Group(Struct, frozen=True):
    """All of a category, or of a segment."""

    name: str
    """Its name."""
    figures: SalesFigures
    """What was sold there."""
    page: str = ""
    """The category's page, as a path from the run's folder; empty of a segment."""


class ShownGroups(Struct, frozen=True):
    """All categories, or all segments."""

    shown: tuple[Group, ...]
    """The largest by revenue."""
    folded: Folded | None
    """The rest as one; None if there is none."""

    @property
    def count(self) -> int:
        """Number of all."""
        return len(self.shown) + (self.folded.count if self.folded else 0)


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
    """Revenue a purchase, rounded; None if there is none, or their number is not known."""
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


class RejectSample(Struct, frozen=True):
    """A rejected event."""

    archive: str
    """Name of the archive."""
    day: str
    """Name of the day in it."""
    part: str
    """Name of the part in the day."""
    position: str
    """Its place among the part's events, from 0; of an item behind a slash that in its order."""
    event: str
    """Its text, which may be cut."""


class RejectedByReason(Struct, frozen=True):
    """What was rejected for one reason."""

    reason: str
    """One of RejectReason."""
    events: int
    """Number of events."""
    units: int | None
    """Units they would have sold; None where it cannot be known."""
    revenue: str | None
    """What they would have brought, as decimal text; None where it cannot be known."""
    samples: tuple[RejectSample, ...]
    """Some of them."""


class CalendarDay(Struct, frozen=True):
    """A date of the covered range."""

    date: date
    """The date."""
    state: DayState
    """What there is of it."""


class Coverage(Struct, frozen=True):
    """Which dates there are days of."""

    first: date | None
    """First date of the covered range; None if no day has a date."""
    last: date | None
    """Its last date."""
    days: tuple[CalendarDay, ...]
    """The newest dates of it, each once."""
    counts: dict[DayState, int]
    """Number of dates in each state, of the whole range."""
    undated: int
    """Number of days whose name holds no date."""


class EarlierRun(Struct, frozen=True):
    """What summary.json of an earlier run says of its figures."""

    run_id: str
    """The run."""
    status: RunStatus
    """Whether it is complete."""
    finished_at: datetime
    """When it was decided to publish it (UTC)."""
    events: EventCounts
    """What became of its events."""
    totals: Totals
    """Its report in one line."""
    dimensions_digest: str
    """SHA-256 (hex) of its customers and products."""
    seconds: float
    """Seconds from its plan to the verdict."""
    reconciliation: Reconciliation | None = None
    """What it left out in money; None if its version did not say."""


class Newcomers(Struct, frozen=True):
    """Distinct customers of the run and the one before."""

    new: int
    """Those who bought in the run only."""
    returned: int
    """Those who bought in both."""
    gone: int
    """Those who bought in the run before only."""


class Page(Struct, frozen=True, kw_only=True):
    """What the page of a run shows."""

    summary: Summary
    """The run's summary.json."""
    shop: str
    """The shop's name; empty if nobody said it."""
    currency: str
    """Code or sign of the currency; the same."""
    changes: Changes | None
    """What moved since the run before; None where it is not known."""
    earlier: tuple[EarlierRun, ...]
    """The runs published before, newest first."""
    newcomers: Newcomers | None
    """Who is new; None where it is not known."""
    cells: tuple[SalesCell, ...]
    """The largest rows of the report, by revenue."""
    folded_cells: Folded | None
    """The other rows as one; None if there is none."""
    categories: ShownGroups
    """Categories, as listed."""
    segments: ShownGroups
    """Segments, as listed."""
    category_bars: ShownGroups
    """Categories, as charted."""
    segment_bars: ShownGroups
    """Segments, as charted."""
    over_time: OverTime
    """Sales by month, week and day."""
    left_out: tuple[RejectedByReason, ...]
    """What was rejected, by reason."""
    ignored: tuple[tuple[str, int], ...]
    """Endings of what was passed over, with its number, the commonest first."""
    coverage: Coverage
    """Which dates there are days of."""
