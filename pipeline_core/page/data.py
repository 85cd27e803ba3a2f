"""What the page of a run shows, and nothing of how: frozen structs. Revenue is decimal text."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from pipeline_core.load.earlier_runs import EarlierRun
from pipeline_core.messages import Summary
from pipeline_core.messages.changes import Changes
from pipeline_core.page.shown_figures import Folded, SalesFigures
from pipeline_core.page.shown_periods import DayState, OverTime


class SalesCell(Struct, frozen=True):
    """A row of the sales report."""

    category: str
    """The category's name."""
    segment: str
    """The customer segment's name."""
    figures: SalesFigures
    """What was sold there."""
    page: str
    """The category's page, as a path from the run's folder; empty if it has none."""


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
    returned: tuple[SalesCell, ...]
    """The largest rows of returns.csv, as positive amounts; none unless returns are separate."""
    folded_returned: Folded | None
    """Its other rows as one; None if there is none."""
    over_time: OverTime
    """Sales by month, week and day."""
    left_out: tuple[RejectedByReason, ...]
    """What was rejected, by reason."""
    ignored: tuple[tuple[str, int], ...]
    """Endings of what was passed over, with its number, the commonest first."""
    unpriced: str
    """That products have no price, in a sentence; empty if all have."""
    coverage: Coverage
    """Which dates there are days of."""
