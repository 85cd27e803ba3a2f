"""What the page of a run shows, and nothing of how: frozen structs. Revenue is decimal text."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.changes import Changes
from pipeline_core.messages import EventCounts, RunStatus, Summary, Totals

DayState = Literal["present", "duplicate", "conflicting", "unreadable", "missing"]


class Figures(Struct, frozen=True):
    """A line of the report; ``customers`` is None where it is not known."""

    revenue: str
    units: int
    customers: int | None = None


class Folded(Struct, frozen=True):
    """``count`` lines that the page shows as one."""

    count: int
    figures: Figures


class Cell(Struct, frozen=True):
    """A row of the sales report; ``page`` is the category's, relative to the run's folder."""

    category: str
    segment: str
    figures: Figures
    page: str


class Group(Struct, frozen=True):
    """All of a category, or of a segment."""

    name: str
    figures: Figures
    page: str = ""


class Groups(Struct, frozen=True):
    """The largest by revenue, and the rest as one."""

    shown: tuple[Group, ...]
    folded: Folded | None


class DaySales(Struct, frozen=True):
    """What was sold on one date."""

    date: date
    revenue: str
    units: int


class Sample(Struct, frozen=True):
    """A rejected event; ``position`` counts a part's events from 0, ``event`` may be cut."""

    archive: str
    day: str
    part: str
    position: int
    event: str


class LeftOut(Struct, frozen=True):
    """Rejected for one reason; units and revenue are None where they cannot be known."""

    reason: str
    events: int
    units: int | None
    revenue: str | None
    samples: tuple[Sample, ...]


class CalendarDay(Struct, frozen=True):
    """A date of the covered range."""

    date: date
    state: DayState


class Coverage(Struct, frozen=True):
    """``days``: the newest of the covered range, each date once; ``counts``: of the whole range,
    from ``first`` to ``last``; ``undated``: days whose name holds no date."""

    first: date | None
    last: date | None
    days: tuple[CalendarDay, ...]
    counts: dict[DayState, int]
    undated: int


class EarlierRun(Struct, frozen=True):
    """What summary.json of an earlier run says of its figures."""

    run_id: str
    status: RunStatus
    finished_at: datetime
    events: EventCounts
    totals: Totals
    dimensions_digest: str
    seconds: float


class Newcomers(Struct, frozen=True):
    """Distinct customers: who did not buy in the run before, who did, and who did then only."""

    new: int
    returned: int
    gone: int


class Page(Struct, frozen=True, kw_only=True):
    """``cells`` are the largest by revenue, ``bars`` what is charted, ``days`` the newest;
    ``earlier`` the runs published before, newest first; ``newcomers`` and ``changes`` None where
    not known; ``ignored`` endings of what was passed over, with counts, the commonest first."""

    summary: Summary
    changes: Changes | None
    earlier: tuple[EarlierRun, ...]
    newcomers: Newcomers | None
    cells: tuple[Cell, ...]
    folded_cells: Folded | None
    categories: Groups
    segments: Groups
    category_bars: Groups
    segment_bars: Groups
    days: tuple[DaySales, ...]
    earlier_days: int
    undated: Figures | None
    left_out: tuple[LeftOut, ...]
    ignored: tuple[tuple[str, int], ...]
    coverage: Coverage
