"""Of very many archives, results are merged as they are read, so that no file of one is read twice;
and how a run ended is read without the digests of its archives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline_core.blocks.inputs import InputsApart
from pipeline_core.errors import DamagedBlock, ResultsMissing
from pipeline_core.ledger import RunLedger, result_files, run_receipts
from pipeline_core.ledger.results import results
from pipeline_core.merging import merge
from pipeline_core.messages import Outcome, to_json
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage.local import LocalStorage
from tests.support.archives import Shop, write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import plan_local, process_local, publish_local, run_local, sales, week

NAMES = [f"week {n:02}.zip" for n in range(1, 9)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    end_blocks_after_two(monkeypatch)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return write_shop(
        tmp_path / "shop", {name: week(sales(n)) for n, name in enumerate(NAMES, start=1)}
    )


def _state(folder: Path) -> LocalStorage:
    return LocalStorage(folder / "state")


def _hold_two_results(monkeypatch: pytest.MonkeyPatch, folder: Path, run_id: str) -> None:
    """So much is held of results, and two archives are merged together."""
    first = (folder / "state" / "runs" / run_id / "receipts" / "00000.result").read_bytes()
    behind = len(first.partition(b"\0")[2])
    monkeypatch.setattr(result_files, "_MOST_HELD_BYTES", 3 * behind)
    monkeypatch.setattr(run_receipts, "_AT_ONCE", 1)
    monkeypatch.setattr(merge, "_ends_block", lambda name: int(name[5:7]) % 2 == 0)


def _reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    found, read = Counter[str](), LocalStorage.read

    def counted(self: LocalStorage, key: str) -> bytes:
        found[key.rpartition("/")[2]] += 1
        return read(self, key)

    monkeypatch.setattr(LocalStorage, "read", counted)
    return found


@pytest.mark.parametrize("full", [False, True])
def test_no_result_is_read_twice(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    expected = run_local(shop, tmp_path / "other")
    manifest = plan_local(shop, tmp_path, full=full)
    process_local(tmp_path, manifest)
    _hold_two_results(monkeypatch, tmp_path, manifest.run_id)
    with monkeypatch.context() as patch:
        reads = _reads(patch)
        published = publish_local(tmp_path, manifest)
    assert {reads[f"{number:05}.result"] for number in range(len(NAMES))} == {1}
    assert published.summary is not None
    assert expected.summary is not None
    assert published.summary.totals == expected.summary.totals
    for name in ("sales_report.csv", "daily_sales.csv", "rejects.csv"):
        one, other = (each / "reports" / "latest" / name for each in (tmp_path, tmp_path / "other"))
        assert one.read_bytes() == other.read_bytes()


def test_what_is_damaged_is_found_as_ever(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = plan_local(shop, tmp_path)
    process_local(tmp_path, manifest)
    _hold_two_results(monkeypatch, tmp_path, manifest.run_id)
    stored = tmp_path / "state" / "runs" / manifest.run_id / "receipts" / "00004.result"
    receipt, _, behind = stored.read_bytes().partition(b"\0")
    stored.write_bytes(receipt + b"\0" + bytes(len(behind)))
    with pytest.raises(ResultsMissing):
        publish_local(tmp_path, manifest)
    ledger = RunLedger(_state(tmp_path), manifest.run_id)
    assert [work.id for work in results(ledger, manifest).outstanding] == ["00004"]
    process_local(tmp_path, manifest)
    assert publish_local(tmp_path, manifest).state == "published"


def test_results_come_in_the_order_of_archives_also_beyond_five_digits(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As text, 100000 comes before 99999: all were held as objects then."""
    monkeypatch.setattr("pipeline_core.blocks.archives._id", lambda number: f"{number + 99_996}")
    asked: list[str] = []

    class _Asked:
        def receipt_ids(self) -> set[str]:
            return {f"{number + 99_996}" for number in range(len(NAMES))}

        def each_receipt(self, work_ids: list[str], _: int) -> Iterator[object]:
            asked.extend(work_ids)
            return iter(())

        def receipts_of(self, *_: object) -> dict[str, object]:
            return {}

    manifest = plan_local(shop, tmp_path)
    planned = RunLedger(_state(tmp_path), manifest.run_id).manifest()
    results(_Asked(), planned)  # type: ignore[arg-type]
    assert asked == [f"{number + 99_996}" for number in range(len(NAMES))]


def _outcome(folder: Path, run_id: str) -> Outcome:
    found = RunLedger(_state(folder), run_id).outcome()
    assert found is not None
    return found


def test_how_a_run_ended_is_read_without_the_digests_of_its_archives(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run_local(shop, tmp_path)
    kept = (tmp_path / "state" / "runs" / first.run_id / "outcome.json").read_bytes()
    assert json.loads(kept)["summary"]["inputs"] == {}
    with monkeypatch.context() as patch:
        reads = _reads(patch)
        found = _outcome(tmp_path, first.run_id).summary
        assert found is not None
        assert len(found.inputs) == len(NAMES)
        assert set(reads) == {"outcome.json"}
    assert found == first.summary
    published = (tmp_path / "reports" / "latest" / "summary.json").read_bytes()
    assert to_json(found) == published, "whoever asks has them all"


def test_digests_that_are_as_before_are_named_and_stay_as_long_as_a_run_names_them(
    shop: Shop, tmp_path: Path
) -> None:
    runs = [run_local(shop, tmp_path).run_id for _ in range(3)]
    assert len({str(_outcome(tmp_path, each).inputs) for each in runs}) == 1
    collect_garbage(_state(tmp_path), 1, 1)
    left = [_outcome(tmp_path, each).summary for each in (runs[0], runs[2])]
    assert [list(each.inputs) for each in left if each] == [[], NAMES], "records of one are gone"


def test_digests_that_are_damaged_are_said_to_be(shop: Shop, tmp_path: Path) -> None:
    found = _outcome(tmp_path, run_local(shop, tmp_path).run_id)
    assert found.inputs is not None
    assert found.summary is not None
    assert isinstance(found.summary.inputs, InputsApart)
    (tmp_path / "state" / found.inputs.key).write_bytes(b"torn")
    with pytest.raises(DamagedBlock, match="is damaged"):
        found.summary.inputs.get(NAMES[0])
