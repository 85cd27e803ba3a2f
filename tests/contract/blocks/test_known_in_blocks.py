"""Runs over many archives: what is known of them is left, and taken over, by the block."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline_core.blocks import files
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.messages import Manifest, Work
from pipeline_core.reuse.cache import ARCHIVES, load_memory
from pipeline_core.reuse.memory import remember_results
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, day_zip, write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    summary,
    units,
    week,
)

NAMES = [f"week {n}.zip" for n in range(1, 8)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    end_blocks_after_two(monkeypatch)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(
        tmp_path / "shop", {name: week(sales(n)) for n, name in enumerate(NAMES, start=1)}
    )


def _blocks(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "state" / "blocks").iterdir()}


def _report(tmp_path: Path) -> bytes:
    return (tmp_path / "reports" / "sales_report.csv").read_bytes()


def _ledger(tmp_path: Path, manifest: Manifest) -> RunLedger:
    return RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)


def _publish(tmp_path: Path, manifest: Manifest) -> int:
    process_local(tmp_path, manifest)
    return units(publish_local(tmp_path, manifest))


def test_a_run_in_which_nothing_is_new_writes_no_block(shop: Shop, tmp_path: Path) -> None:
    """Digests that the first one found out are in the plan of the second."""
    run_local(shop, tmp_path)
    run_local(shop, tmp_path)
    before, report = _blocks(tmp_path), _report(tmp_path)
    third = run_local(shop, tmp_path)
    assert _blocks(tmp_path) == before
    assert _report(tmp_path) == report
    assert summary(third).archives.reused == 7
    assert units(third) == sum(range(1, 8))
    run = tmp_path / "state" / "runs" / third.run_id
    assert not (run / "receipts").exists()
    assert not json.loads((run / "manifest.json").read_bytes())["archives"]


@pytest.mark.parametrize("most_in_one_file", [1, 64])
def test_a_run_in_which_nothing_is_new_leaves_what_is_remembered_alone(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_in_one_file: int
) -> None:
    monkeypatch.setattr(files, "MOST_IN_ONE_FILE", most_in_one_file)
    run_local(shop, tmp_path)
    run_local(shop, tmp_path)  # its plan names digests that the first one found out
    kept = tmp_path / "state" / ARCHIVES
    before = kept.stat().st_ino
    collect_garbage(open_storage(str(tmp_path / "state")), 1, 1)
    third = run_local(shop, tmp_path)
    assert kept.stat().st_ino == before
    assert summary(third).archives.reused == 7
    (shop.data / NAMES[0]).write_bytes(week(sales(50)))
    fourth = run_local(shop, tmp_path)
    assert kept.stat().st_ino != before
    assert summary(fourth).archives.reused == 6
    assert units(fourth) == 49 + sum(range(1, 8))


def test_an_archive_in_the_middle_leaves_most_blocks_as_they_were(
    shop: Shop, tmp_path: Path
) -> None:
    run_local(shop, tmp_path)
    run_local(shop, tmp_path)
    before = _blocks(tmp_path)
    (shop.data / "week 2b.zip").write_bytes(week(sales(100)))
    outcome = run_local(shop, tmp_path)
    assert (summary(outcome).archives.reused, summary(outcome).archives.read) == (7, 1)
    assert units(outcome) == 128
    assert _blocks(tmp_path) > before


def test_what_is_in_a_damaged_block_is_counted_again(shop: Shop, tmp_path: Path) -> None:
    run_local(shop, tmp_path)
    memory = load_memory(open_storage(str(tmp_path / "state")))
    assert memory is not None
    (tmp_path / "state" / memory.blocks[0].key).write_bytes(b"torn")
    again = summary(run_local(shop, tmp_path))
    assert again.archives.read == memory.blocks[0].records
    assert again.archives.read + again.archives.reused == 7
    assert again.totals.units_sold == sum(range(1, 8))


def test_a_block_that_is_damaged_after_planning_is_done_again(shop: Shop, tmp_path: Path) -> None:
    run_local(shop, tmp_path)
    manifest = plan_local(shop, tmp_path)
    ledger = _ledger(tmp_path, manifest)
    key = min(ledger.blocks())
    held = {work_id for work_id in ledger.reused_ids() if ledger.is_reused(work_id)}
    assert len(held) == 7
    (tmp_path / "state" / key).unlink()
    outstanding = {work.id for work in results(ledger, manifest).outstanding}
    assert outstanding
    assert not any(map(ledger.is_reused, outstanding))
    assert _publish(tmp_path, manifest) == sum(range(1, 8))


def test_a_result_that_is_damaged_is_taken_over_no_more(shop: Shop, tmp_path: Path) -> None:
    run_local(shop, tmp_path)
    manifest = plan_local(shop, tmp_path)
    ledger = _ledger(tmp_path, manifest)
    before = ledger.reused()
    ledger.discard_receipt(Work("00003"))
    assert ledger.reused() == {key: each for key, each in before.items() if key != "00003"}
    assert results(ledger, manifest).outstanding == (Work("00003"),)
    assert _publish(tmp_path, manifest) == sum(range(1, 8))


def test_shares_of_an_archive_are_taken_over_by_themselves(tmp_path: Path) -> None:
    days = {f"2024-03-0{n}.zip": day_zip({"1.json": sales(n)}) for n in range(1, 8)}
    archives = {"large.zip": week(days=days), "small.zip": week(sales(50)), "x.zip": week(sales(9))}
    shop = write_shop(tmp_path / "shop", archives)
    first = run_local(shop, tmp_path, processes=2)
    manifest = plan_local(shop, tmp_path, processes=2)
    ledger = _ledger(tmp_path, manifest)
    shares = {work.id for work in manifest.planned_work() if work.share is not None}
    assert len(shares) > 1
    assert shares < ledger.reused_ids() == ledger.reused().keys()
    lost = Work("00000", share=1)
    ledger.discard_receipt(lost)
    assert {work.id for work in results(ledger, manifest).outstanding} == {lost.id}
    assert ledger.receipt_ids() == {work.id for work in manifest.planned_work()} - {lost.id}
    assert _publish(tmp_path, manifest) == units(first)


def test_what_an_earlier_version_kept_in_one_file_is_taken_over(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("pipeline_core.blocks.files.MOST_IN_ONE_FILE", 1_000)
        run_local(shop, tmp_path)
    assert not (tmp_path / "state" / "blocks").exists()
    outcome = run_local(shop, tmp_path)
    assert summary(outcome).archives.reused == 7
    assert _blocks(tmp_path)
    again = run_local(shop, tmp_path)
    assert (summary(again).archives.reused, units(again)) == (7, sum(range(1, 8)))


def test_a_run_that_is_cut_off_goes_on_with_what_it_took_over(shop: Shop, tmp_path: Path) -> None:
    run_local(shop, tmp_path)
    (shop.data / "week 9.zip").write_bytes(week(sales(100)))
    manifest = plan_local(shop, tmp_path)
    state = open_storage(str(tmp_path / "state"))
    state.remove(ARCHIVES)
    found = RunLedger(state, manifest.run_id)
    assert {work.id for work in results(found, found.manifest()).outstanding} == {"00007"}
    assert _publish(tmp_path, manifest) == 128


def test_a_memory_of_the_same_is_the_same(shop: Shop, tmp_path: Path) -> None:
    outcome = run_local(shop, tmp_path)
    state = open_storage(str(tmp_path / "state"))
    ledger = RunLedger(state, outcome.run_id)
    before = state.read(ARCHIVES)
    remember_results(state, ledger.manifest(), results(ledger, ledger.manifest()).done)
    assert state.read(ARCHIVES) == before
