"""When the next run starts, as the live page says it: not where nobody would start it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from console.doctor.servers import check_schedule
from console.serving.outlook import outlook_of
from pipeline_core.ledger import slots
from pipeline_core.running.schedule import last_slot, name_of
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage

RUN = "20240301T000000000000Z-000000"


@pytest.mark.parametrize(
    ("age", "claimed", "is_told"),
    [
        (None, False, False),
        (timedelta(0), False, True),
        (timedelta(days=400), True, True),
        (timedelta(days=400), False, False),
    ],
    ids=["no beat", "just begun", "at work", "missed the last time"],
)
def test_the_next_run_is_told_where_beat_works(
    tmp_path: Path, age: timedelta | None, claimed: bool, is_told: bool
) -> None:
    now = datetime.now(UTC)
    half_a_year_on = now + timedelta(days=182)
    settings = load_settings(
        {
            "schedule": f"0 0 {half_a_year_on.day if half_a_year_on.day < 29 else 1} "
            f"{half_a_year_on.month} *",
            "timezone": "UTC",
        }
    )
    state = open_storage(str(tmp_path))
    if age is not None:
        slots.schedule_since(state, name_of(settings), (now - age).isoformat())
    if claimed:
        slots.claim(state, last_slot(settings.schedule, settings.timezone, now).name, RUN)
    assert (outlook_of(settings)(state).next_run_at is not None) == is_told


def test_a_beat_that_stopped_minutes_ago_is_missed_by_a_schedule_of_minutes(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    settings = load_settings(
        {"schedule": "*/2 * * * *", "timezone": "UTC", "state": str(tmp_path / "state")}
    )
    state = open_storage(settings.state)
    assert check_schedule(settings).state == "ok"
    slots.schedule_since(state, name_of(settings), (now - timedelta(hours=1)).isoformat())
    due = last_slot(settings.schedule, settings.timezone, now - timedelta(minutes=5))
    assert outlook_of(settings)(state) == (None, due.due)
    found = check_schedule(settings)
    assert found.state == "warned"
    assert f"A run was expected at {due.due:%Y-%m-%d %H:%M} UTC, and nothing started it." in (
        found.found
    )
    newest = last_slot(settings.schedule, settings.timezone, datetime.now(UTC))
    slots.claim(state, newest.name, RUN)  # beat is back
    assert outlook_of(settings)(state).missed_run_at is None
    assert check_schedule(settings).state == "ok"
