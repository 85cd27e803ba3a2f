"""Sales by month, week and day, each beside the one before and that of a year before; and by day of
the week. Sums are of whole minor units, and exact; only averages are rounded.

A period that has not ended is compared with as many days of the other. What begins before the run's
first date, or has no day that could be read, is compared with nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import accumulate
from operator import add
from typing import NamedTuple

import pyarrow as pa

from pipeline_core.messages import ClosedDays
from pipeline_core.page import (
    DayState,
    OtherPeriod,
    OverTime,
    PeriodSales,
    ShownGroups,
    WeekdaySales,
)
from pipeline_core.page.cells_of_periods import cells_of_periods
from pipeline_core.page.figures import Sum, a_purchase, average, figures
from pipeline_core.periods import PeriodDates, Step, newest, period_of
from pipeline_core.transform.money import to_minor, to_text
from pipeline_core.transform.reports.base import group_rows, sum_measures
from pipeline_core.transform.reports.daily_sales import sum_purchases

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNREAD: frozenset[DayState] = frozenset({"unreadable", "missing", "closed"})


class Sold(NamedTuple):
    """Sums of some days; ``days`` is the number of those that could be read."""

    revenue: int = 0
    units: int = 0
    purchases: int = 0
    days: int = 0

    def plus(self, other: Sold) -> Sold:
        """Of both."""
        return Sold(*map(add, self, other))


class DatedSales:
    """What was sold on each date, and what there is of it (``states``); ``first`` to ``last`` is
    covered. To be made of one date or more."""

    def __init__(
        self,
        sold: Mapping[date, Sold],
        states: Mapping[date, DayState],
        closed: ClosedDays,
        scale: int,
        *,
        knows_purchases: bool,
    ) -> None:
        self.states, self.closed, self.scale = states, closed, scale
        self.knows_purchases = knows_purchases
        self.by_date = {
            each: sold.get(each, Sold())._replace(days=states.get(each) not in _UNREAD)
            for each in sorted(sold.keys() | states.keys())
        }
        self._dates = list(self.by_date)
        self._until = list(accumulate(self.by_date.values(), Sold.plus, initial=Sold()))
        self.first, self.last = self._dates[0], self._dates[-1]

    def between(self, first: date, last: date) -> Sold:
        """Of these dates, both included."""
        end = self._until[bisect_right(self._dates, last)]
        begin = self._until[bisect_left(self._dates, first)]
        return Sold(*(one - other for one, other in zip(end, begin, strict=True)))

    def sales_of(self, period: PeriodDates) -> PeriodSales:
        """As the page shows them."""
        first, until = self._covered(period)
        sold = self.between(first, until)
        state = self.states.get(first) or ("closed" if self.closed.has(first) else "missing")
        others = period.others(self._closed_from(self.first), until)
        before, year_before = map(self._compared, others)
        is_known = sold.days > 0 or any(sold)
        return PeriodSales(
            key=period.key,
            name=period.name,
            first=period.first,
            last=period.last,
            since=first,
            until=until,
            revenue=to_text(sold.revenue, self.scale) if is_known else None,
            units=sold.units,
            purchases=sold.purchases if self.knows_purchases else None,
            average=self._a_purchase(sold),
            days=sold.days,
            open_days=sum(not self.closed.has(each) for each in _dates(first, until, more=1)),
            state=state if period.step == "day" else None,
            before=before,
            year_before=year_before,
        )

    def _covered(self, period: PeriodDates) -> tuple[date, date]:
        """Its first and last date that the run covers, and closed days at its ends."""
        first, until = max(period.first, self.first), min(period.last, self.last)
        if all(map(self.closed.has, _dates(period.first, first))):
            first = period.first
        if all(map(self.closed.has, _dates(until, period.last, skip=1, more=1))):
            until = period.last
        return first, until

    def _closed_from(self, day: date) -> date:
        """The first of the closed days before it, if there are any: nothing was sold on them."""
        begin = period_of("month", day).first
        return begin if all(map(self.closed.has, _dates(begin, day))) else day

    def _compared(self, other: PeriodDates | None) -> OtherPeriod | None:
        if other is None:
            return None
        sold = self.between(other.first, other.last)
        return OtherPeriod(other.name, to_text(sold.revenue, self.scale)) if sold.days else None

    def weekdays(self) -> Iterator[WeekdaySales]:
        """Monday to Sunday, of all dates."""
        sums = [Sold()] * len(_WEEKDAYS)
        for day, sold in self.by_date.items():
            sums[day.weekday()] = sums[day.weekday()].plus(sold)
        for name, each in zip(_WEEKDAYS, sums, strict=True):
            yield WeekdaySales(
                name,
                each.days,
                to_text(each.revenue, self.scale),
                average(each.revenue, each.days, self.scale),
                each.units,
                each.purchases if self.knows_purchases else None,
            )

    def _a_purchase(self, sold: Sold) -> str | None:
        if not self.knows_purchases:
            return None
        return a_purchase(sold.revenue, sold.purchases, self.scale)


def over_time(
    partial: pa.Table,
    states: Mapping[date, DayState],
    closed: ClosedDays,
    scale: int,
    categories: ShownGroups,
    segments: ShownGroups,
) -> OverTime:
    """Of the daily report's merged partial, and of the days that there are."""
    groups = group_rows([partial["date"].combine_chunks()])
    units, hi, lo = (column.to_pylist() for column in sum_measures(partial, groups))
    purchases = sum_purchases(partial, groups).to_pylist()
    sold = {
        each: Sold(to_minor(*limbs), count, bought or 0)
        for each, count, bought, *limbs in zip(
            groups.keys[0].to_pylist(), units, purchases, hi, lo, strict=True
        )
    }
    undated = sold.pop(None, None)
    shown: dict[Step, list[PeriodSales]] = {"month": [], "week": [], "day": []}
    weekdays: tuple[WeekdaySales, ...] = ()
    if sold or states:
        dated = DatedSales(sold, states, closed, scale, knows_purchases=None not in purchases)
        for step, of_step in shown.items():
            periods = newest(step, dated.first, dated.last)
            of_step += [dated.sales_of(each) for each in periods]
        weekdays = tuple(dated.weekdays())
    cells = {
        key: each
        for step, of_step in shown.items()
        for key, each in cells_of_periods(partial, step, of_step, categories, segments).items()
    }
    begin = shown["day"][0].first if shown["day"] else date.max
    return OverTime(
        months=tuple(shown["month"]),
        weeks=tuple(shown["week"]),
        days=tuple(each for each in shown["day"] if each.state != "closed"),
        weekdays=weekdays,
        cells=cells,
        earlier_days=sum(each < begin for each in sold),
        undated=figures(Sum(undated.revenue, undated.units, None), scale) if undated else None,
    )


def _dates(first: date, end: date, *, skip: int = 0, more: int = 0) -> Iterator[date]:
    """From the first, or so many dates later, to before the end, or so many dates more."""
    days = range(first.toordinal() + skip, end.toordinal() + more)
    return map(date.fromordinal, days)
