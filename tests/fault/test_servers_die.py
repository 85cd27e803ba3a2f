"""Redis and PostgreSQL that die, forget, or are not there yet."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from console.stack import PostgresServer
from console.stack.processes import free_port
from pipeline_core.ledger import lease
from tests.support import PROJECT
from tests.support.fleet import ARCHIVES, PATIENT, Fleet, kill_tree
from tests.support.processes import eventually, scrape

SLOW = "sleep 0.4"


def _slow(ships: Fleet) -> None:
    for name in ARCHIVES:
        ships.plan_fault(name, SLOW)


def _some_done(ships: Fleet, count: int) -> None:
    eventually(
        lambda: ships.run_ids() and len(ships.ledger().receipt_ids()) >= count, f"{count} archives"
    )


def test_redis_dies_three_times(ships: Fleet, expected: dict[str, bytes]) -> None:
    _slow(ships)
    ships.worker(concurrency=1)
    command = ships.run_in_background()
    for count in (1, 2, 4):
        _some_done(ships, count)
        ships.redis.kill()
        time.sleep(0.5)
        ships.redis.start()
    ships.worker(concurrency=1)  # a supervisor's, if the first one did not survive
    _, err = command.communicate(timeout=100)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()


def test_an_archive_that_ends_while_redis_is_away_counts_in_its_chord(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(PATIENT)
    ships.worker(concurrency=1)
    ships.plan_fault(ARCHIVES[2], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[2])
    ships.redis.kill()
    ships.lift_fault(ARCHIVES[2])
    eventually(lambda: "00002" in ships.ledger().receipt_ids(), "the archive's receipt")
    time.sleep(1)
    ships.redis.start()
    _, err = command.communicate(timeout=50)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert len(ships.ledger().dispatches()) == 1, "nothing had to be sent again"


@pytest.mark.long
def test_redis_and_the_workers_are_away_for_long(ships: Fleet, expected: dict[str, bytes]) -> None:
    """Longer than Celery's result backend tries in the command that follows."""
    _slow(ships)
    doomed = ships.worker(concurrency=1)
    command = ships.run_in_background()
    _some_done(ships, 2)
    ships.redis.kill()
    kill_tree(doomed)
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(25)
    ships.redis.start()
    ships.worker(concurrency=1)
    _, err = command.communicate(timeout=100)
    assert command.returncode == 0, err
    assert "cannot_recover" in err
    assert ships.csvs() == expected


def test_redis_forgets_everything(ships: Fleet, expected: dict[str, bytes]) -> None:
    _slow(ships)
    ships.worker(concurrency=1)
    command = ships.run_in_background()
    _some_done(ships, 2)
    ships.flush_redis()
    _, err = command.communicate(timeout=100)
    assert command.returncode == 0, err
    assert ships.csvs() == expected


def test_an_archive_that_is_delivered_twice_is_measured_once(ships: Fleet) -> None:
    port = free_port()
    ships.env.update(PATIENT)
    ships.plan_fault("messages", "twice")
    ships.worker(concurrency=1, SALES_METRICS_PORT=str(port))
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    done = re.compile(r"process_archive\[[^]]+\] succeeded")
    eventually(lambda: len(done.findall(ships.logs())) == 2 * len(ARCHIVES), "every delivery")
    assert scrape(port)['sales_archives_total{result="read"}'] == len(ARCHIVES)


