"""The expression of a schedule: five fields of cron, of which cron and Celery make the same days.

Fields and names are those of crontab(5). Celery differs from it in one thing: a day has to be in
all of its fields, where cron takes a day of the month *or* a day of the week if both are given.
Such an expression is refused.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pipeline_core.plural import counted

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EXAMPLE = "write five fields, such as 0 3 * * * for three o'clock every night"
_WEEK = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_YEAR = tuple(calendar.month_name[1:])
# In a leap year.
_DAYS = dict(enumerate((31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), start=1))
_RANGE = re.compile(
    r"(?:(?P<all>\*)|(?P<low>[0-9a-z]+)(?:-(?P<high>[0-9a-z]+))?)(?:/(?P<step>[0-9]+))?"
)


@dataclass(frozen=True)
class Cron:
    """The times of a schedule, by the wall clock: a minute of an hour of a day that is in all
    three of its fields."""

    minute: frozenset[int]
    """0 to 59."""
    hour: frozenset[int]
    """0 to 23."""
    day_of_month: frozenset[int]
    """1 to 31."""
    month: frozenset[int]
    """1 to 12."""
    day_of_week: frozenset[int]
    """0, Sunday, to 6."""


@dataclass(frozen=True)
class _CronField:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def last(self) -> int:
        """The largest number that may be written."""
        return self.high

    def values(self, text: str) -> frozenset[int]:
        """Raises ValueError if the text is none of this field."""
        return frozenset(value for item in text.split(",") for value in self._range(item))

    def _range(self, item: str) -> Iterable[int]:
        found = _RANGE.fullmatch(item)
        if found is None:
            raise ValueError(f"{item!r} is no {self.name}")
        if found["step"] and not (found["all"] or found["high"]):
            raise ValueError(
                f"{item!r} has no range; write {found['low']}-{self.high}/{found['step']}"
            )
        step = int(found["step"] or 1)
        if step == 0:
            raise ValueError(f"{item!r} has a step of 0")
        if found["all"]:
            return range(self.low, self.high + 1, step)
        low = self._number(found["low"])
        return self._run(low, self._number(found["high"]) if found["high"] else low)[::step]

    def _run(self, low: int, high: int) -> list[int]:
        """From low to high, over the end of the field if high is lower."""
        if low <= high:
            return list(range(low, high + 1))
        return [*range(low, self.high + 1), *range(self.low, high + 1)]

    def _number(self, text: str) -> int:
        for number, name in enumerate(self.names, start=self.low):
            if text in {name.lower(), name[:3].lower()}:
                return number
        if not text.isdecimal() or not self.low <= int(text) <= self.last:
            raise ValueError(f"{text!r} is no {self.name} ({self.low} to {self.last})")
        return int(text)


class _DayOfWeek(_CronField):
    """Sunday is 0 or 7."""

    @property
    def last(self) -> int:
        return self.high + 1

    def _run(self, low: int, high: int) -> list[int]:
        days = list(range(low, high + 1 if low <= high else high + 8))
        return [day % 7 for day in days]


_FIELDS = (
    _CronField("minute", 0, 59),
    _CronField("hour", 0, 23),
    _CronField("day of the month", 1, 31),
    _CronField("month", 1, 12, _YEAR),
    _DayOfWeek("day of the week", 0, 6, _WEEK),
)


def parse_cron(expression: str) -> Cron:
    """The times of five fields, or of a nickname such as @daily; blanks and case don't matter.

    Raises:
        ValueError: it is none, it names no day that exists, or a day of the month and one of the
            week, of which cron and Celery make different days.
    """
    lowered = expression.strip().lower()
    if lowered.startswith("@") and lowered not in _NICKNAMES:
        known = ", ".join(_NICKNAMES)
        raise ValueError(f"{expression!r} is no time; there are {known}")
    texts = _NICKNAMES.get(lowered, lowered).split()
    if len(texts) != len(_FIELDS):
        raise ValueError(f"{expression!r} has {counted(len(texts), 'field')}; {_EXAMPLE}")
    try:
        times = Cron(*(field.values(text) for field, text in zip(_FIELDS, texts, strict=True)))
    except ValueError as error:
        raise ValueError(f"{expression!r} is not a cron expression: {error}; {_EXAMPLE}") from None
    _check_days(texts, times)
    return times


def _check_days(texts: list[str], times: Cron) -> None:
    if min(times.day_of_month) > max(_DAYS[month] for month in times.month):
        raise ValueError(f"{' '.join(texts)!r} never comes: no such month has such a day")
    minute, hour, day_of_month, month, day_of_week = texts
    # To both a * is no condition. What lists all days instead, such as 1-31, is one to cron, by
    # which every day would do.
    if {"*", "*/1"} & {day_of_month, day_of_week} or (
        len(times.day_of_month) == max(_DAYS.values()) and len(times.day_of_week) == len(_WEEK)
    ):
        return
    days, weekdays = _ordinals(times.day_of_month), _either(_WEEK[d] for d in _week(times))
    # Vixie's cron, and cronie, want both if a field begins with *, such as */2; busybox does not.
    differ = day_of_month.startswith("*") or day_of_week.startswith("*")
    who, others = ("crons differ: some", "others, and Celery,") if differ else ("cron", "Celery")
    raise ValueError(
        f"{' '.join(texts)!r} names days of the month and of the week: {who} would start on the "
        f"{days} or on any {weekdays}, {others} on the {days} if it is a {weekdays}; "
        f"write {minute} {hour} {day_of_month} {month} * or {minute} {hour} * {month} {day_of_week}"
    )


def _week(times: Cron) -> list[int]:
    return sorted(times.day_of_week, key=lambda day: (day - 1) % 7)


def _ordinals(days: Iterable[int]) -> str:
    """Such as 1st, 3rd to 5th or 9th."""
    numbers = sorted(days)
    starts = [numbers[0], *(late for early, late in pairwise(numbers) if late > early + 1)]
    ends = [*(early for early, late in pairwise(numbers) if late > early + 1), numbers[-1]]
    runs = zip(starts, ends, strict=True)
    return _either(_ordinal(a) if a == b else f"{_ordinal(a)} to {_ordinal(b)}" for a, b in runs)


def _ordinal(day: int) -> str:
    teen = day in {11, 12, 13}
    return f"{day}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _either(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
