"""What must happen once: turns, slots, verdicts; on a folder and on a bucket without locks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from pipeline_core.errors import RunUnderWay, TooCostly
from pipeline_core.ledger import RunLedger, lease, slots
from pipeline_core.ledger.attempts import (
    Worker,
    attempt,
    is_alive,
    is_lost,
    limited_attempt,
    spent,
)
from pipeline_core.messages import (
    ArchiveRef,
    Attempt,
    Counts,
    Dispatch,
    Manifest,
    Options,
    Outcome,
    Policy,
    Receipt,
    StoredFile,
    Tally,
    Verdict,
    Work,
)
from pipeline_core.pipeline.recover import NobodyWorks, diagnose
from pipeline_core.pipeline.results import results
from pipeline_core.pipeline.turn import take_turn
from pipeline_core.storage import Storage, open_storage

NOW = datetime.now(UTC)
QUICK = Policy(lease=1, stall_after=10)


@pytest.fixture(params=["folder", "bucket"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    if request.param == "folder":
        yield open_storage(str(tmp_path))
    else:
        yield open_storage(f"{request.getfixturevalue('s3')}/state")


def _ledger(state: Storage, run_id: str = "1", *, archives: int = 2) -> RunLedger:
    ledger = RunLedger(state, run_id)
    ledger.create_manifest(
        Manifest(
            run_id=run_id,
            created_at=NOW,
            engine="celery",
            data="data",
            reports="reports",
            options=Options(),
            policy=QUICK,
            dimensions_digest="",
            archives=tuple(
                ArchiveRef(id=f"{n:05d}", name=f"{n}.zip", size=1, version="1")
                for n in range(archives)
            ),
        )
    )
    return ledger


def test_one_of_many_gets_the_turn(state: Storage) -> None:
    def take(name: int) -> str | None:
        try:
            lease.acquire(state, f"run-{name}", f"host:{name}", 60)
        except RunUnderWay as other:
            return other.run_id
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(take, range(8)))
    winner = answers.index(None)
    assert answers.count(None) == 1
    assert {answer for answer in answers if answer} == {f"run-{winner}"}


def test_a_dead_owner_loses_its_turn_and_cannot_take_it_back(state: Storage) -> None:
    lease.acquire(state, "old", "host:1", seconds=-1)
    lease.acquire(state, "new", "host:2", seconds=60)
    assert not lease.extend(RunLedger(state, "old"), 60)
    lease.release(RunLedger(state, "old"))
    with pytest.raises(RunUnderWay, match="new"):
        lease.acquire(state, "old", "host:1", seconds=60)


def test_the_late_owner_of_a_turn_that_was_renewed_takes_none(state: Storage) -> None:
    for number in range(1, 4):
        lease.acquire(state, f"run-{number}", "host:1", seconds=-1)
    current = lease.acquire(state, "run-4", "host:4", seconds=60)
    for number in range(1, 4):
        assert not lease.extend(RunLedger(state, f"run-{number}"), 600)
        lease.release(RunLedger(state, f"run-{number}"))
    assert lease.head(state) == current
    assert current.token == 4


@pytest.mark.parametrize("torn", [b"", b'{"token": 2', b'{"run_id": "\xff'])
def test_a_torn_turn_is_nobodys(state: Storage, torn: bytes) -> None:
    lease.acquire(state, "1", "host:1", seconds=-1)
    state.write("leases/00000002.json", torn)
    assert lease.acquire(state, "3", "host:3", seconds=60).token == 2
    current = lease.head(state)
    assert current is not None
    assert current.run_id == "3"


def test_old_turns_are_tidied_up_and_numbers_go_on(state: Storage) -> None:
    for number in range(1, 31):
        assert lease.acquire(state, f"run-{number}", "host:1", seconds=-1).token == number
    assert len(state.files("leases")) == 20
    current = lease.head(state)
    assert current is not None
    assert current.run_id == "run-30"


def test_an_ended_run_has_no_turn(state: Storage) -> None:
    lease.acquire(state, "1", "host:1", seconds=60)
    RunLedger(state, "1").write_outcome(Outcome(run_id="1", state="published", status="complete"))
    assert lease.acquire(state, "2", "host:2", seconds=60).token == 2


def test_extending_is_for_the_owner(state: Storage) -> None:
    first = lease.acquire(state, "1", "host:1", seconds=1)
    assert lease.extend(RunLedger(state, "1"), 100)
    extended = lease.head(state)
    assert extended is not None
    assert extended.expires_at > first.expires_at + timedelta(seconds=50)


def test_the_owner_that_is_no_process_of_this_machine_any_more(state: Storage) -> None:
    import socket

    lease.acquire(state, "1", f"{socket.gethostname()}:999999999", seconds=60)
    abandoned = take_turn(RunLedger(state, "2"), 60)
    assert abandoned is not None
    outcome = abandoned.outcome()
    assert outcome is not None
    assert outcome.state == "failed"


def test_a_run_elsewhere_is_not_taken_for_dead(state: Storage) -> None:
    lease.acquire(state, "1", "another-machine:999999999", seconds=60)
    with pytest.raises(RunUnderWay):
        take_turn(RunLedger(state, "2"), 60)


def test_a_slot_has_one_run(state: Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda n: slots.claim(state, "20261124T0300", f"run-{n}"), range(8)))
    assert len(ids) == 1
    assert slots.run_of(state, "20261124T0300") in ids
    assert slots.claim(state, "20261125T0300", "another") == "another"


@pytest.mark.parametrize("torn", [b"", b'{"run_id": ', b'{"run_id": "\xff"}'])
def test_a_torn_slot_is_free(state: Storage, torn: bytes) -> None:
    state.write("slots/20261124T0300.json", torn)
    assert slots.claim(state, "20261124T0300", "run-1") == "run-1"
    assert slots.claim(state, "20261124T0300", "run-2") == "run-1"


def test_a_slot_that_nobody_asked_for_has_no_run(state: Storage) -> None:
    assert slots.run_of(state, "20261124T0300") is None


def test_a_slot_is_late_once(state: Storage) -> None:
    slots.claim(state, "20261124T0300", "run-1")
    assert slots.mark_late(state, "20261124T0300")
    assert not slots.mark_late(state, "20261124T0300")
    slots.unmark_late(state, "20261124T0300")
    assert slots.mark_late(state, "20261124T0300")
    assert slots.run_of(state, "20261124T0300") == "run-1", "the mark is beside the slot"


def test_a_schedule_remembers_since_when_it_is_in_force(state: Storage) -> None:
    assert slots.schedule_since(state, "daily", "2026-11-24T03:00") == "2026-11-24T03:00"
    assert slots.schedule_since(state, "daily", "2026-11-25T03:00") == "2026-11-24T03:00"
    assert slots.schedule_since(state, "hourly", "2026-11-25T03:00") == "2026-11-25T03:00"


@pytest.mark.parametrize("torn", [b"", b'"2026-'])
def test_a_schedule_with_a_torn_record_is_in_force_from_now(state: Storage, torn: bytes) -> None:
    state.write("schedules/daily.json", torn)
    assert slots.schedule_since(state, "daily", "2026-11-24T03:00") == "2026-11-24T03:00"
    slots.schedule_since(state, "daily", "2026-11-25T03:00")
    assert slots.schedule_since(state, "daily", "2026-11-26T03:00") == "2026-11-25T03:00"


def test_a_manifest_is_the_first_one(state: Storage) -> None:
    ledger = _ledger(state, archives=2)
    first = ledger.manifest()
    late = msgspec.structs.replace(first, archives=())
    assert ledger.create_manifest(late) == first, "the late planner is told of the plan that counts"
    assert ledger.manifest() == first


def _receipt(work_id: str) -> Receipt:
    return Receipt(
        run_id="1",
        archive=work_id,
        digest=None,
        days=Tally(),
        parts=Tally(),
        counts=Counts(),
        unreadable=(),
        partials={},
        rejects=StoredFile(f"rejects/{work_id}.csv", "0" * 64, 0),
        compressed_bytes=1,
        json_bytes=1,
        seconds=1.0,
    )


def test_a_receipt_is_the_first_one(state: Storage) -> None:
    ledger, first = _ledger(state), _receipt("00000")
    assert ledger.create_receipt(Work("00000"), first) == first
    late = msgspec.structs.replace(first, seconds=2.0)
    assert ledger.create_receipt(Work("00000"), late) == first
    assert ledger.receipt(Work("00000")) == first


def test_one_of_many_senders_has_a_dispatch(state: Storage) -> None:
    ledger = _ledger(state)

    def note(sender: int) -> bool:
        return ledger.create_dispatch(
            Dispatch(number=1, sent_at=NOW, sent_by=f"host:{sender}", work=(Work("00000"),))
        )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(note, range(8)))
    assert answers.count(True) == 1
    assert [each.sent_by for each in ledger.dispatches()] == [f"host:{answers.index(True)}"]


def test_a_verdict_is_the_first_one(state: Storage) -> None:
    ledger = RunLedger(state, "1")
    first = ledger.create_verdict(Verdict(state="published", finished_at=NOW))
    second = ledger.create_verdict(Verdict(state="failed", finished_at=NOW, reason="late"))
    assert second == first
    assert ledger.verdict() == first


def test_an_attempt_lives_as_long_as_its_process(state: Storage) -> None:
    ledger = _ledger(state)
    with attempt(ledger, Policy(lease=2), "00000", Worker("me")):
        (running,) = ledger.attempts("00000")
        assert not is_lost(running, datetime.now(UTC))
        assert is_lost(running, datetime.now(UTC) + timedelta(seconds=3))
    assert spent(ledger, "00000", Worker("me"), datetime.now(UTC)) == []


def test_an_attempt_and_its_run_stay_alive_beyond_their_lease(state: Storage) -> None:
    ledger = _ledger(state)
    lease.acquire(state, "1", "host:1", seconds=1)
    with attempt(ledger, QUICK, "00000", Worker("me")):
        until = datetime.now(UTC) + timedelta(seconds=2.5 * QUICK.lease)
        while (now := datetime.now(UTC)) < until:
            (running,) = ledger.attempts("00000")
            turn = lease.head(state)
            time.sleep(0.05)
        assert is_alive(running, now)
        assert turn is not None
        assert lease.is_in_force(state, turn, now)
        with pytest.raises(RunUnderWay):
            take_turn(RunLedger(state, "2"), 60)


def test_attempts_at_one_moment_are_all_counted(state: Storage) -> None:
    ledger = _ledger(state)
    at_once = threading.Barrier(4)

    def work(name: int) -> None:
        at_once.wait(30)
        with attempt(ledger, QUICK, "00000", Worker(f"host:{name}")):
            at_once.wait(30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert {each.owner for each in ledger.attempts("00000")} == {f"host:{n}" for n in range(4)}
    assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3, 4]


def test_a_task_that_celery_tries_again_has_lost_its_process(state: Storage) -> None:
    """Known before its lease is over. The same message delivered twice tells nothing."""
    ledger = _ledger(state)
    with attempt(ledger, QUICK, "00000", Worker("host:1", task_id="task", retries=1)):
        (running,) = ledger.attempts("00000")
        again = Worker("host:2", task_id="task", retries=2)
        twice = Worker("host:2", task_id="task", retries=1)
        other = Worker("host:2", task_id="another", retries=2)
        assert spent(ledger, "00000", again, NOW) == [running]
        assert spent(ledger, "00000", twice, NOW) == []
        assert spent(ledger, "00000", other, NOW) == []


def test_attempts_of_the_dead_count_against_an_archive(state: Storage) -> None:
    ledger = _ledger(state)
    for owner in ("dead", "alive"):
        ends = NOW + timedelta(days=1 if owner == "alive" else -1)
        _attempted(ledger, "00000", ends)
    dead, _ = ledger.attempts("00000")
    assert spent(ledger, "00000", Worker("me"), NOW) == [dead]


def test_a_torn_attempt_is_made_anew(state: Storage) -> None:
    ledger = _ledger(state)
    for _ in range(3):
        _attempted(ledger, "00000", NOW - timedelta(days=1))
    state.write("runs/1/attempts/00000.2.json", b"")
    with attempt(ledger, QUICK, "00000", Worker("me")):
        assert [each.number for each in ledger.attempts("00000")] == [1, 2, 3]
    assert len(spent(ledger, "00000", Worker("other"), NOW)) == 2


def test_attempts_that_count_against_an_archive(state: Storage) -> None:
    ledger = _ledger(state)
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
    assert spent(ledger, "00000", Worker("me"), NOW) == [culpable]


def test_a_plan_that_was_made_counts_against_nobody_when_it_cannot_be_sent(state: Storage) -> None:
    ledger = _ledger(state)
    for _ in range(QUICK.max_attempts + 1):
        with limited_attempt(ledger, QUICK, "plan", Worker("w"), "plan the run"):
            pass
    later = NOW + timedelta(hours=1)
    assert spent(ledger, "plan", Worker("w"), later) == []
    assert {made.state for made in ledger.attempts("plan")} == {"done"}


def test_a_leaving_process_hands_its_attempt_back(state: Storage) -> None:
    ledger = _ledger(state)
    leaving = False
    with attempt(ledger, QUICK, "00000", Worker("me", leaving=lambda: leaving)):
        leaving = True
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while ledger.attempts("00000")[0].state == "running":
            assert datetime.now(UTC) < deadline
    assert spent(ledger, "00000", Worker("me"), datetime.now(UTC) + timedelta(days=1)) == []


def _sent(ledger: RunLedger, number: int, at: datetime, *ids: str) -> None:
    work = tuple(Work(each) for each in ids)
    ledger.create_dispatch(Dispatch(number=number, sent_at=at, sent_by="me", work=work))


def _attempted(ledger: RunLedger, work_id: str, expires_at: datetime) -> None:
    ledger.create_attempt(
        work_id,
        Attempt(
            number=len(ledger.attempts(work_id)) + 1,
            owner="other:1",
            task_id=None,
            retries=0,
            started_at=NOW,
            expires_at=expires_at,
        ),
    )


def test_a_run_that_moves_is_left_alone(state: Storage) -> None:
    ledger = _ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    _sent(ledger, 1, NOW, "00000", "00001")
    assert diagnose(ledger, NOW) is None


def test_a_silent_run_is_sent_what_nobody_works_on(state: Storage) -> None:
    ledger = _ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    _sent(ledger, 1, NOW, "00000", "00001")
    _attempted(ledger, "00000", datetime.now(UTC) + timedelta(seconds=200))
    recovery = diagnose(ledger, datetime.now(UTC) + timedelta(seconds=100))
    assert recovery is not None
    assert recovery.work == (Work("00001"),)
    assert recovery.number == 2


def test_the_work_of_a_dead_worker_is_sent_while_others_work(state: Storage) -> None:
    ledger = _ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    _sent(ledger, 1, NOW, "00000", "00001")
    _attempted(ledger, "00000", NOW + timedelta(seconds=5))
    recovery = diagnose(ledger, NOW + timedelta(seconds=10))
    assert recovery is not None
    assert recovery.work == (Work("00000"),)
    _sent(ledger, 2, NOW + timedelta(seconds=10), "00000")
    assert diagnose(ledger, NOW + timedelta(seconds=20)) is None, "it was sent again already"


def test_a_damaged_result_is_sent_again_at_once_and_counts_against_nobody(state: Storage) -> None:
    ledger = _ledger(state, archives=1)
    with attempt(ledger, Policy(lease=60), "00000", Worker("me")):
        ledger.create_receipt(Work("00000"), _receipt("00000"))
    lease.acquire(state, "1", "host:1", seconds=60)
    ledger.discard_receipt(Work("00000"))
    recovery = diagnose(ledger, datetime.now(UTC), told="it is damaged")
    assert recovery is not None
    assert (recovery.work, recovery.why) == ((Work("00000"),), "it is damaged")
    assert spent(ledger, "00000", Worker("me"), NOW + timedelta(days=1)) == []


def test_receipts_taken_over_count_in_one_file_until_one_is_damaged(state: Storage) -> None:
    ledger = _ledger(state, archives=3)
    manifest = ledger.manifest()
    taken = {work_id: _receipt(work_id) for work_id in ("00000", "00001")}
    ledger.create_reused(taken)
    own = ledger.create_receipt(Work("00002"), _receipt("00002"))
    assert ledger.receipt_ids() == {"00000", "00001", "00002"}
    assert [each.receipt for each in results(ledger, manifest).done] == [*taken.values(), own]
    assert ledger.receipts() == [*taken.values(), own]
    ledger.discard_receipt(Work("00000"))
    assert ledger.reused() == {}
    assert results(ledger, manifest).outstanding == (Work("00000"),)
    assert [each.receipt for each in results(ledger, manifest).done] == [taken["00001"], own]


def test_a_torn_file_of_receipts_taken_over_is_none(state: Storage) -> None:
    ledger = _ledger(state, archives=1)
    ledger.create_reused({"00000": _receipt("00000")})
    key = f"runs/{ledger.run_id}/reused.json"
    state.write(key, state.read(key)[:-20])
    assert ledger.receipt_ids() == set()
    assert results(ledger, ledger.manifest()).outstanding == (Work("00000"),)


def test_patience_doubles_and_ends(state: Storage) -> None:
    ledger = _ledger(state)
    later, waits = NOW + timedelta(days=1), []
    for number in range(1, 6):
        recovery = diagnose(ledger, later)
        assert recovery is not None
        waits.append(recovery.patience.total_seconds())
        _sent(ledger, number, NOW, *(work.id for work in recovery.work))
    assert waits == [10, 20, 40, 80, 160]
    with pytest.raises(NobodyWorks, match="5 times"):
        diagnose(ledger, later)


def test_progress_gives_new_patience(state: Storage) -> None:
    ledger = _ledger(state)
    for number in range(1, 6):
        _sent(ledger, number, NOW, "00000", "00001")
    manifest = ledger.manifest()
    smaller = msgspec.structs.replace(manifest, archives=manifest.archives[1:])
    state.write("runs/1/manifest.json", msgspec.json.encode(smaller))
    recovery = diagnose(ledger, NOW + timedelta(days=1))
    assert recovery is not None
    assert recovery.patience == timedelta(seconds=10)
