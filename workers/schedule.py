"""The daily schedule as slots: names for the times at which a run is due.

A slot is named by the wall clock of the schedule's zone. The hour that a clock change repeats
has the same names twice, so it starts nothing twice; a time that a change leaves out is due
when the clock has passed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

from pipeline_core.errors import ConfigError
from pipeline_core.settings import Settings

# Beat may send a moment early by another machine's clock.
_EARLY = timedelta(seconds=30)
# A leap day on a given weekday comes back within 40 years; nobody waits for that.
_LOOK_BACK_DAYS = 8 * 366


@dataclass(frozen=True)
class Slot:
    """A time on the schedule. ``due`` is in UTC: adding hours to a time of a zone adds hours of
    its wall clock, one too many or too few on the day of a change."""

    name: str
    due: datetime


def cron(expression: str) -> crontab:
    """Celery's schedule from five cron fields.

    Raises:
        ConfigError: it is not a cron expression.
    """
    try:
        return crontab.from_string(expression)
    except (ParseException, ValueError) as error:
        raise ConfigError(
            f"SALES_SCHEDULE: {expression!r} is not a cron expression: {error}.",
            "Write five fields, such as 0 3 * * * for three o'clock every night.",
        ) from error


def last_slot(expression: str, zone: str, now: datetime) -> Slot | None:
    """The newest time on the schedule that is not after ``now`` (aware); None if the schedule
    has none, such as 31 February."""
    wall = (now.astimezone(ZoneInfo(zone)) + _EARLY).replace(tzinfo=None)
    for due in _times_back(cron(expression), wall):
        return Slot(f"{due:%Y%m%dT%H%M}", due.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))
    return None


def slot_of_now(expression: str, zone: str) -> str | None:
    """The name of the slot that a message sent now is for; ``beat`` calls it as it sends."""
    slot = last_slot(expression, zone, datetime.now(UTC))
    return slot.name if slot else None


def name_of(settings: Settings) -> str:
    """Names the schedule itself: with another one, times before are none that were missed."""
    letters = (
        each if each.isalnum() else "_" for each in f"{settings.schedule}-{settings.timezone}"
    )
    return "".join(letters)


def _times_back(schedule: crontab, wall: datetime) -> Iterator[datetime]:
    """Times not after ``wall``, newest first. All day fields must match, as in Celery."""
    for days in range(_LOOK_BACK_DAYS):
        day = wall.date() - timedelta(days=days)
        if (
            day.month not in schedule.month_of_year
            or day.day not in schedule.day_of_month
            or day.isoweekday() % 7 not in schedule.day_of_week
        ):
            continue
        for hour in sorted(schedule.hour, reverse=True):
            for minute in sorted(schedule.minute, reverse=True):
                due = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001
                if due <= wall:
                    yield due
