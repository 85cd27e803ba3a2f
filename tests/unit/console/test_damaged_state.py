"""What commands say of a state of which something is lost, and that it stays as it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.command import cli
from console.doctor.records import check_records
from pipeline_core.errors import (
    ConfigError,
    DamagedRecord,
    DamagedResult,
    LostResult,
    PipelineError,
)
from pipeline_core.ledger import RunLedger, newest_published
from pipeline_core.publication.latest import newest_shown
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.reuse.cache import load_memory
from pipeline_core.running.drive import what_stands
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, part, purchase, write_shop
from tests.support.in_blocks import end_blocks_after_two
from tests.support.run import run_local, week

Harm = Callable[[Path], object]
HARMS = [Path.unlink, lambda path: path.write_bytes(b"torn")]


def call(folder: Path, *arguments: str) -> Result:
    places = ["--state", str(folder / "state"), "--reports", str(folder / "reports")]
    return CliRunner().invoke(cli, [arguments[0], *places, *arguments[1:]])


def shop_of(folder: Path, archives: int) -> Shop:
    weeks = {
        f"{n}.zip": week(part([purchase(quantity=n), purchase(quantity=0)]))
        for n in range(1, archives + 1)
    }
    return write_shop(folder / "shop", weeks)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Of each archive one event counts, and one is left out."""
    end_blocks_after_two(monkeypatch)
    return shop_of(tmp_path, 5)


@pytest.fixture
def newest(shop: Shop, tmp_path: Path) -> RunLedger:
    """The second of two runs: it took all results over."""
    run_local(shop, tmp_path)
    run_id = run_local(shop, tmp_path).run_id
    return RunLedger(open_storage(str(tmp_path / "state")), run_id)


@pytest.mark.parametrize("harm", HARMS)
def test_results_that_are_lost_are_not_nothing_left_out(
    newest: RunLedger, tmp_path: Path, harm: Harm
) -> None:
    listed = json.loads(call(tmp_path, "rejects", "--json").stdout)
    for key in newest.blocks():
        place = tmp_path / "state" / key
        before = place.read_bytes()
        harm(place)
        for options in ((), ("--json",)):
            told = call(tmp_path, "rejects", *options)
            assert (told.exit_code, told.stdout) == (1, "")
            assert isinstance(told.exception, LostResult)
            assert key in told.exception.message
            assert f"rebuild {newest.run_id}" in told.exception.remedy
        assert key in call(tmp_path, "show").stderr
        place.write_bytes(before)
    harm(place)
    rebuild(str(tmp_path / "state"), newest.run_id)
    assert json.loads(call(tmp_path, "rejects", "--json").stdout) == listed


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("asked", ["first", "second"])
def test_few_results_that_are_lost_are_told_with_what_helps(
    tmp_path: Path, harm: Harm, asked: str
) -> None:
    shop = shop_of(tmp_path, 3)
    runs = {each: run_local(shop, tmp_path).run_id for each in ("first", "second")}
    harm(tmp_path / "state" / "runs" / runs["first"] / "receipts" / "00001.result")
    told = call(tmp_path, "rejects", runs[asked])
    assert isinstance(told.exception, LostResult if harm == Path.unlink else DamagedResult)
    assert f"runs/{runs['first']}/receipts/00001.result" in told.exception.message
    assert f"rebuild {runs[asked]}" in told.exception.remedy
    rebuild(str(tmp_path / "state"), runs[asked])
    assert call(tmp_path, "rejects", runs[asked]).exit_code == 0


def files_of(folder: Path) -> dict[str, bytes]:
    """What is in the state, by path."""
    root = folder / "state"
    found = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in found}


