"""What a run that stopped moving needs, by its ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec
import pytest

from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import PUBLISH, Worker, attempt, spent
from pipeline_core.messages import (
    Policy,
    Work,
)
from pipeline_core.running.recover import NobodyWorks, diagnose
from pipeline_core.storage import Storage
from tests.support.ledgers import NOW, note_sent, note_until, planned_ledger, receipt_of


def test_a_run_that_moves_is_left_alone(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW, "00000", "00001")
    assert diagnose(ledger, NOW) is None


def test_a_silent_run_is_sent_what_nobody_works_on(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW, "00000", "00001")
    note_until(ledger, "00000", datetime.now(UTC) + timedelta(seconds=200))
    recovery = diagnose(ledger, datetime.now(UTC) + timedelta(seconds=100))
    assert recovery is not None
    assert recovery.work == (Work("00001"),)
    assert recovery.number == 2


def test_the_work_of_a_dead_worker_is_sent_while_others_work(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW, "00000", "00001")
    note_until(ledger, "00000", NOW + timedelta(seconds=5))
    recovery = diagnose(ledger, NOW + timedelta(seconds=10))
    assert recovery is not None
    assert recovery.work == (Work("00000"),)
    note_sent(ledger, 2, NOW + timedelta(seconds=10), "00000")
    assert diagnose(ledger, NOW + timedelta(seconds=20)) is None, "it was sent again already"


def test_a_damaged_result_is_sent_again_at_once_and_counts_against_nobody(state: Storage) -> None:
    ledger = planned_ledger(state, archives=1)
    with attempt(ledger, Policy(lease=60), "00000", Worker("me")):
        ledger.create_receipt(Work("00000"), receipt_of("00000"))
    lease.acquire(state, "1", "host:1", seconds=60)
    ledger.discard_receipt(Work("00000"))
    recovery = diagnose(ledger, datetime.now(UTC), told="it is damaged")
    assert recovery is not None
    assert (recovery.work, recovery.why) == ((Work("00000"),), "it is damaged")
    assert spent(ledger.attempts("00000"), NOW + timedelta(days=1)) == []


def test_what_is_queued_is_not_lost_because_a_message_says_so(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW - timedelta(seconds=1), "00000", "00001")
    assert diagnose(ledger, NOW, told="it failed") is None
    for work_id in ("00000", "00001"):
        ledger.create_receipt(Work(work_id), receipt_of(work_id))
    assert diagnose(ledger, NOW, told="it failed") is None, "its publication is queued"


def test_what_was_tried_since_it_was_sent_is_sent_again_at_once(state: Storage) -> None:
    ledger = planned_ledger(state)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW - timedelta(seconds=1), "00000", "00001")
    _note_failed(ledger, "00000")
    recovery = diagnose(ledger, NOW, told="it failed")
    assert recovery is not None
    assert (recovery.work, recovery.why) == ((Work("00000"),), "it failed")
    note_sent(ledger, 2, NOW + timedelta(seconds=1), "00000")
    assert diagnose(ledger, NOW, told="it failed") is None, "it was sent again already"


def test_a_publication_that_failed_is_sent_again_at_once(state: Storage) -> None:
    ledger = planned_ledger(state, archives=1)
    lease.acquire(state, "1", "host:1", seconds=60)
    note_sent(ledger, 1, NOW - timedelta(seconds=1), "00000")
    ledger.create_receipt(Work("00000"), receipt_of("00000"))
    _note_failed(ledger, PUBLISH)
    recovery = diagnose(ledger, NOW, told="it failed")
    assert recovery is not None
    assert recovery.work == ()


def _note_failed(ledger: RunLedger, work_id: str) -> None:
    note_until(ledger, work_id, NOW + timedelta(seconds=9))
    (made,) = ledger.attempts(work_id)
    ledger.write_attempt(work_id, msgspec.structs.replace(made, state="failed"))


@pytest.mark.parametrize("state_of_last", ["running", "failed"])
def test_work_that_somebody_is_at_is_not_sent_again(
    state: Storage, state_of_last: Literal["running", "failed"]
) -> None:
    """Though whoever tried it last died, or failed."""
    ledger = planned_ledger(state, archives=1)
    lease.acquire(state, "1", "host:1", seconds=-1)
    note_until(ledger, "00000", NOW + timedelta(days=1))
    note_until(ledger, "00000", NOW - timedelta(seconds=1))
    _, last = ledger.attempts("00000")
    ledger.write_attempt("00000", msgspec.structs.replace(last, state=state_of_last))
    assert diagnose(ledger, datetime.now(UTC)) is None
    recovery = diagnose(ledger, NOW + timedelta(days=2))
    assert recovery is not None
    assert recovery.work == (Work("00000"),)


def test_who_was_heard_of_last_and_died_is_sent_again(state: Storage) -> None:
    """Though another, who began later, died before anything was sent."""
    ledger = planned_ledger(state, archives=1)
    lease.acquire(state, "1", "host:1", seconds=600)
    note_until(ledger, "00000", NOW + timedelta(seconds=20))
    note_until(ledger, "00000", NOW + timedelta(seconds=5))
    note_sent(ledger, 1, NOW + timedelta(seconds=10), "00000")
    assert diagnose(ledger, NOW + timedelta(seconds=15)) is None
    recovery = diagnose(ledger, NOW + timedelta(seconds=25))
    assert recovery is not None
    assert (recovery.work, recovery.why) == ((Work("00000"),), "a worker died")


def test_patience_doubles_and_ends(state: Storage) -> None:
    ledger = planned_ledger(state)
    later, waits = NOW + timedelta(days=1), []
    for number in range(1, 6):
        recovery = diagnose(ledger, later)
        assert recovery is not None
        waits.append(recovery.stall_after.total_seconds())
        note_sent(ledger, number, NOW, *(work.id for work in recovery.work))
    assert waits == [10, 20, 40, 80, 160]
    with pytest.raises(NobodyWorks, match="5 times"):
        diagnose(ledger, later)


def test_progress_gives_new_patience(state: Storage) -> None:
    ledger = planned_ledger(state)
    for number in range(1, 6):
        note_sent(ledger, number, NOW, "00000", "00001")
    manifest = ledger.manifest()
    smaller = msgspec.structs.replace(manifest, archives=manifest.archives[1:])
    state.write("runs/1/manifest.json", msgspec.json.encode(smaller))
    recovery = diagnose(ledger, NOW + timedelta(days=1))
    assert recovery is not None
    assert recovery.stall_after == timedelta(seconds=10)
