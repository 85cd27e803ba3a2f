"""What must happen once: turns, slots, verdicts; on a folder and on a bucket without locks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from pipeline_core.errors import RunUnderWay
from pipeline_core.ledger import RunLedger, lease, slots
from pipeline_core.ledger.results import results
from pipeline_core.messages import (
    Dispatch,
    Outcome,
    ReusedReceipts,
    Verdict,
    Work,
)
from pipeline_core.running.lock import acquire_run_lock
from pipeline_core.storage import Storage
from tests.support.ledgers import NOW, planned_ledger, receipt_of


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
    assert lease.newest(state) == current
    assert current.token == 4


@pytest.mark.parametrize("torn", [b"", b'{"token": 2', b'{"run_id": "\xff'])
def test_a_torn_turn_is_nobodys(state: Storage, torn: bytes) -> None:
    lease.acquire(state, "1", "host:1", seconds=-1)
    state.write("leases/00000002.json", torn)
    assert lease.acquire(state, "3", "host:3", seconds=60).token == 2
    current = lease.newest(state)
    assert current is not None
    assert current.run_id == "3"


def test_old_turns_are_tidied_up_and_numbers_go_on(state: Storage) -> None:
    for number in range(1, 31):
        assert lease.acquire(state, f"run-{number}", "host:1", seconds=-1).token == number
    assert len(state.files("leases")) == 20
    current = lease.newest(state)
    assert current is not None
    assert current.run_id == "run-30"


def test_an_ended_run_has_no_turn(state: Storage) -> None:
    lease.acquire(state, "1", "host:1", seconds=60)
    RunLedger(state, "1").write_outcome(Outcome(run_id="1", state="published", status="complete"))
    assert lease.acquire(state, "2", "host:2", seconds=60).token == 2


def test_extending_is_for_the_owner(state: Storage) -> None:
    first = lease.acquire(state, "1", "host:1", seconds=1)
    assert lease.extend(RunLedger(state, "1"), 100)
    extended = lease.newest(state)
    assert extended is not None
    assert extended.expires_at > first.expires_at + timedelta(seconds=50)


def test_the_owner_that_is_no_process_of_this_machine_any_more(state: Storage) -> None:
    import socket

    lease.acquire(state, "1", f"{socket.gethostname()}:999999999", seconds=60)
    abandoned = acquire_run_lock(RunLedger(state, "2"), 60)
    assert abandoned is not None
    outcome = abandoned.outcome()
    assert outcome is not None
    assert outcome.state == "failed"


def test_a_run_elsewhere_is_not_taken_for_dead(state: Storage) -> None:
    lease.acquire(state, "1", "another-machine:999999999", seconds=60)
    with pytest.raises(RunUnderWay):
        acquire_run_lock(RunLedger(state, "2"), 60)


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
    ledger = planned_ledger(state, archives=2)
    first = ledger.manifest()
    late = msgspec.structs.replace(first, archives=())
    assert ledger.create_manifest(late) == first, "the late planner is told of the plan that counts"
    assert ledger.manifest() == first


def test_a_receipt_is_the_first_one(state: Storage) -> None:
    ledger, first = planned_ledger(state), receipt_of("00000")
    assert ledger.create_receipt(Work("00000"), first) == first
    late = msgspec.structs.replace(first, seconds=2.0)
    assert ledger.create_receipt(Work("00000"), late) == first
    assert ledger.receipt(Work("00000")) == first


def test_one_of_many_senders_has_a_dispatch(state: Storage) -> None:
    ledger = planned_ledger(state)

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


def test_receipts_taken_over_count_in_one_file_until_one_is_damaged(state: Storage) -> None:
    ledger = planned_ledger(state, archives=3)
    manifest = ledger.manifest()
    taken = {work_id: receipt_of(work_id) for work_id in ("00000", "00001")}
    ledger.create_reused(ReusedReceipts(taken))
    own = ledger.create_receipt(Work("00002"), receipt_of("00002"))
    assert ledger.receipt_ids() == {"00000", "00001", "00002"}
    assert [each.receipt for each in results(ledger, manifest).done] == [*taken.values(), own]
    assert list(ledger.receipts()) == [*taken.values(), own]
    ledger.discard_receipt(Work("00000"))
    assert ledger.reused() == {}
    assert results(ledger, manifest).outstanding == (Work("00000"),)
    assert [each.receipt for each in results(ledger, manifest).done] == [taken["00001"], own]


def test_a_torn_file_of_receipts_taken_over_is_none(state: Storage) -> None:
    ledger = planned_ledger(state, archives=1)
    ledger.create_reused(ReusedReceipts({"00000": receipt_of("00000")}))
    key = f"runs/{ledger.run_id}/reused.json"
    state.write(key, state.read(key)[:-20])
    assert ledger.receipt_ids() == set()
    assert results(ledger, ledger.manifest()).outstanding == (Work("00000"),)
