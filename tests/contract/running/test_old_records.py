"""gc bounds what runs leave: blocks that no run names, and the records of runs long over."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.pipeline import new_run_id
from pipeline_core.running.gc import Removed, collect_garbage
from pipeline_core.storage import Storage, open_storage
from tests.support.archives import Shop, write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import plan_local, run_local, sales, summary, units, week


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    end_blocks_after_two(monkeypatch)
    return write_shop(tmp_path / "shop", {f"{n}.zip": week(sales(n)) for n in range(1, 8)})


@pytest.fixture
def state(tmp_path: Path) -> Storage:
    return open_storage(str(tmp_path / "state"))


def _files(tmp_path: Path, folder: str) -> set[str]:
    found = tmp_path / "state" / folder
    return {path.relative_to(found).as_posix() for path in found.rglob("*") if path.is_file()}


def _run(shop: Shop, tmp_path: Path, count: int) -> list[str]:
    """Runs, each of which finds another first archive; their ids."""
    ids = []
    for number in range(count):
        (shop.data / "1.zip").write_bytes(week(sales(100 + number)))
        ids.append(run_local(shop, tmp_path).run_id)
    return ids


def test_of_an_old_run_stays_how_it_ended(shop: Shop, tmp_path: Path, state: Storage) -> None:
    first, second, third = _run(shop, tmp_path, 3)
    seen = collect_garbage(state, 1, 1, dry_run=True)
    assert len(_files(tmp_path, f"runs/{first}")) > 1
    removed = collect_garbage(state, 1, 1)
    assert removed == seen
    assert removed.runs == 2
    assert removed.blocks > 0
    assert {"outcome.json"} <= _files(tmp_path, f"runs/{second}")
    assert "manifest.json" not in _files(tmp_path, f"runs/{second}")
    assert _files(tmp_path, "published") == {f"{third}.json"}
    outcome = RunLedger(state, first).outcome()
    assert outcome is not None
    assert (units(outcome), summary(outcome).inputs) == (100 + sum(range(2, 8)), {})
    with pytest.raises(ConfigError, match="only how it ended is kept"):
        RunLedger(state, first).manifest()
    assert collect_garbage(state, 1, 1) == Removed()


def test_the_next_run_takes_over_what_old_runs_made(
    shop: Shop, tmp_path: Path, state: Storage
) -> None:
    _run(shop, tmp_path, 3)
    report = (tmp_path / "reports" / "sales_report.csv").read_bytes()
    collect_garbage(state, 1, 1)
    again = summary(run_local(shop, tmp_path))
    assert (again.archives.reused, again.archives.read) == (7, 0)
    assert (tmp_path / "reports" / "sales_report.csv").read_bytes() == report


def test_blocks_of_a_run_that_is_planned_just_now_stay(
    shop: Shop, tmp_path: Path, state: Storage
) -> None:
    _run(shop, tmp_path, 2)
    manifest = plan_local(shop, tmp_path)
    state.write("blocks/99991231T000000000000Z-000000.0000.json.gz", b"not named yet")
    collect_garbage(state, 1, 1)
    assert "99991231T000000000000Z-000000.0000.json.gz" in _files(tmp_path, "blocks")
    assert [each.name for each in RunLedger(state, manifest.run_id).manifest().archives] == [
        f"{n}.zip" for n in range(1, 8)
    ]


def test_what_a_run_leaves_is_bounded(shop: Shop, tmp_path: Path, state: Storage) -> None:
    def total() -> int:
        kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
        return len([path for path in kept if path.name != "outcome.json"])

    sizes = []
    for _ in range(4):
        _run(shop, tmp_path, 1)
        collect_garbage(state, 1, 1)
        sizes.append(total())
    assert sizes[2] == sizes[3]


def test_a_run_that_may_be_taken_up_keeps_its_records(
    shop: Shop, tmp_path: Path, state: Storage
) -> None:
    waiting = plan_local(shop, tmp_path).run_id
    _run(shop, tmp_path, 2)
    before = _files(tmp_path, f"runs/{waiting}")
    collect_garbage(state, 1, 1)
    assert _files(tmp_path, f"runs/{waiting}") == before
    assert json.loads(state.read(f"runs/{waiting}/manifest.json"))["run_id"] == waiting


def _snapshots(tmp_path: Path) -> set[str]:
    return {name.partition("/")[0] for name in _files(tmp_path, "dimensions")}


def _run_with_prices(shop: Shop, tmp_path: Path, *prices: str) -> list[str]:
    """Runs, each of another list of products; the digests of their snapshots."""
    digests = []
    for price in prices:
        (shop.dimensions / "products.csv").write_text(
            f"product_id,category,price\nP1,Office,{price}\n"
        )
        digests.append(summary(run_local(shop, tmp_path)).dimensions_digest)
    return digests


def test_customers_and_products_go_with_the_runs_that_name_them(
    shop: Shop, tmp_path: Path, state: Storage
) -> None:
    first, second, third = _run_with_prices(shop, tmp_path, "1.00", "2.00", "3.00")
    assert collect_garbage(state, 1).snapshots == 0
    seen = collect_garbage(state, 1, 2, dry_run=True)
    assert _snapshots(tmp_path) == {first, second, third}
    removed = collect_garbage(state, 1, 2)
    assert removed == seen
    assert removed.snapshots >= 2
    assert _snapshots(tmp_path) == {second, third}
    assert summary(run_local(shop, tmp_path)).archives.reused == 7


def test_the_customers_and_products_of_a_run_that_is_planned_just_now_stay(
    shop: Shop, tmp_path: Path, state: Storage
) -> None:
    first, second = _run_with_prices(shop, tmp_path, "1.00", "2.00")
    run_id = new_run_id(datetime.now(UTC), state)
    lease.acquire(state, run_id, "here:1", 60)
    assert collect_garbage(state, 1, 1).snapshots == 0, "the run may be about to name it"
    assert _snapshots(tmp_path) == {first, second}
    lease.release(RunLedger(state, run_id))
    assert collect_garbage(state, 1, 1).snapshots >= 2
    assert _snapshots(tmp_path) == {second}
