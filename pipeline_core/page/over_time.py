"""Sales by month, week and day, each beside the one before and that of a year before; and by day of
the week. Sums are of whole minor units, and exact; only averages are rounded.

A period that has not ended is compared with as many days of the other. What begins before the run's
first date, or has no day that could be read, is compared with nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from itertools import chain
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
_EPOCH = date(1970, 1, 1).toordinal()
_NEVER = ClosedDays()
_SUNDAY = 6  # the weekday before that of the number 1, a Monday

_Numbers = NDArray[np.int64]


class Sold(NamedTuple):
    """Sums of some days; ``days`` is the number of those that could be read."""

    revenue: int = 0
    units: int = 0
    purchases: int = 0
    days: int = 0


class DailySums(NamedTuple):
    """What was sold on each of some dates, in their order: ``numbers`` as ``date.toordinal`` gives
    them, units, purchases, and both limbs of revenue; int64 of one length."""

    numbers: _Numbers
    units: _Numbers
    purchases: _Numbers
    revenue_hi: _Numbers
    revenue_lo: _Numbers


class DatedSales:
    """What was sold on each date, and what there is of it (``states``); ``first`` to ``last`` is
    covered. To be made of one date or more. There may be a million dates: in columns."""

    def __init__(
        self,
        sold: DailySums,
        states: Mapping[date, DayState],
        closed: ClosedDays,
        scale: int,
        *,
        knows_purchases: bool,
    ) -> None:
        self.states, self.closed, self.scale = states, closed, scale
        self.knows_purchases = knows_purchases
        there = np.fromiter((each.toordinal() for each in states), np.int64)
        unread = [each.toordinal() for each, state in states.items() if state in _UNREAD]
        numbers = np.union1d(sold.numbers, there)
        days = (~np.isin(numbers, unread)).astype(np.int64)
        columns = chain((_spread(numbers, sold.numbers, each) for each in sold[1:]), [days])
        self._until = [np.concatenate([[0], np.cumsum(column)]) for column in columns]
        self._numbers = array("q", numbers.tobytes())
        self.first, self.last = map(date.fromordinal, (self._numbers[0], self._numbers[-1]))

    def between(self, first: date, last: date) -> Sold:
        """Of these dates, both included."""
        end = bisect_right(self._numbers, last.toordinal())
        begin = bisect_left(self._numbers, first.toordinal())
        return _sold(int(until[end]) - int(until[begin]) for until in self._until)

    def sales_of(self, period: PeriodDates) -> PeriodSales:
        """As the page shows them."""
        first, until = self._covered(period)
        sold = self.between(first, until)
        state = self.states.get(first) or ("closed" if self.closed.has(first) else "missing")
        others = period.others(self._begin, until)
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
            open_days=(until - first).days + 1 - self._closed_days(first, until),
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

    @cached_property
    def _begin(self) -> date:
        """The first of the closed days before the first date, if there are any: nothing was sold on
        them."""
        begin = period_of("month", self.first).first
        return begin if all(map(self.closed.has, _dates(begin, self.first))) else self.first

    def _closed_days(self, first: date, last: date) -> int:
        if self.closed == _NEVER:
            return 0
        return sum(map(self.closed.has, _dates(first, last, more=1)))

    def _compared(self, other: PeriodDates | None) -> OtherPeriod | None:
        if other is None:
            return None
        sold = self.between(other.first, other.last)
        return OtherPeriod(other.name, to_text(sold.revenue, self.scale)) if sold.days else None

    def weekdays(self) -> Iterator[WeekdaySales]:
        """Monday to Sunday, of all dates."""
        weekdays = (np.frombuffer(self._numbers, np.int64) + _SUNDAY) % len(_WEEKDAYS)
        for weekday, name in enumerate(_WEEKDAYS):
            of_day = weekdays == weekday
            each = _sold(int(np.diff(until)[of_day].sum()) for until in self._until)
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
    sold, undated, knows_purchases = _by_date(partial)
    shown: dict[Step, list[PeriodSales]] = {"month": [], "week": [], "day": []}
    weekdays: tuple[WeekdaySales, ...] = ()
    if len(sold.numbers) or states:
        dated = DatedSales(sold, states, closed, scale, knows_purchases=knows_purchases)
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
        earlier_days=int((sold.numbers < begin.toordinal()).sum()),
        undated=figures(Sum(undated.revenue, undated.units, None), scale) if undated else None,
    )


def _by_date(partial: pa.Table) -> tuple[DailySums, Sold | None, bool]:
    """Sums by date, those of days without a date, and whether all purchases are known."""
    groups = group_rows([partial["date"].combine_chunks()])
    units, hi, lo = sum_measures(partial, groups)
    purchases, (dates,) = sum_purchases(partial, groups), groups.keys
    knows_purchases = not purchases.null_count
    is_dated = dates.is_valid().to_numpy(zero_copy_only=False)
    columns = [column.to_numpy() for column in (units, pc.fill_null(purchases, 0), hi, lo)]
    undated = [column[~is_dated] for column in columns]
    numbers = dates.filter(pa.array(is_dated)).cast(pa.int32()).to_numpy() + _EPOCH
    order = np.argsort(numbers)
    dated = (column[is_dated][order] for column in columns)
    sums = DailySums(numbers[order].astype(np.int64), *dated)
    of_undated = None if is_dated.all() else _sold(int(column[0]) for column in undated)
    return sums, of_undated, knows_purchases


def _spread(numbers: _Numbers, places: _Numbers, values: _Numbers) -> _Numbers:
    """The values at their places among sorted ``numbers``, and 0 at all others."""
    found = np.zeros(len(numbers), np.int64)
    found[np.searchsorted(numbers, places)] = values
    return found


def _sold(sums: Iterable[int]) -> Sold:
    """Of sums of the columns of ``DailySums``, and of the days that could be read."""
    units, purchases, hi, lo, days = (*sums, 0)[:5]
    return Sold(to_minor(hi, lo), units, purchases, days)


def _dates(first: date, end: date, *, skip: int = 0, more: int = 0) -> Iterator[date]:
    """From the first, or so many dates later, to before the end, or so many dates more."""
    days = range(first.toordinal() + skip, end.toordinal() + more)
    return map(date.fromordinal, days)
