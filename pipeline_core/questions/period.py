"""Months and years, and what comes before them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Literal

# What a period is compared with: the one before it, or the same one a year before.
ComparedWith = Literal["previous", "last-year"]

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)
_MONTHS = 12


@dataclass(frozen=True)
class Period:
    """A month of a year, or, without one, the whole year."""

    year: int
    month: int | None = None

    @classmethod
    def parse_month(cls, text: str) -> Period:
        """``2011-03``. Raises ValueError for anything else."""
        found = _MONTH.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no month such as 2011-03")
        year, month = int(found[1]), int(found[2])
        if not (year and 1 <= month <= _MONTHS):
            raise ValueError(f"{text!r} is no month: months are 01 to 12, years 0001 to 9999")
        return cls(year, month)

    @classmethod
    def parse_year(cls, text: str) -> Period:
        """``2011``. Raises ValueError for anything else."""
        if not _YEAR.fullmatch(text) or not int(text):
            raise ValueError(f"{text!r} is no year such as 2011")
        return cls(int(text))

    def __str__(self) -> str:
        """As it is parsed."""
        return f"{self.year:04}" if self.month is None else f"{self.year:04}-{self.month:02}"

    @property
    def first(self) -> date:
        """Its first date."""
        return date(self.year, self.month or 1, 1)

    @property
    def last(self) -> date:
        """Its last date."""
        month = self.month or _MONTHS
        return date(self.year, month, monthrange(self.year, month)[1])

    def date_like(self, day: date, of: Period) -> date:
        """The date of this period that another's is beside: of the same number in its month. The
        last is beside the last; what there is not here, like 29 February, beside the one before."""
        if day == of.last:
            return self.last
        month = self.month or day.month
        return date(self.year, month, min(day.day, monthrange(self.year, month)[1]))

    def before(self, which: ComparedWith) -> Period:
        """The one that it is compared with. Raises ValueError if there is none: no date is before
        the year 1."""
        if which == "previous" and self.month is not None and self.month > 1:
            return Period(self.year, self.month - 1)
        if self.year == 1:
            raise ValueError(f"nothing is before {self}")
        if which == "previous" and self.month == 1:
            return Period(self.year - 1, _MONTHS)
        return Period(self.year - 1, self.month)
