"""One thread of a process shows of all its attempts that they live."""

from __future__ import annotations

import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import Worker, attempt, is_alive
from pipeline_core.messages import Attempt
from pipeline_core.storage import open_storage
from tests.support.ledgers import QUICK, planned_ledger
from tests.support.processes import eventually


@pytest.fixture
def ledger(tmp_path: Path) -> RunLedger:
    return planned_ledger(open_storage(str(tmp_path / "state")))


def _beyond(ledger: RunLedger, work_id: str) -> bool:
    """Whether it lives, and was renewed."""
    (found,) = ledger.attempts(work_id)
    begun = timedelta(seconds=QUICK.lease)
    return is_alive(found, datetime.now(UTC)) and found.expires_at > found.started_at + begun


def _heartbeats() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "heartbeat"]


def test_attempts_of_several_threads_live_by_one(ledger: RunLedger) -> None:
    at_once = threading.Barrier(4)

    def work(number: int) -> None:
        with attempt(ledger, QUICK, f"{number:05d}", Worker("me")):
            at_once.wait(30)
            eventually(lambda: _beyond(ledger, f"{number:05d}"), "it is renewed")
            assert len(_heartbeats()) == 1
            at_once.wait(30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))


def test_it_ends_when_nothing_is_under_way_and_begins_again(ledger: RunLedger) -> None:
    for work_id in ("00000", "00001"):
        with attempt(ledger, QUICK, work_id, Worker("me")):
            eventually(partial(_beyond, ledger, work_id), "it is renewed")
        eventually(lambda: not _heartbeats(), "nobody is left")


def test_attempts_one_behind_the_other_start_it_once(ledger: RunLedger) -> None:
    seen = set()
    for number in range(20):
        with attempt(ledger, QUICK, f"{number:05d}", Worker("me")):
            seen |= {each.ident for each in _heartbeats()}
    assert len(seen) <= 2, "it may have looked between two of them"


def test_one_that_cannot_be_renewed_ends_no_other(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = RunLedger.write_attempt

    def refuse(self: RunLedger, work_id: str, made: Attempt) -> None:
        if work_id == "00000":
            raise RetryableError("The storage does not answer.")
        write(self, work_id, made)

    def broken() -> bool:
        raise ValueError("nobody knows")

    monkeypatch.setattr(RunLedger, "write_attempt", refuse)
    with ExitStack() as stack:
        for work_id, leaving in (("00000", lambda: False), ("00001", broken)):
            stack.enter_context(attempt(ledger, QUICK, work_id, Worker("me", leaving=leaving)))
        stack.enter_context(attempt(ledger, QUICK, "00002", Worker("me")))
        eventually(lambda: _beyond(ledger, "00002"), "the third is renewed")


def test_a_forked_child_has_its_own(ledger: RunLedger) -> None:
    with attempt(ledger, QUICK, "00000", Worker("parent")), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        child = os.fork()
        if not child:
            try:
                with attempt(ledger, QUICK, "00001", Worker("child")):
                    eventually(lambda: _beyond(ledger, "00001"), "the child's is renewed")
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        eventually(lambda: _beyond(ledger, "00000"), "the parent's is renewed")


def test_the_first_attempt_reads_nothing_and_the_lease_is_looked_at_once_in_a_while(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease.acquire(ledger.state, "1", "host:1", seconds=60)
    looked, extend = list[str](), lease.extend

    def noted(of: RunLedger, seconds: float) -> bool:
        looked.append(of.run_id)
        return extend(of, seconds)

    monkeypatch.setattr(lease, "extend", noted)
    monkeypatch.setattr(RunLedger, "attempts", lambda *_: pytest.fail("there are none"))
    for number in range(5):
        with attempt(ledger, QUICK, f"{number:05d}", Worker("me"), limited=True):
            pass
    assert len(looked) <= 2
