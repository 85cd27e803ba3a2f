"""gc while a run is under way: what it keeps just now is for the next one."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.kept.extracts import EXTRACTS
from pipeline_core.ledger import RunLedger
from pipeline_core.running.gc import Removed, collect_garbage
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, write_shop
from tests.support.run import plan_local, process_local, publish_local, run_local, sales, week


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(tmp_path / "shop", {f"{n}.zip": week(sales(n)) for n in range(1, 4)})


def _extracts(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "state" / "kept" / "extracts").rglob("*.arrow")}


def test_what_a_run_keeps_before_it_has_a_receipt_stays(shop: Shop, tmp_path: Path) -> None:
    state = open_storage(str(tmp_path / "state"))
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    kept = _extracts(tmp_path)
    assert kept
    ledger = RunLedger(state, manifest.run_id)
    for work in manifest.planned_work():
        ledger.discard_receipt(work)  # as in the midst of an archive, of which days are read
    removed = collect_garbage(state, keep_runs=1)
    assert removed == Removed(run_under_way=manifest.run_id)
    assert _extracts(tmp_path) == kept


def test_what_a_run_keeps_that_began_in_the_meantime_stays(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = open_storage(str(tmp_path / "state"))
    run_local(shop, tmp_path)
    before = _extracts(tmp_path)
    (shop.data / "1.zip").write_bytes(week(sales(99)))
    listed = state.folders

    def begin(folder: str) -> list[str]:  # once it is known what earlier runs use
        if folder == EXTRACTS:
            process_local(tmp_path, plan_local(shop, tmp_path))
        return listed(folder)

    monkeypatch.setattr(state, "folders", begin)
    removed = collect_garbage(state, keep_runs=1)
    assert removed.extracts == 0
    assert _extracts(tmp_path) > before


def test_what_nobody_uses_goes_once_the_run_has_ended(shop: Shop, tmp_path: Path) -> None:
    state = open_storage(str(tmp_path / "state"))
    run_local(shop, tmp_path)
    (shop.data / "1.zip").write_bytes(week(sales(99)))
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    assert collect_garbage(state, keep_runs=1).extracts == 0
    publish_local(tmp_path, manifest)
    assert collect_garbage(state, keep_runs=1).extracts > 0
