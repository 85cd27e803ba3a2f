"""Processes that die: children, whole workers, coordinators, publishers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest

from pipeline_core.messages import Work
from tests.support.fleet import ARCHIVES, PATIENT, Fleet, kill_tree
from tests.support.processes import eventually

VICTIM = ARCHIVES[2]


def test_worker_child_dies_in_the_middle_of_an_archive(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(PATIENT)
    ships.worker()
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    child = ships.reached(VICTIM)
    os.kill(child, signal.SIGKILL)
    ships.lift_fault(VICTIM)
    out, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert json.loads(out)["status"] == "complete"
    assert ships.csvs() == expected
    assert len(ships.ledger().attempts("00002")) == 2


def test_whole_worker_dies_and_another_takes_over(ships: Fleet, expected: dict[str, bytes]) -> None:
    """Long before the broker would have delivered it again."""
    ships.env["SALES_VISIBILITY_TIMEOUT"] = "3600"
    doomed = ships.worker()
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    ships.reached(VICTIM)
    kill_tree(doomed)
    ships.lift_fault(VICTIM)
    ships.worker()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected


@pytest.mark.parametrize("who", [pytest.param("child", marks=pytest.mark.long), "worker"])
def test_celery_brings_back_the_work_of_the_dead_with_nobody_there_to_recover_it(
    ships: Fleet, expected: dict[str, bytes], who: str
) -> None:
    ships.env.update(
        SALES_TASK_SOFT_TIME_LIMIT="5", SALES_TASK_TIME_LIMIT="6", SALES_VISIBILITY_TIMEOUT="8"
    )
    doomed = ships.worker()
    ships.plan_fault(VICTIM, "pause")
    ships.send("workers.start_run", slot=ships.slot())
    child = ships.reached(VICTIM)
    if who == "child":
        os.kill(child, signal.SIGKILL)
    else:
        kill_tree(doomed)
        ships.worker()
    ships.lift_fault(VICTIM)
    outcome = eventually(ships.ledger().outcome, "the end of the run")
    assert outcome.state == "published"
    assert ships.csvs() == expected
    assert len(ships.ledger().dispatches()) == 1, "it was delivered again, not sent again"


def test_finished_archives_are_not_done_again(ships: Fleet, expected: dict[str, bytes]) -> None:
    doomed = ships.worker()
    last = ARCHIVES[-1]
    ships.plan_fault(last, "pause")
    command = ships.run_in_background()
    ships.reached(last)
    ledger = ships.ledger()
    eventually(lambda: len(ledger.receipt_ids()) == len(ARCHIVES) - 1, "all others")
    finished = ledger.receipt_ids()

    def records() -> dict[str, object]:
        key = f"runs/{ledger.run_id}/receipts/{{}}.result"
        return {
            work: (ledger.state.stat(key.format(work)).version, ledger.attempts(work))
            for work in finished
        }

    before = records()
    kill_tree(doomed)
    ships.lift_fault(last)
    ships.worker()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert records() == before
    assert ships.csvs() == expected


@pytest.mark.parametrize(
    "position",
    [pytest.param(1, marks=pytest.mark.long), 4, pytest.param(8, marks=pytest.mark.long)],
)
def test_coordinator_dies_while_it_sends_the_archives(
    ships: Fleet, expected: dict[str, bytes], position: int
) -> None:
    ships.worker()
    ships.plan_fault("messages", f"kill at {position}")
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    assert ships.csvs() == expected
    assert len(ships.run_ids()) == 1
    assert len(ships.ledger().dispatches()) >= 2


def test_command_dies_while_it_sends_the_archives(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    kill_tree(command)
    ships.lift_fault(ARCHIVES[0])
    assert ships.until_ended() == "published"
    assert ships.csvs() == expected


def test_publisher_dies_and_the_run_is_published_once(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(PATIENT)
    ships.worker()
    ships.plan_fault("publication", "kill once")
    done = ships.run()
    assert done.returncode == 0, done.stderr
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()
    assert len(ships.ledger().attempts("publish")) == 2


@pytest.mark.long
def test_a_publication_that_kills_every_publisher_ends_the_run(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.worker()
    assert ships.run().returncode == 0
    ships.plan_fault("publication", "kill")
    done = ships.run()
    assert done.returncode == 1
    assert "3 attempts to publish the reports failed" in done.stderr
    assert len(ships.ledger().attempts("publish")) == 3
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()[:1]


def test_rolling_restart_of_all_workers(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.env.update(REMAP_SIGTERM="SIGQUIT", SALES_SHUTDOWN_WAIT="3")
    first, second = ships.worker(concurrency=1), ships.worker(concurrency=1)
    for name in ARCHIVES:
        ships.plan_fault(name, "sleep 0.7")
    command = ships.run_in_background()
    eventually(lambda: ships.run_ids() and ships.ledger().receipt_ids(), "the first archive")
    for old in (first, second):
        old.terminate()
        ships.worker(concurrency=1)
    _, err = command.communicate(timeout=100)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert all(not each.culpable for n in range(8) for each in ships.ledger().attempts(f"{n:05d}"))
    for old in (first, second):
        assert old.wait(30) == 0


def test_a_stopping_worker_hands_back_what_it_cannot_finish(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(REMAP_SIGTERM="SIGQUIT", SALES_SHUTDOWN_WAIT="2")
    old = ships.worker()
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    ships.reached(VICTIM)
    old.terminate()
    assert old.wait(60) == 0
    (attempt,) = ships.ledger().attempts("00002")
    assert attempt.state == "handed_back", "it does not count against the archive"
    ships.lift_fault(VICTIM)
    ships.worker()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected


@pytest.mark.long
def test_a_stopping_worker_finishes_what_fits_into_its_grace(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(REMAP_SIGTERM="SIGQUIT", SALES_SHUTDOWN_WAIT="10")
    old = ships.worker()
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    ships.reached(VICTIM)
    old.terminate()
    eventually(lambda: ships.ledger().attempts("00002")[0].state == "handed_back", "the mark")
    ships.lift_fault(VICTIM)
    assert old.wait(60) == 0
    assert ships.ledger().receipt(Work("00002")) is not None
    assert len(ships.ledger().attempts("00002")) == 1
    ships.worker()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected


@pytest.mark.long
def test_a_worker_that_is_killed_after_its_grace_leaves_no_mark(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(REMAP_SIGTERM="SIGQUIT", SALES_SHUTDOWN_WAIT="5")
    old = ships.worker()
    ships.plan_fault(VICTIM, "stuck 60 once")
    command = ships.run_in_background()
    eventually(lambda: ships.run_ids() and ships.ledger().attempts("00002"), "the attempt")
    old.terminate()
    eventually(lambda: ships.ledger().attempts("00002")[0].state == "handed_back", "the mark")
    kill_tree(old)
    ships.worker()
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected


def test_poison_archive_is_quarantined_with_its_place(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.worker()
    assert ships.run().returncode == 0
    ships.plan_fault(VICTIM, "kill")
    done = ships.run("--full")
    assert done.returncode == 1, done.stderr
    assert VICTIM in done.stderr
    assert "quarantined after 3 attempts" in done.stderr
    assert ships.csvs() == expected, "the earlier report stands"
    receipt = ships.ledger().receipt(Work("00002"))
    assert receipt is not None
    assert receipt.quarantined
    assert len(ships.ledger().attempts("00002")) == 3

    ships.lift_fault(VICTIM)
    resumed = ships.run_in_background("resume", ships.run_ids()[-1], "--json")
    out, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    assert json.loads(out)["status"] == "complete"
    assert ships.csvs() == expected


@pytest.mark.parametrize("how_often", ["once", "always"])
def test_memory_error_ends_no_worker(
    ships: Fleet, expected: dict[str, bytes], how_often: str
) -> None:
    worker = ships.worker()
    ships.plan_fault(VICTIM, "memory once" if how_often == "once" else "memory")
    done = ships.run()
    if how_often == "once":
        assert done.returncode == 0, done.stderr
        assert ships.csvs() == expected
    else:
        assert done.returncode == 1
        assert "not enough memory" in done.stderr
        assert VICTIM in done.stderr
    assert worker.poll() is None
    ships.lift_fault(VICTIM)
    assert ships.run().returncode == 0, "the worker works on"


def test_an_archive_whose_task_failed_for_good_is_sent_again_by_the_errback(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    """With nobody there to recover the run."""
    ships.env["SALES_TASK_RETRIES"] = "0"
    ships.worker()
    ships.plan_fault(VICTIM, "memory once")
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    outcome = eventually(ships.ledger().outcome, "the end of the run")
    assert outcome.state == "published"
    assert ships.csvs() == expected
    _, again = ships.ledger().dispatches()
    assert again.work == (Work("00002"),)
    assert "not enough memory" in again.why


@pytest.mark.parametrize(
    "action", ["sleep 60 once", pytest.param("stuck 60 once", marks=pytest.mark.long)]
)
def test_time_limits(ships: Fleet, expected: dict[str, bytes], action: str) -> None:
    ships.env.update(SALES_TASK_SOFT_TIME_LIMIT="2", SALES_TASK_TIME_LIMIT="4")
    ships.worker()
    ships.plan_fault(VICTIM, action)
    done = ships.run()
    assert done.returncode == 0, done.stderr
    assert ships.csvs() == expected


def test_revoked_archive_reaches_the_same_finish_line(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    from celery import Celery

    ships.env["SALES_FLOWER_READ_ONLY"] = "false"  # or it could not be revoked
    ships.worker(concurrency=1)
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    ships.reached(VICTIM)
    task_id = ships.ledger().attempts("00002")[-1].task_id
    app = Celery(broker=ships.redis.url)
    app.control.revoke(task_id, terminate=True, signal="SIGKILL")
    app.close()
    ships.lift_fault(VICTIM)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    _, *again = ships.ledger().dispatches()
    assert again
    assert all(each.why for each in again), "revoked, died, or nothing moved: who looked first"


@pytest.mark.long
def test_task_outlives_the_visibility_timeout(ships: Fleet, expected: dict[str, bytes]) -> None:
    """Two applications on one Redis: the shorter timeout counts for both."""
    ships.worker(concurrency=1)
    ships.plan_fault(VICTIM, "pause")
    command = ships.run_in_background()
    ships.reached(VICTIM)
    ships.worker(
        concurrency=1,
        SALES_TASK_SOFT_TIME_LIMIT="1",
        SALES_TASK_TIME_LIMIT="2",
        SALES_VISIBILITY_TIMEOUT="3",
    )
    ships.reached(VICTIM)  # delivered again, and tried by the other one
    ships.lift_fault(VICTIM)
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        pytest.param(lambda result: result[:-1] + b"?", "is damaged", id="its last byte"),
        pytest.param(lambda _: b"torn", "has no result of 1 archive", id="all of it"),
    ],
)
def test_a_result_that_is_damaged_before_the_publication_is_made_again(
    ships: Fleet, expected: dict[str, bytes], damage: Callable[[bytes], bytes], why: str
) -> None:
    """The publisher itself asks for it: there is nobody here to recover the run."""
    ships.worker()
    ships.plan_fault(VICTIM, "pause")
    ships.send("workers.start_run", slot=ships.slot())
    ships.reached(VICTIM)
    ledger = ships.ledger()
    eventually(lambda: len(ledger.receipt_ids()) == len(ARCHIVES) - 1, "all others")
    receipt = ledger.receipt(Work("00000"))
    assert receipt is not None
    assert receipt.rejects is not None
    key = receipt.rejects.key
    ledger.state.write(key, damage(ledger.state.read(key)))
    ships.lift_fault(VICTIM)
    outcome = eventually(ledger.outcome, "the end of the run")
    assert outcome.state == "published"
    assert ships.csvs() == expected
    _, again = ledger.dispatches()
    assert again.work == (Work("00000"),)
    assert why in again.why
