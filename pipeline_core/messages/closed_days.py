"""The days on which a shop is closed: that there are none of them is no news."""

from __future__ import annotations

from datetime import date

from msgspec import Struct


class ClosedDays(Struct, frozen=True):
    """Dates of which no day of sales is expected."""

    weekdays: tuple[int, ...] = ()
    """Days of the week, from 0, which is Monday."""
    each_year: tuple[str, ...] = ()
    """Days of every year, as MM-DD."""
    ranges: tuple[tuple[date, date], ...] = ()
    """First and last date of others."""

    def has(self, day: date) -> bool:
        """Whether the shop is closed then."""
        return (
            day.weekday() in self.weekdays
            or day.isoformat()[5:] in self.each_year
            or any(first <= day <= last for first, last in self.ranges)
        )
