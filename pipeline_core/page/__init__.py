"""The pages of a published run, for people: index.html and one page a category."""

from pipeline_core.page.data import (
    CalendarDay,
    Cell,
    Coverage,
    DaySales,
    DayState,
    EarlierRun,
    Figures,
    Folded,
    Group,
    Groups,
    LeftOut,
    Newcomers,
    Page,
    Sample,
)
from pipeline_core.page.render import common_style, render_category, render_index

__all__ = [
    "CalendarDay",
    "Cell",
    "Coverage",
    "DaySales",
    "DayState",
    "EarlierRun",
    "Figures",
    "Folded",
    "Group",
    "Groups",
    "LeftOut",
    "Newcomers",
    "Page",
    "Sample",
    "common_style",
    "render_category",
    "render_index",
]
