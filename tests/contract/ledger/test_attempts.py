"""Who works on what, whether they live, and how often work may end its workers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipeline_core.errors import (
    FailsHereOnly,
    PipelineError,
    RunUnderWay,
    TooCostly,
    WorkUnderWay,
)
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import (
    Noted,
    OutOfTries,
    Worker,
    attempt,
    is_alive,
    is_lost,
    limited_attempt,
    raise_too_costly,
    spent,
)
from pipeline_core.machine.process_ids import host_mark
from pipeline_core.messages import (
    Attempt,
    Policy,
    Work,
)
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.storage import Storage
from tests.support.ledgers import NOW, QUICK, note_until, planned_ledger, receipt_of
from tests.support.processes import eventually


def _limited(ledger: RunLedger, worker: Worker | None = None) -> AbstractContextManager[Noted]:
    return attempt(ledger, QUICK, "00000", worker or Worker("me"), limited=True)


def _spent(ledger: RunLedger, now: datetime = NOW) -> list[Attempt]:
    return spent(ledger.attempts("00000"), now)


def test_an_attempt_lives_as_long_as_its_process(state: Storage) -> None:
    ledger = planned_ledger(state)
    with attempt(ledger, Policy(lease=2), "00000", Worker("me")):
        (running,) = ledger.attempts("00000")
        assert not is_lost(running, datetime.now(UTC))
        assert is_lost(running, datetime.now(UTC) + timedelta(seconds=3))
    assert _spent(ledger, datetime.now(UTC)) == []


def test_an_attempt_and_its_run_stay_alive_beyond_their_lease(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=1)
    with attempt(ledger, QUICK, "00000", Worker("me")):
        (begun,) = ledger.attempts("00000")

        def both_live_on() -> bool:
            now, turn = datetime.now(UTC), lease.newest(state)
            beyond = now > begun.expires_at + timedelta(seconds=QUICK.lease)
            lives = is_alive(ledger.attempts("00000")[0], now)
            return beyond and lives and turn is not None and lease.is_in_force(state, turn, now)

        eventually(both_live_on, "the attempt and its run, beyond their lease")
        with pytest.raises(RunUnderWay):
            acquire_run_lock(RunLedger(state, "2"), 60)


def test_attempts_at_one_moment_are_all_counted(state: Storage) -> None:
    ledger = planned_ledger(state)
    at_once = threading.Barrier(4)

    def work(name: int) -> None:
        at_once.wait(30)
        with attempt(ledger, QUICK, "00000", Worker(f"host:{name}")):
            at_once.wait(30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert {each.owner for each in ledger.attempts("00000")} == {f"host:{n}" for n in range(4)}
    assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("task_id", "retries"), [("task", 3), ("task", 0), ("another", 0), (None, 0)]
)
def test_the_last_who_may_try_is_waited_for_whoever_comes_next(
    state: Storage, task_id: str | None, retries: int
) -> None:
    """Tried again by Celery, delivered twice, sent again, or a local engine."""
    ledger = planned_ledger(state)
    note_until(ledger, "00000", NOW - timedelta(days=1))
    for _ in range(QUICK.max_attempts - 1):
        note_until(ledger, "00000", datetime.now(UTC) + timedelta(seconds=90))
    next_one = Worker("host:2", task_id=task_id, retries=retries)
    with pytest.raises(WorkUnderWay) as waits, _limited(ledger, next_one):
        pytest.fail("it was begun")
    assert 0 < waits.value.seconds < 91
    assert len(ledger.attempts("00000")) == QUICK.max_attempts


def _ended_on(ledger: RunLedger, *hosts: str) -> None:
    for host in hosts:
        number = len(ledger.attempts("00000")) + 1
        note_until(ledger, "00000", NOW - timedelta(days=1))
        (*_, made) = ledger.attempts("00000")
        assert made.number == number
        ledger.write_attempt("00000", msgspec.structs.replace(made, host=host))


def test_work_that_ends_attempts_of_one_host_alone_is_for_another(state: Storage) -> None:
    ledger = planned_ledger(state)
    _ended_on(ledger, *[host_mark()] * QUICK.max_attempts)
    said = "00000 ended 3 attempts on this host"
    beside = Worker("me", others=lambda: True)
    with pytest.raises(FailsHereOnly, match=said), _limited(ledger, beside):
        pytest.fail("it was begun")
    with pytest.raises(OutOfTries), _limited(ledger, Worker("me")):  # there is no other
        pytest.fail("it was begun")


def test_another_host_tries_once_what_one_alone_gave_up(state: Storage) -> None:
    ledger = planned_ledger(state)
    _ended_on(ledger, *["elsewhere"] * QUICK.max_attempts)
    alone = Worker("me")
    with _limited(ledger, alone):
        with pytest.raises(WorkUnderWay), _limited(ledger, alone):
            pytest.fail("a second try was begun beside the first")
        assert ledger.attempts("00000")[-1].host == host_mark()
    made = ledger.attempts("00000")[-1]
    ledger.write_attempt("00000", msgspec.structs.replace(made, state="failed", culpable=True))
    with pytest.raises(OutOfTries), _limited(ledger, Worker("me", others=lambda: True)):
        pytest.fail("it was begun")


@pytest.mark.parametrize("hosts", [("one", "two", "one"), ("", "", ""), ("one", "", "one")])
def test_what_failed_on_several_hosts_or_nobody_knows_where_is_given_up(
    state: Storage, hosts: tuple[str, ...]
) -> None:
    ledger = planned_ledger(state)
    _ended_on(ledger, *hosts)
    with pytest.raises(OutOfTries), _limited(ledger, Worker("me", others=lambda: True)):
        pytest.fail("it was begun")


def test_who_may_still_try_does_not_wait_for_others(state: Storage) -> None:
    ledger = planned_ledger(state)
    note_until(ledger, "00000", NOW - timedelta(days=1))
    note_until(ledger, "00000", NOW + timedelta(days=1))
    with _limited(ledger):
        assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3]


def test_one_of_many_gets_the_last_try(state: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them saw that there is one before any of them took it."""
    ledger = planned_ledger(state)
    for _ in range(QUICK.max_attempts - 1):
        note_until(ledger, "00000", NOW - timedelta(days=1))
    all_saw, all_tried = threading.Barrier(4), threading.Barrier(4)
    create = RunLedger.create_attempt

    def create_together(self: RunLedger, work_id: str, made: Attempt) -> bool:
        all_saw.wait(30)
        return create(self, work_id, made)

    monkeypatch.setattr(RunLedger, "create_attempt", create_together)

    def take(name: int) -> str:
        try:
            with _limited(ledger, Worker(f"host:{name}")):
                all_tried.wait(30)
                return "tried"
        except WorkUnderWay:
            all_tried.wait(30)
            return "waits"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == ["tried", "waits", "waits", "waits"]
    assert len(ledger.attempts("00000")) == QUICK.max_attempts


