"""Records of attempts go once their run is published, unless they tell more than its results do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from pipeline_core import pipeline
from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.ledger.attempts import Worker, attempt
from pipeline_core.messages import Manifest, Work
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage.local import LocalStorage
from pipeline_core.watching.run_progress import ArchiveProgress
from pipeline_core.watching.watch import Watch
from tests.support.archives import Shop, write_shop
from tests.support.run import note_attempt, plan_local, process_local, publish_local, sales, week

ARCHIVES = 200
"""More than stand in one block."""


class Killed(BaseException):
    """As SIGKILL would end a process here."""


def _shop(folder: Path, archives: int) -> Shop:
    found = {f"week_{n:03}.zip": week(sales(n)) for n in range(1, archives + 1)}
    return write_shop(folder / "shop", found)


def _processed(folder: Path, archives: int = 4) -> tuple[Manifest, RunLedger]:
    manifest = plan_local(_shop(folder, archives), folder)
    process_local(folder, manifest)
    return manifest, _ledger(folder, manifest)


def _ledger(folder: Path, manifest: Manifest) -> RunLedger:
    return RunLedger(open_state(str(folder / "state")), manifest.run_id)


def _records(ledger: RunLedger) -> list[str]:
    """Names of those that there are of attempts at archives."""
    return [each for each in sorted(ledger.attempt_counts()) if each.isdigit()]


def _attempts(ledger: RunLedger, manifest: Manifest) -> dict[str, list[tuple[int, str, object]]]:
    return {
        work.id: [(each.number, each.owner, each.started_at) for each in ledger.attempts(work.id)]
        for work in manifest.planned_work()
    }


def _shown(ledger: RunLedger) -> tuple[ArchiveProgress, ...]:
    return Watch(ledger.state, ledger.run_id).look().archives


def test_an_archive_leaves_two_files_of_state(tmp_path: Path) -> None:
    manifest, _ = _processed(tmp_path, ARCHIVES)
    assert publish_local(tmp_path, manifest).state == "published"
    files = [each for each in (tmp_path / "state").rglob("*") if each.is_file()]
    assert len(files) <= 2.1 * ARCHIVES + 20, "a result, extracts, and what is of all"


def test_whoever_looks_sees_what_there_was(tmp_path: Path) -> None:
    manifest, ledger = _processed(tmp_path)
    made, shown = _attempts(ledger, manifest), _shown(ledger)
    assert len(_records(ledger)) == 4
    publish_local(tmp_path, manifest)
    assert _records(ledger) == []
    assert _attempts(ledger, manifest) == made
    assert _shown(ledger) == shown
    assert {each.attempts for each in shown} == {1}


def test_what_was_tried_twice_and_what_was_given_up_stays_on_record(tmp_path: Path) -> None:
    manifest = plan_local(_shop(tmp_path, 4), tmp_path)
    ledger = _ledger(tmp_path, manifest)
    note_attempt(ledger, "00001", state="failed", cause="too big", culpable=True)
    process_local(tmp_path, manifest)
    (made,) = ledger.attempts("00002")
    _replace(ledger, Work("00002"), quarantined=True)
    _replace(ledger, Work("00003"), made_by=None)
    publish_local(tmp_path, manifest, allow_incomplete=True)
    collect_garbage(ledger.state, keep_runs=1)
    assert _records(ledger) == ["00001", "00002", "00003"], "an earlier version says no more"
    assert [each.cause for each in ledger.attempts("00001")] == ["too big", ""]
    assert ledger.attempts("00002") == [made]


def _replace(ledger: RunLedger, work: Work, **changes: Any) -> None:
    """Another receipt in the place of one, with what is behind it."""
    stored = ledger.state.read(f"runs/{ledger.run_id}/receipts/{work.id}.result")
    receipt = ledger.receipt(work)
    assert receipt is not None
    behind = stored.partition(b"\0")[2]
    ledger.replace_receipt(work, msgspec.structs.replace(receipt, **changes), behind)


def test_a_run_that_is_not_published_keeps_its_records(tmp_path: Path) -> None:
    found = {"a.zip": week(sales(1)), "b.zip": b"no zip"}
    manifest = plan_local(write_shop(tmp_path / "shop", found), tmp_path)
    process_local(tmp_path, manifest)
    ledger = _ledger(tmp_path, manifest)
    assert publish_local(tmp_path, manifest).state == "refused"
    collect_garbage(ledger.state, keep_runs=1)
    assert _records(ledger) == ["00000", "00001"]
    made = _attempts(ledger, manifest)
    assert publish_local(tmp_path, manifest, allow_incomplete=True).state == "published"
    assert _records(ledger) == []
    assert _attempts(ledger, manifest) == made


@pytest.mark.parametrize("removed", range(5))
def test_wherever_their_removal_is_cut_off_all_is_told_and_gc_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    manifest, ledger = _processed(tmp_path)
    made, shown = _attempts(ledger, manifest), _shown(ledger)
    unlink, left = os.unlink, removed

    def unlink_some(path: Any, *rest: Any, **how: Any) -> None:
        nonlocal left
        if str(path).endswith(".1.json"):
            if left == 0:
                raise Killed
            left -= 1
        unlink(path, *rest, **how)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", unlink_some)
        if removed < len(made):
            with pytest.raises(Killed):
                publish_local(tmp_path, manifest)
        else:
            publish_local(tmp_path, manifest)
    assert len(_records(ledger)) == len(made) - removed
    for _ in range(2):
        outcome = ledger.outcome()
        assert outcome is not None
        assert outcome.state == "published"
        assert _attempts(ledger, manifest) == made
        assert _shown(ledger) == shown
        assert publish_local(tmp_path, manifest) == outcome
        collect_garbage(ledger.state, keep_runs=1, dry_run=True)
        collect_garbage(ledger.state, keep_runs=1)
        assert _records(ledger) == []


def test_a_state_that_does_not_answer_by_then_makes_no_report_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise RetryableError("away")

    manifest, ledger = _processed(tmp_path)
    with monkeypatch.context() as patch, capture_logs() as told:
        patch.setattr(LocalStorage, "remove_files", away)
        assert publish_local(tmp_path, manifest).state == "published"
    assert [each["cause"] for each in told if each["event"] == "attempts_not_removed"] == ["away"]
    collect_garbage(ledger.state, keep_runs=1)
    assert _records(ledger) == []


def test_a_message_that_comes_late_finds_it_done(tmp_path: Path) -> None:
    manifest, ledger = _processed(tmp_path)
    publish_local(tmp_path, manifest)
    shutil.rmtree(tmp_path / "shop" / "data")
    late = pipeline.process(str(tmp_path / "state"), manifest.run_id, Work("00000"), Worker("late"))
    assert late == ledger.receipt(Work("00000"))
    assert _records(ledger) == []


def test_an_attempt_that_began_before_the_end_and_ends_behind_it_changes_nothing(
    tmp_path: Path,
) -> None:
    manifest, ledger = _processed(tmp_path)
    made = _attempts(ledger, manifest)
    publish_local(tmp_path, manifest)
    with attempt(ledger, manifest.policy, "00000", Worker("late"), limited=True) as noted:
        assert noted.number == 1, "nothing says that there was another"
        receipt = ledger.receipt(Work("00000"))
        assert receipt is not None
        other = msgspec.structs.replace(receipt, made_by=noted.began)
        assert ledger.create_receipt(Work("00000"), other) == receipt, "the first one counts"
        noted.done()
    assert [each.owner for each in ledger.attempts("00000")] == ["late"]
    collect_garbage(ledger.state, keep_runs=1)
    assert _attempts(ledger, manifest) == made


def test_a_run_with_nothing_new_asks_for_no_attempts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = _shop(tmp_path, 4)
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)

    def removed(_: object, folder: str, names: Collection[str]) -> None:
        pytest.fail(f"{names} of {folder}")

    again = plan_local(shop, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "remove_files", removed)
        patch.setattr(RunLedger, "attempt_counts", lambda _: pytest.fail("counted"))
        assert publish_local(tmp_path, again).state == "published"
    ledger = _ledger(tmp_path, again)
    assert {each.attempts for each in _shown(ledger)} == {0}, "as of all that is taken over"
    assert all(ledger.attempts(work.id) == [] for work in again.planned_work())


def test_what_a_result_says_of_its_attempt_is_how_it_began(tmp_path: Path) -> None:
    _, ledger = _processed(tmp_path, 1)
    receipt, (record,) = ledger.receipt(Work("00000")), ledger.attempts("00000")
    assert receipt is not None
    assert receipt.made_by is not None
    assert receipt.made_by == record
    assert record.expires_at - record.started_at > timedelta(seconds=1)
