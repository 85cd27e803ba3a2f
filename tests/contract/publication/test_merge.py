"""Partials of neighbouring archives are merged once, by the block, and kept for later runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.merging import merge, stored_results
from pipeline_core.messages import Receipt, ReportPlugin, StoredFile
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from pipeline_core.transform.reports.product_sales import REPORT as PRODUCT_SALES
from tests.support.archives import write_shop
from tests.support.successive import (
    CUSTOMERS,
    PRODUCTS,
    Runs,
    check,
    figures_of,
    from_scratch,
    week,
)

# Blocks of weeks 0-2 and of weeks 3-4; week 5 waits for its neighbours.
LAST_OF_BLOCK = {"week_2.zip", "week_4.zip"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(merge, "_ends_block", LAST_OF_BLOCK.__contains__)
    archives = {f"week_{n}.zip": week(2 * n + 1, 2 * n + 2) for n in range(6)}
    return Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "reusing")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the archives whose partials a run reads; empty it before the run."""
    names: set[str] = set()
    real: Callable[..., bytes] = stored_results.load_result

    def load(ledger: RunLedger, done: Any, stored: Any) -> bytes:
        names.add(done.archive.name)
        return real(ledger, done, stored)

    monkeypatch.setattr(merge, "load_result", load)
    return names


def _read(runs: Runs, loaded: set[str], **options: Any) -> set[str]:
    """Archives whose partials the next run reads; its figures are those of one from scratch."""
    loaded.clear()
    summary = runs.run(**options)
    read = set(loaded)
    assert from_scratch(runs, **options) == (runs.files(), figures_of(summary))
    return read


def _merged_files(runs: Runs) -> set[Path]:
    return set((runs.folder / "state" / "kept" / "merged").iterdir())


def test_blocks_that_are_as_they_were_are_not_read_again(runs: Runs, loaded: set[str]) -> None:
    runs.run()
    assert loaded == {f"week_{n}.zip" for n in range(6)}
    assert len(_merged_files(runs)) == 2, "a file a block, for all reports"
    assert _read(runs, loaded) == {"week_5.zip"}


def test_a_new_archive_is_merged_with_its_block_alone(runs: Runs, loaded: set[str]) -> None:
    runs.run()
    (runs.shop.data / "week_3b.zip").write_bytes(week(20, 21))
    assert _read(runs, loaded) == {"week_3.zip", "week_3b.zip", "week_4.zip", "week_5.zip"}
    assert _read(runs, loaded) == {"week_5.zip"}


def test_what_is_kept_depends_on_what_was_merged_not_on_names(runs: Runs, loaded: set[str]) -> None:
    """Other rules make other partials of the same archives."""
    runs.run()
    assert _read(runs, loaded, unknown="bucket") == {f"week_{n}.zip" for n in range(6)}


def test_a_full_run_uses_nothing_that_is_kept(runs: Runs, loaded: set[str]) -> None:
    runs.run()
    loaded.clear()
    runs.run(full=True)
    assert loaded == {f"week_{n}.zip" for n in range(6)}


@pytest.mark.parametrize("damage", ["gone", "torn", "changed"])
def test_what_is_damaged_is_merged_again(runs: Runs, loaded: set[str], damage: str) -> None:
    runs.run()
    files = {path: path.read_bytes() for path in _merged_files(runs)}
    for path, data in files.items():
        if damage == "gone":
            path.unlink()
        else:
            middle = len(data) // 2
            rest = bytes([data[middle] ^ 1]) + data[middle + 1 :] if damage == "changed" else b""
            path.write_bytes(data[:middle] + rest)
    assert _read(runs, loaded) == {f"week_{n}.zip" for n in range(6)}
    assert {path: path.read_bytes() for path in _merged_files(runs)} == files


def test_a_block_too_large_to_wait_is_not_kept(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "_MOST_BLOCK_BYTES", 0)
    check(runs)
    assert not (runs.folder / "state" / "kept" / "merged").exists()


def test_merged_partials_that_cannot_be_kept_cost_time_only(runs: Runs) -> None:
    (runs.folder / "state" / "kept").mkdir(parents=True)
    (runs.folder / "state" / "kept" / "merged").touch()  # no folder can take its place
    check(runs)
    check(runs)


def test_garbage_is_what_the_next_run_will_not_look_for(runs: Runs, loaded: set[str]) -> None:
    state = open_storage(str(runs.folder / "state"))
    runs.run()
    first = _merged_files(runs)
    assert collect_garbage(state, keep_runs=1).merged == 0
    (runs.shop.data / "week_1.zip").write_bytes(week(25))
    runs.run()
    assert collect_garbage(state, keep_runs=1).merged == 1, "weeks 0-2 as they were"
    assert len(first - _merged_files(runs)) == 1
    assert _read(runs, loaded) == {"week_5.zip"}


def test_names_alone_decide_where_a_block_ends() -> None:
    names = [f"events_{year}_week_{week:02}.zip" for year in range(100) for week in range(52)]
    ends = [name for name in names if merge._ends_block(name)]
    assert len(names) / 128 < len(ends) < len(names) / 32


def test_another_version_of_a_plug_in_takes_nothing_that_one_merged(runs: Runs) -> None:
    """Its partials may be the same, and it may merge them otherwise."""
    runs.run()
    state = open_storage(str(runs.folder / "state"))
    receipts = RunLedger(state, "run-001").receipts()
    archives = [
        (f"week_{number}.zip", [msgspec.structs.replace(each, partials=_with_another(each))])
        for number, each in enumerate(receipts)
    ]
    ours, old, new = (
        merge.merge_keys(
            archives, [ReportPlugin("segments", "acme", each) for each in versions], "reject"
        )
        for versions in ([], ["1"], ["2"])
    )
    assert (len(ours), len(old), len(new)) == (3, 3, 3), "two blocks, and what they are together"
    assert not old & new
    assert not ours & (old | new)


def test_a_report_without_a_file_may_be_missing_in_what_an_earlier_version_left(
    runs: Runs,
) -> None:
    runs.run()
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    manifest, name = ledger.manifest(), PRODUCT_SALES.name
    done = results(ledger, manifest).done
    assert merge.merge_results(ledger, manifest, done).keys() > {name}
    partials = {key: each for key, each in done[0].receipt.partials.items() if key != name}
    earlier = msgspec.structs.replace(done[0].receipt, partials=partials)
    mixed = (done[0]._replace(receipt=earlier), *done[1:])
    assert merge.merge_results(ledger, manifest, mixed).keys() == {"sales_report", "daily_sales"}
    archives = [("week_2.zip", [earlier])]
    assert merge.merge_keys(archives, [], "reject") != merge.merge_keys(
        [("week_2.zip", [done[0].receipt])], [], "reject"
    )


def _with_another(receipt: Receipt) -> dict[str, StoredFile]:
    return receipt.partials | {"segments": next(iter(receipt.partials.values()))}
