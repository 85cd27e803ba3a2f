"""Slots: which time on the schedule a moment belongs to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipeline_core.running.schedule import last_slot, name_of, next_slot
from pipeline_core.settings import load_settings

BERLIN = "Europe/Berlin"


def _name(expression: str, zone: str, moment: str) -> str:
    """The slot of a wall-clock or UTC moment, in ISO format."""
    now = datetime.fromisoformat(moment)
    now = now if now.tzinfo else now.replace(tzinfo=ZoneInfo(zone))
    return last_slot(expression, zone, now).name


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


def test_a_leap_day_is_waited_for() -> None:
    assert _name("0 3 29 2 *", "UTC", "1904-02-28T00:00:00") == "18960229T0300"


@pytest.mark.parametrize("moment", ["2026-10-25T01:05:00+00:00", "2026-10-25T01:35:00+00:00"])
def test_what_was_due_in_the_first_of_two_hours_stays_so_in_the_second(moment: str) -> None:
    slot = last_slot("30 2 * * *", BERLIN, datetime.fromisoformat(moment))
    assert slot.name == "20261025T0230"
    assert slot.due == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_in_the_second_of_two_hours_nothing_is_due_before_its_time() -> None:
    assert _name("0 3 * * *", BERLIN, "2026-10-25T01:50:00+00:00") == "20261024T0300"


@pytest.mark.parametrize(
    ("zone", "wall", "change"),
    [
        (BERLIN, "2026-03-29T02:30", "2026-03-29T01:00"),
        (BERLIN, "2026-03-29T02:00", "2026-03-29T01:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30"),  # by half an hour
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),  # by a day
    ],
)
def test_what_a_change_leaves_out_is_due_at_the_change(zone: str, wall: str, change: str) -> None:
    time = datetime.fromisoformat(wall)
    now = datetime.fromisoformat(change).replace(tzinfo=UTC) + timedelta(minutes=2)
    slot = last_slot(f"{time.minute} {time.hour} {time.day} {time.month} *", zone, now)
    assert slot.name == f"{time:%Y%m%dT%H%M}"
    assert slot.due == now - timedelta(minutes=2)


@pytest.mark.parametrize(
    ("schedule", "name"),
    [("0 3 * * *", "0_3_______UTC"), ("30 2 * * mon-fri", "30_2_____mon_fri_UTC")],
)
def test_schedules_keep_their_names(schedule: str, name: str) -> None:
    """In the state of those who have them: with another name, nothing before it was missed."""
    assert name_of(load_settings({"schedule": schedule})) == name


@pytest.mark.parametrize(
    ("expression", "zone", "moment", "slot", "due"),
    [
        ("0 3 * * *", "UTC", "2026-11-24T02:59:00", "20261124T0300", "2026-11-24T03:00"),
        ("0 3 * * *", "UTC", "2026-11-24T03:00:00", "20261125T0300", "2026-11-25T03:00"),
        ("30 22 * * 0", "UTC", "2026-11-24T03:00:00", "20261129T2230", "2026-11-29T22:30"),
        ("0 0 29 2 *", "UTC", "2026-11-24T03:00:00", "20280229T0000", "2028-02-29T00:00"),
        ("0 3 * * *", BERLIN, "2026-11-24T23:00:00+00:00", "20261125T0300", "2026-11-25T02:00"),
        # This night there is no half past two, and it is due at the change.
        ("30 2 * * *", BERLIN, "2026-03-29T00:30:00+00:00", "20260329T0230", "2026-03-29T01:00"),
        # This night there are two: the first is past, and the second starts nothing.
        ("30 2 * * *", BERLIN, "2026-10-25T00:45:00+00:00", "20261026T0230", "2026-10-26T01:30"),
    ],
)
def test_first_time_that_is_to_come(
    expression: str, zone: str, moment: str, slot: str, due: str
) -> None:
    now = datetime.fromisoformat(moment)
    found = next_slot(expression, zone, now if now.tzinfo else now.replace(tzinfo=UTC))
    assert (found.name, f"{found.due:%Y-%m-%dT%H:%M}") == (slot, due)
