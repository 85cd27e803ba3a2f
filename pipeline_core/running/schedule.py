"""The daily schedule as slots: names for the times at which a run is due.

A slot is named by the wall clock of the schedule's zone. The hour that a clock change repeats
has the same names twice, so it starts nothing twice; a time that a change leaves out is due
at the change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline_core.configuration.cron import Cron, parse_cron
from pipeline_core.settings import Settings

# Beat may send a moment early by another machine's clock.
_EARLY = timedelta(seconds=30)
# Whoever asked may have another clock; leases bear as much.
_CLOCKS_APART = timedelta(seconds=60)
# Messages wait for a free worker.
_IN_QUEUES = timedelta(seconds=60)
_NAMED = "%Y%m%dT%H%M"
_NAME = re.compile(r"[0-9]{8}T[0-9]{4}")
# 29 February comes back within 8 years, 1904 after 1896; looked at in both directions.
_MOST_DAYS = 8 * 366
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Slot:
    """A time on the schedule. ``due`` is in UTC: adding hours to a time of a zone adds hours of
    its wall clock, one too many or too few on the day of a change."""

    name: str
    due: datetime


def last_slot(expression: str, zone: str, now: datetime) -> Slot:
    """The newest time on the schedule that is not after ``now`` (aware).

    Raises:
        ValueError: no cron expression.
    """
    place, latest = ZoneInfo(zone), now.astimezone(UTC) + _EARLY
    shown = latest.astimezone(place)
    # In the hour that comes twice, all of it was there once.
    repeated = shown.replace(fold=0).astimezone(UTC) - shown.astimezone(UTC)
    times = _times_back(parse_cron(expression), shown.replace(tzinfo=None) - repeated)
    slots = (Slot(f"{wall:{_NAMED}}", _first_shown(wall, place)) for wall in times)
    return next(slot for slot in slots if slot.due <= latest)


def next_slot(expression: str, zone: str, now: datetime) -> Slot:
    """The first time on the schedule after ``now`` (aware).

    Raises:
        ValueError: no cron expression.
    """
    place, times = ZoneInfo(zone), parse_cron(expression)
    today = now.astimezone(place).date()
    # From the day before: where a clock change leaves a time out, it is due later than it says.
    days = (today + timedelta(days=each) for each in range(-1, _MOST_DAYS))
    walls = (
        datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
        for day in days
        if _is_day(times, day)
        for hour in sorted(times.hour)
        for minute in sorted(times.minute)
    )
    slots = (Slot(f"{wall:{_NAMED}}", _first_shown(wall, place)) for wall in walls)
    return next(slot for slot in slots if slot.due > now)


def slot_called(name: str, expression: str, zone: str) -> Slot | None:
    """The time on the schedule that has this name, past or to come; None if none has.

    Raises:
        ValueError: no cron expression.
    """
    times = parse_cron(expression)
    if _NAME.fullmatch(name) is None:
        return None
    try:
        wall = datetime.strptime(name, _NAMED)  # noqa: DTZ007
        if (
            not _is_day(times, wall)
            or wall.hour not in times.hour
            or wall.minute not in times.minute
        ):
            return None
        return Slot(name, _first_shown(wall, ZoneInfo(zone)))
    except (ValueError, OverflowError):  # no such day, or none that a zone could move
        return None


def is_due(slot: Slot, catch_up: timedelta) -> bool:
    """Whether its run may start: it is its time, or was not too long ago."""
    return -_CLOCKS_APART <= datetime.now(UTC) - slot.due < catch_up + _IN_QUEUES


def slot_of_now(expression: str, zone: str) -> str:
    """The name of the slot that a message sent now is for; ``beat`` calls it as it sends."""
    return last_slot(expression, zone, datetime.now(UTC)).name


def name_of(settings: Settings) -> str:
    """Names the schedule itself: with another one, times before are none that were missed."""
    letters = (
        each if each.isalnum() else "_" for each in f"{settings.schedule}-{settings.timezone}"
    )
    return "".join(letters)


def _times_back(schedule: Cron, wall: datetime) -> Iterator[datetime]:
    """Times of the wall clock that are not after ``wall``, newest first."""
    for days in range(_MOST_DAYS):
        day = wall.date() - timedelta(days=days)
        if not _is_day(schedule, day):
            continue
        for hour in sorted(schedule.hour, reverse=True):
            for minute in sorted(schedule.minute, reverse=True):
                due = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
                if due <= wall:
                    yield due


def _is_day(schedule: Cron, day: date) -> bool:
    return (
        day.month in schedule.month
        and day.day in schedule.day_of_month
        and day.isoweekday() % 7 in schedule.day_of_week
    )


def _first_shown(wall: datetime, zone: ZoneInfo) -> datetime:
    """When (UTC) the clock shows this for the first time; at the change, if that leaves it out."""
    shown = wall.replace(tzinfo=zone).astimezone(UTC)
    if _on_the_wall(shown, zone) == wall:
        return shown
    # By the offset after the change it would have been before it.
    moment = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while _on_the_wall(moment, zone) < wall:
        moment += _MINUTE
    return moment


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)