def test_work_that_ended_its_worker_as_often_as_it_may_is_not_begun(state: Storage) -> None:
    ledger = planned_ledger(state)
    for _ in range(QUICK.max_attempts):
        note_until(ledger, "00000", NOW - timedelta(days=1))
    with pytest.raises(OutOfTries) as out, _limited(ledger):
        pytest.fail("it was begun")
    assert out.value.ended == ledger.attempts("00000")


@pytest.mark.parametrize("work_id", ["plan", "publish"])
def test_planning_and_publishing_are_not_begun_more_often_either(
    state: Storage, work_id: str
) -> None:
    ledger = planned_ledger(state)
    for _ in range(QUICK.max_attempts):
        note_until(ledger, work_id, NOW + timedelta(days=1))
    me = Worker("me", task_id="task", retries=9)
    with pytest.raises(WorkUnderWay), limited_attempt(ledger, QUICK, work_id, me, "do it"):
        pytest.fail("it was begun")
    for each in ledger.attempts(work_id):
        ended = msgspec.structs.replace(each, expires_at=NOW - timedelta(days=1))
        ledger.write_attempt(work_id, ended)
    with (
        pytest.raises(PipelineError, match="3 attempts to do it failed: other:1 died of it"),
        limited_attempt(ledger, QUICK, work_id, me, "do it"),
    ):
        pytest.fail("it was begun")


def test_attempts_of_the_dead_count_against_an_archive(state: Storage) -> None:
    ledger = planned_ledger(state)
    for owner in ("dead", "alive"):
        ends = NOW + timedelta(days=1 if owner == "alive" else -1)
        note_until(ledger, "00000", ends)
    dead, _ = ledger.attempts("00000")
    assert _spent(ledger) == [dead]


