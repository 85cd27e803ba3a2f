"""Very many records in memory are what they were, in their order."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.blocks.packed import Packed
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import results
from pipeline_core.messages import Work
from pipeline_core.storage import open_storage
from tests.support.archives import write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import plan_local, process_local, publish_local, run_local, sales, week

NAMES = [f"week {n:02}.zip" for n in range(1, 8)]


@pytest.mark.parametrize("count", [0, 1, 64, 65, 200])
def test_records_are_as_they_came(count: int) -> None:
    records = [Work(f"{n:05d}", share=n % 3 or None) for n in range(count)]
    packed = Packed(Work, iter(records))
    assert list(packed) == list(packed) == records
    assert len(packed) == count
    assert packed[-3:] == records[-3:]
    assert [packed[place] for place in range(count)] == records
    with pytest.raises(IndexError):
        packed[count]


def test_results_of_many_archives_are_those_of_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = write_shop(
        tmp_path / "shop", {name: week(sales(n)) for n, name in enumerate(NAMES, start=1)}
    )
    outcome = run_local(shop, tmp_path / "few")
    few = RunLedger(open_storage(str(tmp_path / "few" / "state")), outcome.run_id)
    expected = results(few, few.manifest()).done
    assert isinstance(expected, tuple)
    end_blocks_after_two(monkeypatch)
    outcome = run_local(shop, tmp_path / "many")
    many = RunLedger(open_storage(str(tmp_path / "many" / "state")), outcome.run_id)
    found = results(many, many.manifest()).done
    assert isinstance(found, Packed)
    assert [(each.archive, each.work, each.receipt.counts) for each in found] == [
        (each.archive, each.work, each.receipt.counts) for each in expected
    ]
    name = "reports/sales_report.csv"
    assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "few" / name).read_bytes()


def test_what_is_out_of_order_is_asked_for_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive that turns out to be unreadable, and has a copy."""
    end_blocks_after_two(monkeypatch)
    archives = {name: week(sales(n)) for n, name in enumerate(NAMES, start=1)}
    shop = write_shop(tmp_path / "shop", archives | {"copy.zip": archives[NAMES[2]]})
    manifest = plan_local(shop, tmp_path)
    (shop.data / "copy.zip").write_bytes(b"not as it was planned")
    process_local(tmp_path, manifest)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    found = results(ledger, manifest)
    assert found.outstanding == ()
    assert isinstance(found.done, tuple)
    counted = publish_local(tmp_path, manifest, allow_incomplete=True)
    assert counted.summary is not None
    assert counted.summary.totals.units_sold == sum(range(1, 8))
