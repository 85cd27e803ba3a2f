"""The pages of a published run, for people: index.html and one page a category."""

from pipeline_core.page.data import (
    CalendarDay,
    Coverage,
    DaySales,
    DayState,
    EarlierRun,
    Folded,
    Group,
    Newcomers,
    Page,
    RejectedByReason,
    RejectSample,
    SalesCell,
    SalesFigures,
    ShownGroups,
)
from pipeline_core.page.render import common_style, render_category, render_index

__all__ = [
    "CalendarDay",
    "Coverage",
    "DaySales",
    "DayState",
    "EarlierRun",
    "Folded",
    "Group",
    "Newcomers",
    "Page",
    "RejectSample",
    "RejectedByReason",
    "SalesCell",
    "SalesFigures",
    "ShownGroups",
    "common_style",
    "render_category",
    "render_index",
]
