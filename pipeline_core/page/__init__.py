"""The pages of a published run, for people: index.html and one page a category."""

from pipeline_core.page.data import (
    CalendarDay,
    Coverage,
    Group,
    Newcomers,
    Page,
    RejectedByReason,
    RejectSample,
    SalesCell,
    ShownGroups,
)
from pipeline_core.page.render import common_style, render_index
from pipeline_core.page.shown_figures import Folded, SalesFigures
from pipeline_core.page.shown_periods import (
    DayState,
    OtherPeriod,
    OverTime,
    PeriodCells,
    PeriodSales,
    WeekdaySales,
)

__all__ = [
    "CalendarDay",
    "Coverage",
    "DayState",
    "Folded",
    "Group",
    "Newcomers",
    "OtherPeriod",
    "OverTime",
    "Page",
    "PeriodCells",
    "PeriodSales",
    "RejectSample",
    "RejectedByReason",
    "SalesCell",
    "SalesFigures",
    "ShownGroups",
    "WeekdaySales",
    "common_style",
    "render_index",
]
