"""What ``show`` lists of a run: what is at work, and what came to nothing, each by itself."""

from __future__ import annotations

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
from tests.support.run import note_attempt, plan_local, process_local, publish_local, sales, week


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
