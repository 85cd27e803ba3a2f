"""A plan of many archives: whoever needs one archive reads the block that it is in."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pipeline_core.blocks.files import FOLDER
from pipeline_core.errors import DamagedBlock
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ArchiveBlock, ArchiveRef, DayRef, Manifest, Work
from pipeline_core.storage.local import LocalStorage
from tests.support.ledgers import planned_ledger

HEAD = "runs/1/manifest.json"


class Counting(LocalStorage):
    """Notes every key that is read, and every one that is written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_keys: list[str] = []
        self.written: list[str] = []

    def read(self, key: str) -> bytes:
        self.read_keys.append(key)
        return super().read(key)

    def write(self, key: str, data: bytes) -> None:
        self.written.append(key)
        super().write(key, data)


@pytest.fixture
def state(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


def _archives(count: int, without: int = -1) -> tuple[ArchiveRef, ...]:
    sizes = [n for n in range(count) if n != without]
    return tuple(
        ArchiveRef(
            id=f"{place:05d}",
            name=f"{size:06}.zip",
            size=size,
            version="1",
            days=(DayRef("2024-03-01.zip", 0, size, size),),
        )
        for place, size in enumerate(sizes)
    )


def _planned(state: Counting, archives: tuple[ArchiveRef, ...], run_id: str = "1") -> Manifest:
    ledger = planned_ledger(LocalStorage(Path(state.uri)), "model", archives=0)
    model = msgspec.structs.replace(ledger.manifest(), run_id=run_id, archives=archives)
    return RunLedger(state, run_id).create_manifest(model)


def _blocks(manifest: Manifest | None) -> tuple[ArchiveBlock, ...]:
    assert manifest is not None
    assert manifest.work is not None
    return (*manifest.blocks, manifest.work)


def test_few_archives_stand_in_one_file(state: Counting) -> None:
    _planned(state, _archives(64))
    assert state.written == []
    assert RunLedger(state, "1").manifest().archives == list(_archives(64))
    assert state.read_keys == [HEAD]


def test_a_worker_reads_the_block_of_its_archive(state: Counting) -> None:
    archives = _archives(1000)
    assert _planned(state, archives).archives == archives
    manifest = RunLedger(state, "1").manifest()
    assert state.read_keys == [HEAD]
    assert manifest.archive("00500") == archives[500]
    assert manifest.plans(Work("00500"))
    assert not manifest.plans(Work("00500", share=0))
    assert not manifest.plans(Work("01000"))
    assert len(state.read_keys) == 2, "the head, and one block"
    assert len(manifest.archives) == 1000
    assert len(state.read_keys) == 2


def test_what_is_read_is_what_was_planned(state: Counting) -> None:
    archives = list(_archives(400))
    archives[7] = msgspec.structs.replace(archives[7], duplicate_of="000006.zip")
    days = (DayRef("a", 0, 10, 1), DayRef("b", 1, 30, 2))
    archives[9] = msgspec.structs.replace(archives[9], size=400, days=days, shares=((0,), (1,)))
    planned = _planned(state, tuple(archives))
    found = RunLedger(state, "1").manifest()
    assert found.archives == archives
    assert found.planned_sizes() == planned.planned_sizes()
    assert found.planned_sizes()[Work("00009", share=1)] == 300
    assert found.work_unit == "pieces of archives"
    assert found.archives[-2:] == archives[-2:]


def test_what_work_there_is_needs_no_block_of_archives(state: Counting) -> None:
    _planned(state, _archives(1000))
    assert len(RunLedger(state, "1").manifest().planned_work()) == 1000
    assert len(state.read_keys) == 2, "the head, and the file of the work"


def test_a_plan_of_the_same_archives_writes_no_block(state: Counting) -> None:
    _planned(state, _archives(1000))
    earlier = _blocks(RunLedger(state, "1").planned())
    state.written.clear()
    model = msgspec.structs.replace(RunLedger(state, "1").manifest(), run_id="2")
    RunLedger(state, "2").create_manifest(model, earlier)
    assert state.written == []
    assert RunLedger(state, "2").manifest().archives == _archives(1000)


def test_one_archive_less_changes_one_block(state: Counting) -> None:
    _planned(state, _archives(1000))
    earlier = _blocks(RunLedger(state, "1").planned())
    state.written.clear()
    model = msgspec.structs.replace(
        RunLedger(state, "1").manifest(), run_id="2", archives=_archives(1000, without=300)
    )
    RunLedger(state, "2").create_manifest(model, earlier)
    assert len(state.written) == 2, "a block, and the file of the work"
    assert all(key.startswith(f"{FOLDER}/2.") for key in state.written)


@pytest.mark.parametrize("harm", ["cut", "other", "gone"])
def test_a_damaged_block_is_told_and_written_again(state: Counting, harm: str) -> None:
    _planned(state, _archives(200))
    earlier = _blocks(RunLedger(state, "1").planned())
    path = Path(state.uri.removeprefix("file://")) / earlier[0].key
    if harm == "gone":
        path.unlink()
    else:
        other = Path(state.uri.removeprefix("file://")) / earlier[1].key
        path.write_bytes(path.read_bytes()[:-30] if harm == "cut" else other.read_bytes())
    with pytest.raises(DamagedBlock, match="is damaged") as told:
        RunLedger(state, "1").manifest().archive("00000")
    assert told.value.remedy == "Start another: `sales-pipeline run`."
    model = msgspec.structs.replace(
        RunLedger(state, "1").manifest(), run_id="2", archives=_archives(200)
    )
    RunLedger(state, "2").create_manifest(model, earlier)
    assert RunLedger(state, "2").manifest().archives == _archives(200)