READS = {
    "rejects": ["rejects"],
    "show": ["show"],
    "runs": ["runs"],
    "plan": ["plan", "--all"],
    "verify": ["verify"],
    "explain": ["explain", "--category", "Office", "--segment", "Retail"],
    "diff": ["diff"],
    "report": ["report", "--year", "2024"],
    "doctor": ["doctor"],
    "gc": ["gc", "--keep-runs", "1", "--keep-records", "1", "--dry-run"],
    "rebuild": ["rebuild", "--dry-run"],
}


@pytest.mark.parametrize("command", READS)
def test_who_only_reads_changes_nothing_in_a_damaged_state(
    newest: RunLedger, shop: Shop, tmp_path: Path, command: str
) -> None:
    run = ["rebuild", newest.run_id, "--dry-run"] if command == "rebuild" else READS[command]
    places = ["--data", str(shop.data), "--dimensions", str(shop.dimensions)]
    arguments = [*run, *(places if command in ("plan", "doctor") else ())]
    of_run = [f"runs/{newest.run_id}/{name}.json" for name in ("manifest", "reused", "outcome")]
    for harmed in ("kept/archives.json", min(newest.blocks()), *of_run):
        place = tmp_path / "state" / harmed
        whole = place.read_bytes()
        place.write_bytes(whole[: len(whole) // 2])
        before = files_of(tmp_path)
        told = call(tmp_path, *arguments).stderr
        key = place.relative_to(tmp_path / "state").as_posix()
        assert files_of(tmp_path) == before, key
        said = [line for line in told.splitlines() if key in line and "damaged_" in line]
        assert len(said) <= 1, key
        assert "_removed" not in "".join(said)
        place.write_bytes(whole)


@pytest.mark.parametrize("harm", HARMS)
def test_gc_collects_nothing_that_a_damaged_record_may_name(
    newest: RunLedger, shop: Shop, tmp_path: Path, harm: Harm
) -> None:
    run_local(shop, tmp_path, full=True)  # the blocks and results of before are another run's
    gc = ["gc", "--keep-runs", "2", "--keep-records", "2"]
    key = min(newest.blocks())
    harm(tmp_path / "state" / key)
    before = files_of(tmp_path)
    for options in (["--dry-run"], []):
        told = call(tmp_path, *gc, *options)
        assert told.exit_code == 1
        assert isinstance(told.exception, LostResult)
        assert key in told.exception.message
        assert files_of(tmp_path) == before
    rebuild(str(tmp_path / "state"), newest.run_id)
    assert call(tmp_path, *gc).exit_code == 0


@pytest.mark.parametrize("name", ["archives.json", "blocks"])
def test_gc_stays_off_what_a_damaged_memory_may_name_until_the_next_run(
    newest: RunLedger, shop: Shop, tmp_path: Path, name: str
) -> None:
    memory = load_memory(newest.state)
    assert memory is not None
    (shop.data / "6.zip").write_bytes(week(part([purchase(quantity=6)])))
    key = f"kept/{name}" if name == "archives.json" else memory.blocks[0].key
    (tmp_path / "state" / key).write_bytes(b"torn")
    before = files_of(tmp_path)
    for options in ([], ["--dry-run"]):
        told = call(tmp_path, "gc", *options)
        assert (told.exit_code, files_of(tmp_path)) == (1, before)
        assert isinstance(told.exception, PipelineError)
        assert key in told.exception.message
    run_local(shop, tmp_path)
    assert call(tmp_path, "gc", "--keep-runs", "1").exit_code == 0


@pytest.mark.parametrize("harm", HARMS)
def test_a_plan_that_is_lost_is_not_one_that_gc_removed(
    newest: RunLedger, shop: Shop, tmp_path: Path, harm: Harm
) -> None:
    harm(tmp_path / "state" / "runs" / newest.run_id / "manifest.json")
    cell = ["--category", "Office", "--segment", "Retail"]
    for command in (["verify"], ["explain", *cell], ["rebuild"], ["resume"], ["rejects"]):
        told = call(tmp_path, command[0], newest.run_id, *command[1:])
        assert isinstance(told.exception, DamagedRecord), command
        assert f"The plan of run {newest.run_id} is lost" in told.exception.message
        assert "sales-pipeline run" in told.exception.remedy
    told = call(tmp_path, "show")
    assert isinstance(told.exception, DamagedRecord)
    assert (told.exit_code, "units" in told.stdout) == (1, True), "its figures are in the outcome"
    blocks = sorted((tmp_path / "state" / "blocks").iterdir())
    assert call(tmp_path, "gc", "--keep-runs", "1", "--keep-records", "1").exit_code == 0
    assert sorted((tmp_path / "state" / "blocks").iterdir()) == blocks
    (shop.data / "6.zip").write_bytes(week(part([purchase(quantity=6)])))
    run_local(shop, tmp_path)
    assert call(tmp_path, "explain", *cell).exit_code == 0
    told = call(tmp_path, "gc", "--keep-runs", "1", "--keep-records", "1")
    assert told.exit_code == 0
    with pytest.raises(ConfigError, match="only how it ended is kept: `gc` removed"):
        newest.manifest()


@pytest.mark.parametrize("lost", ["the newest", "all"])
def test_the_newest_published_run_is_known_without_the_record_of_it(
    newest: RunLedger, shop: Shop, tmp_path: Path, lost: str
) -> None:
    run_local(shop, tmp_path, as_of=date(2024, 3, 1))  # never the newest
    shown = ["explain", "--category", "Office", "--segment", "Retail", "--json"]
    told = json.loads(call(tmp_path, *shown).stdout)
    for record in (tmp_path / "state" / "published").iterdir():
        if lost == "all" or newest.run_id in record.name:
            record.unlink()
    again = call(tmp_path, *shown)
    assert json.loads(again.stdout) == told
    assert told["run_id"] == newest.run_id
    assert again.stderr.count("published_record_lost") == 1
    assert what_stands(newest.state) == "The earlier report stands."
    assert call(tmp_path, "doctor", "--fresh", "1d").exit_code == 0
    rebuild(str(tmp_path / "state"), newest.run_id)
    assert newest_shown(newest.state) == newest_published(newest.state) == newest.run_id
    assert call(tmp_path, *shown).stderr == ""


@pytest.mark.parametrize("harm", HARMS)
def test_doctor_sees_what_is_lost_of_the_newest_published_run(
    newest: RunLedger, tmp_path: Path, harm: Harm
) -> None:
    state = tmp_path / "state"
    settings = load_settings({"state": str(state)})
    manifest = newest.manifest()
    assert manifest.work is not None
    assert check_records(settings).state == "ok"
    planned = {block.key for block in (*manifest.blocks, manifest.work)}
    for key in planned:
        before = (state / key).read_bytes()
        harm(state / key)
        found = check_records(settings)
        assert (found.state, found.remedy) == ("failed", "Start another: `sales-pipeline run`.")
        assert found.found.startswith(f"the plan of run {newest.run_id} is lost or damaged, in ")
        (state / key).write_bytes(before)
    for key in newest.blocks():
        before = (state / key).read_bytes()
        harm(state / key)
        with pytest.raises(LostResult, match=key):
            check_records(settings)
        (state / key).write_bytes(before)
    harm(state / "runs" / newest.run_id / "manifest.json")
    with pytest.raises(DamagedRecord, match="The plan of run"):
        check_records(settings)


def test_doctor_sees_what_is_gone_of_the_newest_report(newest: RunLedger, tmp_path: Path) -> None:
    settings = load_settings({"state": str(tmp_path / "state")})
    assert check_records(settings).state == "ok"
    (tmp_path / "reports" / "runs" / newest.run_id / "index.html").unlink()
    with pytest.raises(ConfigError, match="files of it are gone") as told:
        check_records(settings)
    assert told.value.remedy == f"`sales-pipeline rebuild {newest.run_id}` makes it again."
