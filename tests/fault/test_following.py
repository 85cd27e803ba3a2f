"""The command that follows a run on workers: it can be stopped, and it never hangs."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Work
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.fleet import ARCHIVES, CUSTOMERS, PATIENT, PRODUCTS, Fleet, archive, kill_tree
from tests.support.processes import eventually, sales_pipeline
from tests.support.run import plan_local


def test_stopping_the_command_leaves_the_run_to_the_workers(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.env.update(PATIENT)
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=30)
    assert command.returncode == 130
    run_id = ships.ledger().run_id
    assert f"workers go on with run {run_id}" in err
    assert "Traceback" not in err
    resumed = ships.run_in_background("resume", run_id, "--json")
    ships.lift_fault(ARCHIVES[0])
    out, err = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, err
    assert json.loads(out)["run_id"] == run_id
    assert ships.csvs() == expected
    assert len(ships.ledger().dispatches()) == 1, "it was followed, not sent again"


def test_who_is_stopped_while_sending_sends_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers have begun with what was sent, so the run is one that they are said to go on with."""
    import workers.sending.dispatch as sending

    sent: list[Work] = []

    def send(_: RunLedger, work: Sequence[Work]) -> None:
        signal.raise_signal(signal.SIGINT)
        sent.extend(work)

    monkeypatch.setattr(sending, "_send", send)
    shop = write_shop(tmp_path / "shop", {}, CUSTOMERS, PRODUCTS)
    (shop.data / ARCHIVES[0]).write_bytes(archive(1))
    manifest = plan_local(shop, tmp_path)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    with pytest.raises(KeyboardInterrupt):
        sending.send_outstanding(ledger, manifest)
    assert [each.work for each in ledger.dispatches()] == [tuple(sent)]
    assert sent


def test_a_second_command_follows_the_first_ones_run(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    first = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    refused = ships.run()
    assert refused.returncode == 1
    assert ships.ledger().run_id in refused.stderr
    second = ships.run_in_background("run", "--wait", "--json")
    assert second.stderr is not None
    assert "is under way; following it" in second.stderr.readline()
    ships.lift_fault(ARCHIVES[0])
    summaries = [json.loads(each.communicate(timeout=60)[0]) for each in (first, second)]
    assert [each.returncode for each in (first, second)] == [0, 0]
    assert summaries[0]["run_id"] == summaries[1]["run_id"]
    assert ships.csvs() == expected
    assert len(ships.run_ids()) == 1


def test_a_state_that_is_away_for_a_moment_is_no_failure_of_the_run(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    eventually(lambda: len(ships.ledger().receipt_ids()) == len(ARCHIVES) - 1, "the others")
    receipts = Path(ships.env["SALES_STATE"]) / "runs" / ships.run_ids()[0] / "receipts"
    away = receipts.rename(receipts.with_name("away"))
    receipts.write_text("no folder")
    time.sleep(3)
    receipts.unlink()
    away.rename(receipts)
    ships.lift_fault(ARCHIVES[0])
    _, err = command.communicate(timeout=60)
    assert command.returncode == 0, err
    assert "cannot_recover" in err, "it was noticed"
    assert ships.csvs() == expected


def test_nobody_there_is_told(ships: Fleet, tmp_path: Path) -> None:
    told = tmp_path / "told"
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())")
    ships.env.update(SALES_WORKER_WAIT="1", SALES_HOOK_COMMAND=f"{sys.executable} {hook}")
    assert ships.run().returncode == 1
    notice = json.loads(told.read_text())
    assert notice["event"] == "failed"
    assert "No Celery worker answered" in notice["reason"]
    (run_id,) = ships.run_ids()
    assert notice["run_id"] == run_id


@pytest.mark.parametrize("is_patient", [False, pytest.param(True, marks=pytest.mark.long)])
def test_who_follows_is_told_that_no_worker_is_there(ships: Fleet, *, is_patient: bool) -> None:
    ships.env.update(PATIENT)
    doomed = ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    first = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    first.send_signal(signal.SIGINT)
    first.communicate(timeout=100)
    kill_tree(doomed)
    run_id = ships.ledger().run_id
    following = ships.run_in_background("resume", run_id, "--quiet")
    assert following.stderr is not None
    assert "following it" in following.stderr.readline()
    if is_patient:
        told = following.stderr.readline()
        assert "no_worker_answers" in told
        assert "Start one with: celery -A workers worker" in told
    following.send_signal(signal.SIGINT)
    _, err = following.communicate(timeout=100)
    assert following.returncode == 130
    assert f"No worker answers now; run {run_id} goes on once one does." in err


@pytest.mark.long
def test_a_broker_that_says_nothing_is_not_waited_for(ships: Fleet) -> None:
    assert ships.redis.pid is not None
    os.kill(ships.redis.pid, signal.SIGSTOP)
    refused = ships.run(timeout=90)
    assert refused.returncode == 1
    assert "The broker does not answer" in refused.stderr
    assert sales_pipeline("doctor", env=ships.env, timeout=60).returncode == 1


@pytest.mark.long
def test_no_worker_comes_back(ships: Fleet, tmp_path: Path) -> None:
    """The run ends as failed, and the hook hears of it."""
    told = tmp_path / "told"
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())")
    ships.env.update(
        SALES_LEASE="1", SALES_STALL_AFTER="1", SALES_HOOK_COMMAND=f"{sys.executable} {hook}"
    )
    doomed = ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    kill_tree(doomed)
    _, err = command.communicate(timeout=120)
    assert command.returncode == 1
    assert "no worker did any of it" in err
    assert f"sales-pipeline resume {ships.ledger().run_id}" in err
    assert json.loads(told.read_text())["event"] == "failed"


