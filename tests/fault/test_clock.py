"""Beat on a clock that changes: what is sent each minute must not pause for an hour."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from console.stack import RedisServer
from tests.support import PROJECT

# Half an hour before the change, and three hours, in Berlin.
SPRING = ("2026-03-29T00:30:00+00:00", 10_800)
AUTUMN = ("2026-10-25T00:10:00+00:00", 10_800)


class Beat:
    """Beat's own folder, over several of its lives."""

    def __init__(self, redis: RedisServer, folder: Path) -> None:
        self._folder = folder
        self._env = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "SALES_BROKER_URL": redis.url,
            "SALES_STATE": str(folder / "state"),
            "SALES_BEAT_SCHEDULE_FILE": str(folder / "beat"),
            "SALES_SCHEDULE": "30 2 * * *",
            "SALES_TIMEZONE": "Europe/Berlin",
        }

    def live(self, start: str, seconds: float, *set_back_after: float) -> list[dict[str, Any]]:
        """What beat sent: see ``tests.support.clock``."""
        words = [start, str(seconds), *map(str, set_back_after)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.support.clock", *words],
            env=self._env,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        sent: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
        return sent


@pytest.fixture
def beat(redis: RedisServer, tmp_path: Path) -> Beat:
    return Beat(redis, tmp_path)


def _looks(sent: list[dict[str, Any]]) -> list[float]:
    """When, in seconds that have passed, the reconciler was asked to look."""
    return [each["passed"] for each in sent if each["task"] == "workers.reconcile"]


def _longest_pause(sent: list[dict[str, Any]], seconds: float) -> float:
    return max(late - early for early, late in pairwise([0, *_looks(sent), seconds]))


def _started(sent: list[dict[str, Any]], slot: str) -> datetime:
    """When the slot's run was first asked for."""
    times = [each["at"] for each in sent if each.get("slot") == slot]
    return datetime.fromisoformat(min(times))


@pytest.mark.parametrize(
    ("change", "slot", "due"),
    [
        # The clock goes from 02:00 to 03:00, and from 03:00 to 02:00.
        (SPRING, "20260329T0230", "2026-03-29T01:00:00+00:00"),
        (AUTUMN, "20261025T0230", "2026-10-25T00:30:00+00:00"),
    ],
    ids=["spring", "autumn"],
)
def test_while_the_clock_changes_the_reconciler_looks_and_the_daily_run_starts(
    beat: Beat, change: tuple[str, int], slot: str, due: str
) -> None:
    sent = beat.live(*change)
    assert _longest_pause(sent, change[1]) <= 120
    late = _started(sent, slot) - datetime.fromisoformat(due)
    assert timedelta(0) <= late <= timedelta(minutes=3)


def test_a_clock_that_is_set_back_stops_nothing(beat: Beat) -> None:
    sent = beat.live("2026-11-24T09:00:00+00:00", 6000, 1830)
    assert _longest_pause(sent, 6000) <= 120


def test_beat_looks_as_soon_as_it_lives_whatever_it_remembers(beat: Beat) -> None:
    """It may be restarted more often than it looks, and on a clock that was an hour ahead."""
    for start in ("2026-11-24T09:00:00+00:00", "2026-11-24T08:00:00+00:00"):
        assert _looks(beat.live(start, 70))[0] < 5
