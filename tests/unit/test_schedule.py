"""Slots: which time on the schedule a moment belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline_core.errors import ConfigError
from workers.schedule import cron, last_slot

BERLIN = "Europe/Berlin"


def _name(expression: str, zone: str, moment: str) -> str:
    """The slot of a wall-clock or UTC moment, in ISO format."""
    now = datetime.fromisoformat(moment)
    now = now if now.tzinfo else now.replace(tzinfo=ZoneInfo(zone))
    slot = last_slot(expression, zone, now)
    assert slot is not None
    return slot.name


@pytest.mark.parametrize(
    ("expression", "moment", "slot"),
    [
        ("0 3 * * *", "2026-11-24T03:00:00", "20261124T0300"),
        ("0 3 * * *", "2026-11-24T02:59:00", "20261123T0300"),
        ("0 3 * * *", "2026-11-24T23:59:59", "20261124T0300"),
        ("*/15 * * * *", "2026-11-24T10:31:00", "20261124T1030"),
        ("0 6 * * 1", "2026-11-24T03:00:00", "20261123T0600"),
        ("0 6 1 * *", "2026-11-24T03:00:00", "20261101T0600"),
        ("0 0 29 2 *", "2026-11-24T03:00:00", "20240229T0000"),
        ("30 22 * * 0", "2026-11-24T03:00:00", "20261122T2230"),
    ],
)
def test_newest_time_that_has_come(expression: str, moment: str, slot: str) -> None:
    assert _name(expression, "UTC", moment) == slot


def test_a_clock_that_is_a_moment_slow_means_the_coming_slot() -> None:
    assert _name("0 3 * * *", "UTC", "2026-11-24T02:59:45") == "20261124T0300"


def test_due_is_in_the_zone_of_the_schedule() -> None:
    slot = last_slot("0 3 * * *", BERLIN, datetime(2026, 7, 1, 12, tzinfo=UTC))
    assert slot is not None
    assert slot.due == datetime(2026, 7, 1, 1, tzinfo=UTC)


def test_the_hour_that_comes_twice_is_one_slot() -> None:
    first = "2026-10-25T00:30:00+00:00"  # 02:30 summer time
    again = "2026-10-25T01:30:00+00:00"  # 02:30 winter time
    assert _name("30 2 * * *", BERLIN, first) == _name("30 2 * * *", BERLIN, again)


def test_the_hour_that_is_left_out_is_due_after_it() -> None:
    before = "2026-03-29T00:59:00+00:00"  # 01:59, then the clock says 03:00
    after = "2026-03-29T01:00:00+00:00"
    assert _name("30 2 * * *", BERLIN, before) == "20260328T0230"
    assert _name("30 2 * * *", BERLIN, after) == "20260329T0230"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_two_hours_after_it_are_two_hours_on_the_day_of_a_change_too(day: str) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    slot = last_slot("0 1 * * *", BERLIN, noon)
    assert slot is not None
    assert noon - (slot.due + timedelta(hours=2)) == (noon - slot.due) - timedelta(hours=2)


def test_every_day_of_a_year_has_one_slot_whatever_the_clock_does() -> None:
    moment = datetime(2026, 1, 1, 12, tzinfo=UTC)
    names = {
        _name("30 2 * * *", BERLIN, (moment + timedelta(days=day)).isoformat())
        for day in range(365)
    }
    assert len(names) == 365


def test_a_clock_set_back_meets_the_same_slot() -> None:
    assert _name("0 3 * * *", "UTC", "2026-11-24T09:00:00") == _name(
        "0 3 * * *", "UTC", "2026-11-24T03:00:05"
    )


def test_a_schedule_that_comes_too_rarely_to_wait_for() -> None:
    assert last_slot("0 3 29 2 1", "UTC", datetime(2026, 11, 24, tzinfo=UTC)) is None


def test_no_cron_expression() -> None:
    with pytest.raises(ConfigError, match="SALES_SCHEDULE"):
        cron("every night")
