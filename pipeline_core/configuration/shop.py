"""What settings say of the shop: the days on which it is closed, its currency and its name."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EACH_YEAR = re.compile(r"\d\d-\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_CODE = re.compile(r"[A-Za-z]{3}")
_LONGEST_CURRENCY, _LONGEST_NAME = 5, 100


class Closed(NamedTuple):
    """Days without a day of sales: ``weekdays`` from 0, which is Monday; ``each_year`` as MM-DD;
    ``ranges`` with their first and last date."""

    weekdays: tuple[int, ...]
    each_year: tuple[str, ...]
    ranges: tuple[tuple[date, date], ...]


def parse_closed_days(text: str) -> Closed:
    """Weekdays, dates, dates of each year (12-25) and ranges (2024-12-24..2025-01-02), with commas
    in between. Raises ValueError for what is none of them, and if no weekday is left."""
    weekdays, each_year, ranges = set[int](), set[str](), set[tuple[date, date]]()
    for entry in filter(None, (each.strip().lower() for each in text.split(","))):
        first, is_range, last = (each.strip() for each in entry.partition(".."))
        if entry in _WEEKDAYS or entry in (each[:3] for each in _WEEKDAYS):
            weekdays.add([each[:3] for each in _WEEKDAYS].index(entry[:3]))
        elif _EACH_YEAR.fullmatch(entry):
            _date(f"2000-{entry}", entry)
            each_year.add(entry)
        elif is_range:
            found = _date(first, entry), _date(last, entry)
            if found[1] < found[0]:
                raise ValueError(f"{entry} ends before it begins")
            ranges.add(found)
        else:
            ranges.add((_date(entry, entry), _date(entry, entry)))
    if len(weekdays) == len(_WEEKDAYS):
        raise ValueError("every weekday is in it; then no day would ever be missing")
    return Closed(tuple(sorted(weekdays)), tuple(sorted(each_year)), tuple(sorted(ranges)))


def parse_currency(text: str) -> str:
    """An ISO 4217 code, in capitals, or a sign; of nothing, nothing. Raises ValueError for blanks,
    and for what could be part of a number."""
    found = _stripped(text)
    if len(found) > _LONGEST_CURRENCY or not all(
        each.isprintable() and not each.isspace() and not each.isdigit() and each not in "+-,"
        for each in found
    ):
        raise ValueError(f"{text!r} is no currency; give a code, such as EUR, or a sign")
    return found.upper() if _CODE.fullmatch(found) else found


def parse_shop(text: str) -> str:
    """The shop's name; of nothing, nothing. Raises ValueError if it is blank, no line of text, or
    a long one."""
    found = _stripped(text)
    if len(found) > _LONGEST_NAME or not found.isprintable():
        raise ValueError(f"a name is one line of at most {_LONGEST_NAME} characters")
    return found


def _stripped(text: str) -> str:
    found = text.strip()
    if text and not found:
        raise ValueError(f"{text!r} has nothing but blanks; leave it empty to say nothing")
    return found


def _date(text: str, entry: str) -> date:
    try:
        if not _DATE.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{entry!r} is no weekday (sat), date (2024-12-25), date of each year (12-25) or range "
            "(2024-12-24..2025-01-02)"
        ) from None
