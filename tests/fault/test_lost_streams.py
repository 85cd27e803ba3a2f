"""A log that cannot be written ends no run, no worker and no beat, nor changes how they end."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.fleet import ARCHIVES, Fleet
from tests.support.lost_streams import LOST, How, lost
from tests.support.processes import eventually
from tests.support.starting import started

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


def begun(
    ships: Fleet,
    stderr: How,
    *arguments: str,
    module: str = "console.command",
    is_both: bool = False,
) -> subprocess.Popen[Any]:
    """A command of these whose stderr, or stdout as well, cannot be written."""
    with lost(stderr) as number:
        return started(
            module,
            *arguments,
            env=ships.env,
            cwd=ships.folder,
            stdout=number if is_both else subprocess.DEVNULL,
            stderr=number,
            start_new_session=True,
        )


@pytest.mark.parametrize("how", LOST)
def test_a_run_waits_for_its_workers(ships: Fleet, expected: dict[str, bytes], how: How) -> None:
    ships.env["SALES_WORKER_WAIT"] = "60"
    command = begun(ships, how, "run", "--full", is_both=how == "unread")
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(4)
    ships.worker()
    assert command.wait(60) == 0
    assert ships.csvs() == expected


@pytest.mark.parametrize("how", LOST)
def test_a_run_under_way_is_followed(ships: Fleet, how: How) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    first = begun(ships, how, "run", "--full")
    ships.reached(ARCHIVES[0])
    run_id = ships.ledger().run_id
    others = [begun(ships, how, "run", "--wait"), begun(ships, how, "resume", run_id)]
    stopped = begun(ships, how, "resume", run_id)
    for each in (first, *others, stopped):
        with pytest.raises(subprocess.TimeoutExpired):
            each.wait(1)
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(30) == 143
    ships.lift_fault(ARCHIVES[0])
    assert [each.wait(60) for each in (first, *others)] == [0, 0, 0]
    assert ships.run_ids() == [run_id]


@pytest.mark.parametrize("how", LOST)
def test_who_follows_is_stopped_with_its_own_code(ships: Fleet, how: How) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = begun(ships, how, "run", "--full")
    ships.reached(ARCHIVES[0])
    command.send_signal(signal.SIGTERM)
    assert command.wait(30) == 143
    ships.lift_fault(ARCHIVES[0])
    assert ships.until_ended() == "published"


@pytest.mark.parametrize("log_format", ["pretty", "json"])
@pytest.mark.parametrize("how", LOST)
def test_a_worker_works_and_stops_as_ever(
    ships: Fleet, expected: dict[str, bytes], how: How, log_format: str
) -> None:
    ships.env |= {"SALES_LOG_FORMAT": log_format, "SALES_WORKER_WAIT": "60"}
    arguments = ("-A", "workers", "worker", "--concurrency=2", "--without-mingle")
    worker = begun(ships, how, *arguments, module="celery", is_both=True)
    try:
        done = ships.run()
        assert done.returncode == 0, done.stderr
        assert ships.csvs() == expected
        worker.terminate()
        assert worker.wait(30) == 0
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize("how", LOST)
def test_beat_starts_what_is_due_and_stops_as_ever(ships: Fleet, how: How) -> None:
    beat = begun(ships, how, "-A", "workers", "beat", module="celery", is_both=True)
    try:
        with Redis.from_url(ships.redis.url) as client:
            eventually(lambda: client.keys() or beat.poll() is not None, "its first look")
        assert beat.poll() is None
        beat.terminate()
        assert beat.wait(30) == 0
    finally:
        beat.kill()
        beat.wait()


@pytest.mark.parametrize("how", LOST)
def test_a_setting_that_is_wrong_ends_a_worker_with_2(ships: Fleet, how: How) -> None:
    ships.env["SALES_TIMEZONE"] = "Mars"
    worker = begun(ships, how, "-A", "workers", "worker", module="celery", is_both=True)
    assert worker.wait(60) == 2
    other = begun(ships, how, "-A", "workers", "-b", "redis://x", "worker", module="celery")
    assert other.wait(60) == 2