def test_a_torn_attempt_is_made_anew(state: Storage) -> None:
    ledger = planned_ledger(state)
    for _ in range(3):
        note_until(ledger, "00000", NOW - timedelta(days=1))
    state.write("runs/1/attempts/00000.2.json", b"")
    with attempt(ledger, QUICK, "00000", Worker("me")):
        assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3]
    assert len(_spent(ledger)) == 2


def test_attempts_that_count_against_an_archive(state: Storage) -> None:
    ledger = planned_ledger(state)
    with pytest.raises(TooCostly), attempt(ledger, QUICK, "00000", Worker("me")):
        raise TooCostly("too big")
    with pytest.raises(OSError, match="away"), attempt(ledger, QUICK, "00000", Worker("me")):
        raise OSError("away")
    with pytest.raises(KeyboardInterrupt), attempt(ledger, QUICK, "00000", Worker("me")):
        raise KeyboardInterrupt
    culpable, failed, handed_back = ledger.attempts("00000")
    assert (culpable.culpable, culpable.cause) == (True, "too big")
    assert (failed.culpable, failed.state) == (False, "failed")
    assert handed_back.state == "handed_back"
    assert _spent(ledger) == [culpable]


def test_a_plan_that_was_made_counts_against_nobody_when_it_cannot_be_sent(state: Storage) -> None:
    ledger = planned_ledger(state)
    for _ in range(QUICK.max_attempts + 1):
        with limited_attempt(ledger, QUICK, "plan", Worker("w"), "plan the run"):
            pass
    later = NOW + timedelta(hours=1)
    assert spent(ledger.attempts("plan"), later) == []
    assert {made.state for made in ledger.attempts("plan")} == {"done"}


def test_a_leaving_process_hands_its_attempt_back(state: Storage) -> None:
    ledger = planned_ledger(state)
    leaving = False
    with attempt(ledger, QUICK, "00000", Worker("me", leaving=lambda: leaving)):
        leaving = True
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while ledger.attempts("00000")[0].state == "running":
            assert datetime.now(UTC) < deadline
    assert _spent(ledger, NOW + timedelta(days=1)) == []


def test_what_a_leaving_process_handed_back_does_not_count_however_it_ends(state: Storage) -> None:
    """Another has taken its place by then."""
    ledger = planned_ledger(state)
    leaving = Worker("me", leaving=lambda: True)
    with pytest.raises(TooCostly), attempt(ledger, QUICK, "00000", leaving):
        raise TooCostly("too big")
    (ended,) = ledger.attempts("00000")
    assert (ended.state, ended.cause) == ("failed", "too big")
    assert _spent(ledger, NOW + timedelta(days=1)) == []


def test_who_made_a_damaged_result_is_not_mixed_up_with_who_died(state: Storage) -> None:
    ledger = planned_ledger(state, archives=1)
    for _ in range(3):
        note_until(ledger, "00000", NOW - timedelta(hours=1))
    first, _, third = ledger.attempts("00000")
    ledger.create_receipt(Work("00000"), msgspec.structs.replace(receipt_of("00000"), attempt=2))
    ledger.discard_receipt(Work("00000"))
    assert _spent(ledger) == [first, third]


def test_forgiven_attempts_count_no_more_and_keep_their_numbers(state: Storage) -> None:
    ledger = planned_ledger(state)
    with pytest.raises(TooCostly), attempt(ledger, QUICK, "00000", Worker("me")):
        raise TooCostly("too big")
    note_until(ledger, "00000", NOW - timedelta(days=1))
    with attempt(ledger, Policy(lease=600), "00000", Worker("slow")):
        ledger.forgive_attempts("00000")
        assert _spent(ledger, NOW + timedelta(days=1)) == []
        with _limited(ledger):
            assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3, 4]
    assert [each.cause for each in ledger.attempts("00000")] == ["too big", "", "", ""]


def test_time_that_is_up_in_the_midst_of_a_library_is_told_as_that() -> None:
    """Which makes an error of its own of it."""
    worker = Worker("me", too_long=(TimeoutError,))
    with pytest.raises(TooCostly, match="not enough time"), raise_too_costly(worker, "process it"):
        _fail_after(TimeoutError())


def _fail_after(error: Exception) -> None:
    try:
        raise error
    finally:
        raise KeyError("thread")
