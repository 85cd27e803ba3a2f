"""A run that is opened again: what was quarantined is tried from the start."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console.command import cli
from pipeline_core import pipeline
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import Worker
from pipeline_core.messages import Attempt, Manifest, Work
from pipeline_core.running.resume import reopen
from pipeline_core.storage import open_storage
from tests.support.run import plan_local, process_local, publish_local, sales, shop_of

WORK = Work("00000")


def _refused(folder: Path) -> tuple[RunLedger, Manifest]:
    """A run that was refused over its only archive, which killed three workers."""
    manifest = plan_local(shop_of(folder, sales(3)), folder)
    ledger = RunLedger(open_storage(str(folder / "state")), manifest.run_id)
    now = datetime.now(UTC)
    for number in range(1, manifest.policy.max_attempts + 1):
        died = Attempt(
            number=number,
            owner="gone:1",
            task_id=None,
            retries=0,
            started_at=now,
            expires_at=now - timedelta(seconds=1),
        )
        ledger.create_attempt(WORK.id, died)
    process_local(folder, manifest)
    receipt = ledger.receipt(WORK)
    assert receipt is not None
    assert receipt.quarantined
    assert publish_local(folder, manifest).state == "refused"
    return ledger, manifest


def test_a_quarantine_that_is_written_after_the_archive_was_forgiven_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a worker whose message is late: it saw that the archive is out of tries before that."""
    ledger, manifest = _refused(tmp_path)
    ledger.discard_receipt(WORK)
    work_of = sys.modules["pipeline_core.processing.process"]
    quarantine = vars(work_of)["_quarantine"]

    def late(*given: Any) -> Any:
        reopen(ledger)
        return quarantine(*given)

    monkeypatch.setattr(work_of, "_quarantine", late)
    receipt = pipeline.process(str(tmp_path / "state"), manifest.run_id, WORK, Worker("late:2"))
    assert not receipt.quarantined
    assert publish_local(tmp_path, manifest).state == "published"


def test_an_archive_is_forgiven_before_its_receipt_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = _refused(tmp_path)
    discard = RunLedger.discard_receipt

    def look(self: RunLedger, work: Work) -> None:
        assert not any(each.state == "running" for each in self.attempts(work.id))
        discard(self, work)

    monkeypatch.setattr(RunLedger, "discard_receipt", look)
    reopen(ledger)
    assert ledger.receipt(WORK) is None


def test_a_late_publisher_of_a_refused_run_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It might write when the run has just been opened again, and end it anew."""
    ledger, manifest = _refused(tmp_path)
    before = ledger.outcome()
    monkeypatch.setattr(RunLedger, "write_outcome", None)
    monkeypatch.setattr(RunLedger, "create_verdict", None)
    assert publish_local(tmp_path, manifest) == before


def test_publish_may_be_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, manifest = _refused(tmp_path)
    monkeypatch.setenv("SALES_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("SALES_REPORTS", str(tmp_path / "reports"))
    asked = ["publish", manifest.run_id, "--allow-incomplete", "--quiet"]
    done = CliRunner().invoke(cli, asked)
    assert (done.exit_code, done.stdout) == (3, "")