def test_every_message_is_delivered_twice(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.plan_fault("messages", "twice")
    ships.worker()
    ships.send("workers.start_run", slot=ships.slot())
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()
    assert len(ships.run_ids()) == 1


def test_messages_that_come_after_the_end_change_not_one_byte(ships: Fleet) -> None:
    ships.worker(concurrency=1)
    ships.send("workers.start_run", slot=ships.slot())
    eventually(lambda: ships.run_ids() and ships.ledger().is_notified(), "the end")
    before = _bytes(ships)
    place, run_id = ships.env["SALES_STATE"], ships.run_ids()[0]
    ships.send("workers.start_run", slot=ships.slot())
    ships.send("workers.process_archive", state=place, run_id=run_id, archive="00000")
    ships.send("workers.publish_run", _archives="", state=place, run_id=run_id)
    ships.send("workers.fail_run", failed="nobody", state=place, run_id=run_id)
    eventually(lambda: ships.log_lines("work_failed"), "the last of them")
    eventually(lambda: ships.logs().count("workers.fail_run[") >= 2, "its end")
    assert _bytes(ships) == before


def _bytes(ships: Fleet) -> dict[str, bytes]:
    """Of all reports and all records."""
    places = (Path(ships.env[name]) for name in ("SALES_REPORTS", "SALES_STATE"))
    return {
        str(path): path.read_bytes()
        for place in places
        for path in place.rglob("*")
        if path.is_file()
    }


def test_postgres_comes_back_after_the_start(ships: Fleet) -> None:
    with PostgresServer(init_sql=[PROJECT / "sql" / "init.sql"]) as postgres:
        del ships.env["SALES_DIMENSIONS"]
        ships.env["SALES_DATABASE_URL"] = postgres.url
        ships.env["SALES_UNKNOWN"] = "bucket"  # the database is another shop's
        postgres.kill()
        ships.worker()
        ships.send("workers.start_run", slot=ships.slot())
        eventually(lambda: ships.log_lines("trying_again"), "a new try")
        postgres.start()
        assert ships.until_ended() in {"published", "refused"}
        assert not ships.ledger().outcome().reason  # type: ignore[union-attr]


def test_a_run_that_waits_for_postgres_keeps_its_turn(ships: Fleet) -> None:
    """For as long as it pauses between two tries, whatever a stalled run would be given."""
    del ships.env["SALES_DIMENSIONS"]
    ships.env["SALES_DATABASE_URL"] = "postgresql+psycopg2://nobody:sesame@127.0.0.1:9/none"
    ships.env.update(SALES_STALL_AFTER="1", SALES_LEASE="1", SALES_VISIBILITY_TIMEOUT="3000")
    ships.env.update(SALES_RETRY_BACKOFF="2000", SALES_RETRY_BACKOFF_MAX="2000")
    ships.worker()
    ships.send("workers.start_run", slot=ships.slot())
    (waits,) = eventually(lambda: ships.log_lines("trying_again"), "a new try")
    until = datetime.fromisoformat(waits["timestamp"]) + timedelta(seconds=waits["seconds"])

    def turn() -> lease.Lease:
        found = lease.newest(ships.ledger().state)
        assert found is not None
        return found

    eventually(lambda: turn().expires_at > until, "its turn beyond the pause")


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid"])
def test_postgres_stays_away(ships: Fleet, host: str) -> None:
    """Where containers name each other, one that is stopped has no name."""
    del ships.env["SALES_DIMENSIONS"]
    ships.env["SALES_DATABASE_URL"] = f"postgresql+psycopg2://nobody:sesame@{host}:9/none"
    ships.env["SALES_TASK_RETRIES"] = "2"
    ships.worker()
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    eventually(lambda: ships.ledger().outcome(), "the end")
    outcome = ships.ledger().outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert host in outcome.reason
    assert "sesame" not in ships.logs()
    assert len(ships.log_lines("trying_again")) == 2


def test_postgres_goes_away_while_archives_are_processed(ships: Fleet) -> None:
    with PostgresServer(init_sql=[PROJECT / "sql" / "init.sql"]) as postgres:
        del ships.env["SALES_DIMENSIONS"]
        ships.env["SALES_DATABASE_URL"] = postgres.url
        ships.env["SALES_UNKNOWN"] = "bucket"  # the database is another shop's
        ships.worker()
        ships.plan_fault(ARCHIVES[0], "pause")
        command = ships.run_in_background()
        ships.reached(ARCHIVES[0])
        postgres.kill()
        ships.lift_fault(ARCHIVES[0])
        _, err = command.communicate(timeout=60)
        assert command.returncode == 0, err
