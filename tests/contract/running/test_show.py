"""What ``show`` lists of a run: what is at work, and what came to nothing, each by itself."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.command import cli
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import Worker
from pipeline_core.messages import Work
from pipeline_core.processing.process import process
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.run import (
    note_attempt,
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    week,
)


def _show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SALES_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SALES_REPORTS", str(tmp_path / "reports"))
    return CliRunner().invoke(cli, ["show"]).output


def test_trouble_is_not_listed_with_what_is_done_or_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archives = {name: week(sales(n)) for n, name in enumerate(("a.zip", "b.zip", "c.zip"), start=1)}
    manifest = plan_local(write_shop(tmp_path / "shop", archives), tmp_path)
    state = open_storage(str(tmp_path / "state"))
    lease.acquire(state, manifest.run_id, "elsewhere:1", 60)
    ledger = RunLedger(state, manifest.run_id)
    note_attempt(ledger, "00000", age=200)  # lost, and then done by another
    process(state.uri, manifest.run_id, Work("00000"), Worker("w2:7"))
    note_attempt(ledger, "00001", age=200)  # lost
    note_attempt(ledger, "00002", age=5)  # at work
    shown = _show(tmp_path, monkeypatch)
    below, trouble = shown.split("trouble", 1)
    assert "under way" in below
    assert "c.zip" in below
    assert "a.zip, attempt 1: lost" in trouble
    assert "b.zip, attempt 1: lost" in trouble
    assert "c.zip" not in trouble
    assert "attempt 2" not in shown
    assert "running" not in trouble
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    trouble = _show(tmp_path, monkeypatch).split("trouble", 1)[1]
    assert "running" not in trouble
    assert "a.zip, attempt 1: lost" in trouble
    assert "attempt 2" not in trouble


def test_runs_says_what_the_work_took_and_not_what_was_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = write_shop(tmp_path / "shop", {"a.zip": week(sales(1)), "b.zip": week(sales(2))})
    manifest = plan_local(shop, tmp_path)
    time.sleep(0.3)
    began = time.monotonic()
    process_local(tmp_path, manifest)
    took = time.monotonic() - began
    assert (first := publish_local(tmp_path, manifest).summary) is not None
    assert first.work_seconds is not None
    assert 0 < first.work_seconds <= took
    assert first.seconds > first.work_seconds + 0.3
    assert (second := run_local(shop, tmp_path).summary) is not None
    assert (second.archives.reused, second.work_seconds) == (2, 0)
    monkeypatch.setenv("SALES_STATE", str(tmp_path / "state"))
    told = json.loads(CliRunner().invoke(cli, ["runs", "--json"]).stdout)
    assert [(each["seconds"], each["work_seconds"]) for each in told] == [
        (second.seconds, 0),
        (first.seconds, first.work_seconds),
    ]
    shown = CliRunner().invoke(cli, ["runs"]).stdout
    assert f"{first.work_seconds:,.1f}" in shown
    assert "work (s)" in shown


def test_a_run_of_an_earlier_version_says_nothing_of_its_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = run_local(write_shop(tmp_path / "shop", {"a.zip": week(sales(1))}), tmp_path).run_id
    outcome = tmp_path / "state" / "runs" / run_id / "outcome.json"
    known = json.loads(outcome.read_text())
    del known["summary"]["work_seconds"]
    outcome.write_text(json.dumps(known))
    monkeypatch.setenv("SALES_STATE", str(tmp_path / "state"))
    [told] = json.loads(CliRunner().invoke(cli, ["runs", "--json"]).stdout)
    assert (told["seconds"] > 0, told["work_seconds"]) == (True, None)
    assert CliRunner().invoke(cli, ["runs"]).exit_code == 0


def test_a_run_that_stands_still_says_how_to_go_on_and_that_nobody_is_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = plan_local(write_shop(tmp_path / "shop", {"a.zip": week(sales(1))}), tmp_path)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    note_attempt(ledger, "00000", age=5)  # of a process that was killed with its command
    shown = _show(tmp_path, monkeypatch)
    assert f"is unfinished: It does not move.\n  `sales-pipeline resume {manifest.run_id}`" in shown
    assert "under way" not in shown
    lease.acquire(ledger.state, manifest.run_id, "elsewhere:1", 60)
    shown = _show(tmp_path, monkeypatch)
    assert "resume" not in shown
    assert "under way" in shown.split("It is under way.")[1]
