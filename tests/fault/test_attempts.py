"""However it is delivered, an archive is begun as often as it may end its worker, not oftener."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from celery import Celery

from pipeline_core import pipeline
from pipeline_core.configuration.places import Places
from pipeline_core.errors import RetryableError, WorkUnderWay
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import Worker
from pipeline_core.messages import Policy, Receipt, Work
from pipeline_core.storage import open_storage
from tests.fault.test_crash_points import zygote
from tests.support.archives import Shop, write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PRODUCTS, Fleet, archive
from tests.support.processes import eventually
from tests.support.run import plan_local

FIRST = Work("00000")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(tmp_path / "shop", {ARCHIVES[0]: archive(1)}, CUSTOMERS, PRODUCTS)


@pytest.fixture
def ledger(shop: Shop, tmp_path: Path) -> RunLedger:
    """Of a planned run with one archive."""
    manifest = plan_local(shop, tmp_path)
    return RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)


def _end_leases(ledger: RunLedger) -> None:
    """As if a minute had gone by."""
    for each in ledger.attempts(FIRST.id):
        past = datetime.now(UTC) - timedelta(seconds=1)
        ledger.write_attempt(FIRST.id, msgspec.structs.replace(each, expires_at=past))


def _quarantined(ledger: RunLedger) -> str:
    """Why, by the receipt."""
    receipt = ledger.receipt(FIRST)
    assert receipt is not None
    assert receipt.quarantined
    (place,) = receipt.unreadable
    return place.cause


def test_deaths_that_no_lease_has_told_of_yet_are_counted(
    ledger: RunLedger, tmp_path: Path
) -> None:
    """Message after message finds the one before it dead, and its lease still running."""
    places = {"state": str(tmp_path / "state")}
    with zygote(places, ledger.run_id, "") as deliverer:
        assert [deliverer.do("process_poison") for _ in range(3)] == ["killed"] * 3
        for _ in range(2):
            assert deliverer.do("process_poison").startswith("WorkUnderWay: 3 attempts at 00000")
        assert len(ledger.attempts(FIRST.id)) == 3
        assert ledger.receipt(FIRST) is None, "one of them may live, and finish it"
        _end_leases(ledger)
        assert deliverer.do("process_poison") == "done"
    assert _quarantined(ledger).startswith("quarantined after 3 attempts: zygote:")


def test_who_waits_for_the_last_try_gets_what_it_made(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, create = ledger.state.uri, RunLedger.create_receipt
    with zygote({"state": state}, ledger.run_id, "") as deliverer:
        assert [deliverer.do("process_poison") for _ in range(2)] == ["killed"] * 2
    _end_leases(ledger)

    def meanwhile(self: RunLedger, work: Work, receipt: Receipt, behind: bytes) -> Receipt:
        with pytest.raises(WorkUnderWay, match="1 attempt at 00000 may be alive, 2 ended"):
            pipeline.process(state, self.run_id, FIRST, Worker("next", task_id="2", retries=5))
        return create(self, work, receipt, behind)

    monkeypatch.setattr(RunLedger, "create_receipt", meanwhile)
    done = pipeline.process(state, ledger.run_id, FIRST, Worker("last", task_id="1"))
    assert (done.quarantined, done.attempt) == (False, 3)
    assert pipeline.process(state, ledger.run_id, FIRST, Worker("next", task_id="2")) == done


def test_a_storage_that_does_not_take_the_receipt_counts_against_no_archive(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Receipt:
        raise RetryableError("The storage does not answer.")

    with monkeypatch.context() as patched:
        patched.setattr(RunLedger, "create_receipt", away)
        with pytest.raises(RetryableError):
            pipeline.process(ledger.state.uri, ledger.run_id, FIRST, Worker("me"))
    (attempt,) = ledger.attempts(FIRST.id)
    assert (attempt.state, attempt.culpable) == ("failed", False)
    assert attempt.cause == "The storage does not answer."
    assert not pipeline.process(ledger.state.uri, ledger.run_id, FIRST, Worker("me")).quarantined


def test_the_second_of_two_who_did_the_same_counts_against_no_archive(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when its lease is over, and not when the first one's result is damaged later."""
    create = RunLedger.create_receipt

    def late(self: RunLedger, work: Work, receipt: Receipt, behind: bytes) -> Receipt:
        create(self, work, msgspec.structs.replace(receipt, attempt=7), behind)
        return create(self, work, receipt, behind)

    monkeypatch.setattr(RunLedger, "create_receipt", late)
    made = pipeline.process(ledger.state.uri, ledger.run_id, FIRST, Worker("second"))
    assert made.attempt == 7
    assert [each.state for each in ledger.attempts(FIRST.id)] == ["done"]


def test_five_messages_for_a_killer_begin_it_three_times(ships: Fleet, fleet_shop: Shop) -> None:
    """On real workers. Who waits uses up none of its tries, of which there are none here."""
    state, run_id = ships.env["SALES_STATE"], pipeline.new_run_id(datetime.now(UTC))
    places = Places(
        str(fleet_shop.data), ships.env["SALES_REPORTS"], state, str(fleet_shop.dimensions), ""
    )
    pipeline.plan(
        pipeline.Order(
            run_id=run_id,
            places=places,
            policy=Policy(lease=4),
            engine="celery",
            processes=lambda: 2,
        )
    )
    message = {"state": state, "run_id": run_id, "archive": FIRST.id}
    with Celery(broker=ships.redis.url) as app:
        for _ in range(5):
            app.send_task("workers.process_archive", kwargs=message)
    ships.plan_fault(ARCHIVES[0], "kill")
    ships.worker(SALES_TASK_RETRIES="0")
    done = re.compile(r"process_archive\[[^]]+\] succeeded")
    eventually(lambda: len(done.findall(ships.logs())) == 5, "the end of every message")
    assert _quarantined(ships.ledger()).startswith("quarantined after 3 attempts: ")
    assert len(ships.ledger().attempts(FIRST.id)) == 3
    assert ships.log_lines("waiting_for_leases")
