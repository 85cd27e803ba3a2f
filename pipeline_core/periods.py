"""Months, weeks and days: their dates, names and keys, and what each is compared with."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Step = Literal["month", "week", "day"]

# The newest of each.
MOST: dict[Step, int] = {"month": 120, "week": 160, "day": 1100}
_WEEK, _YEAR_OF_WEEKS = timedelta(days=7), timedelta(days=364)  # weekdays stay what they are
_MONDAY = 3  # days after that of 1970-01-01, a Thursday, to the end of its week


class PeriodDates(NamedTuple):
    """A month, a week from Monday to Sunday, or a day, with its first and last date."""

    step: Step
    first: date
    last: date

    @property
    def key(self) -> str:
        """How addresses name it."""
        if self.step == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02}"
        return self.first.isoformat()[: 7 if self.step == "month" else 10]

    @property
    def name(self) -> str:
        """How people name it."""
        is_month = self.step == "month" and self == period_of("month", self.first)
        return f"{self.first:%B %Y}" if is_month else name_of(self.first, self.last)

    def before(self) -> PeriodDates | None:
        """The month or week before, of a day that a week before; None in the year 1."""
        return self._moved(_WEEK, months=1)

    def year_before(self) -> PeriodDates | None:
        """The same month a year before, of a week or a day that 52 weeks before."""
        return self._moved(_YEAR_OF_WEEKS, months=12)

    def others(self, first: date, until: date) -> Iterator[PeriodDates | None]:
        """The one before and that of a year before, each cut to as many days as this one has up to
        ``until``; None for what begins before ``first``, as this one may."""
        for other in (self.before(), self.year_before()):
            if other is None or min(self.first, other.first) < first:
                yield None
            elif until < self.last:
                last = min(other.last, other.first + (until - self.first))
                yield other._replace(last=last)
            else:
                yield other

    def _moved(self, days: timedelta, months: int) -> PeriodDates | None:
        try:
            if self.step == "month":
                month = self.first.year * 12 + self.first.month - 1 - months
                return period_of("month", date(month // 12, month % 12 + 1, 1))
            return PeriodDates(self.step, self.first - days, self.last - days)
        except (OverflowError, ValueError):
            return None


def period_of(step: Step, day: date) -> PeriodDates:
    """The period that a date is in. Dates of the first week, and the last, are cut."""
    if step == "month":
        return PeriodDates(
            step, day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])
        )
    if step == "week":
        monday = max(1, day.toordinal() - day.weekday())
        sunday = min(date.max.toordinal(), day.toordinal() + 6 - day.weekday())
        return PeriodDates(step, date.fromordinal(monday), date.fromordinal(sunday))
    return PeriodDates(step, day, day)


def newest(step: Step, first: date, last: date) -> list[PeriodDates]:
    """The newest periods from one date to another, oldest to newest, as many as are shown."""
    found = [period_of(step, last)]
    while found[-1].first > first and len(found) < MOST[step]:
        found.append(period_of(step, found[-1].first - timedelta(days=1)))
    return found[::-1]


def numbers_of(step: Step, dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """A number for the period of each date (days), one more for the one after it."""
    if step == "month":
        return dates.astype("datetime64[M]").astype(np.int64)
    days = dates.astype(np.int64)
    return (days + _MONDAY) // 7 if step == "week" else days


def name_of(first: date, last: date) -> str:
    """1 March 2024; 4 to 10 March 2024; 26 February to 3 March 2024."""
    end = f"{last.day} {last:%B} {last.year}"
    if first == last:
        return end
    if first.year != last.year:
        return f"{first.day} {first:%B} {first.year} to {end}"
    return f"{first.day}{'' if first.month == last.month else f' {first:%B}'} to {end}"