@pytest.mark.long
def test_no_broker_comes_back(ships: Fleet) -> None:
    """Nothing can be sent to anybody: the command ends the run, and a new one may follow."""
    ships.env.update(SALES_LEASE="1", SALES_STALL_AFTER="1")
    doomed = ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    command = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    ships.redis.kill()
    kill_tree(doomed)
    _, err = command.communicate(timeout=120)
    assert command.returncode == 1, err
    assert "nobody takes it up" in err
    assert "cannot_recover" in err
    assert "Traceback" not in err
    outcome = ships.ledger().outcome()
    assert outcome is not None
    assert outcome.state == "failed"
    assert len(ships.ledger().dispatches()) == 1, "what could not be sent is not recorded as sent"


def test_a_recovered_run_is_told(ships: Fleet, expected: dict[str, bytes], tmp_path: Path) -> None:
    told = tmp_path / "told"
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')")
    ships.env["SALES_HOOK_COMMAND"] = f"{sys.executable} {hook}"
    ships.worker()
    ships.plan_fault("messages", "kill at 3")
    ships.send("workers.start_run", slot=ships.slot())
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    eventually(lambda: ships.ledger().is_notified(), "the mark")
    [notice] = [json.loads(line) for line in told.read_text().splitlines()]
    assert notice["event"] == "recovered"
    assert "nothing moved" in notice["reason"]
    assert set(notice["archives"]) <= set(ARCHIVES)
    assert notice["archives_total"] == len(notice["archives"]) > 0
    assert ships.csvs() == expected


def test_a_run_on_workers_is_one_of_lineage(ships: Fleet, tmp_path: Path) -> None:
    """The plan is told by the command, the end by whoever is first to see it."""
    told = tmp_path / "events.jsonl"
    ships.env["SALES_OPENLINEAGE"] = f"file://{told}"
    ships.worker()
    assert ships.run().returncode == 0
    # The command may end while a worker is still telling it.
    eventually(lambda: told.read_text().count("\n") > 1, "the end of the run")
    events = [json.loads(line) for line in told.read_text().splitlines()]
    assert [each["eventType"] for each in events] == ["START", "COMPLETE"]
    assert len({each["run"]["runId"] for each in events}) == 1
    assert [len(each["inputs"]) for each in events] == [len(ARCHIVES) + 2] * 2
