"""What those who watch a run are told, by what its ledger holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from console.display.live import _LiveView
from console.follow import follow
from pipeline_core import pipeline
from pipeline_core.errors import ContractError
from pipeline_core.fitness.records import note
from pipeline_core.ledger import RunLedger, lease
from pipeline_core.ledger.attempts import COMMAND, Worker
from pipeline_core.messages import Manifest, Work
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.notify.hooks import NOBODY
from pipeline_core.processing.process import process
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from pipeline_core.storage.local import LocalStorage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.watching.run_progress import MOST_SHOWN, ArchiveProgress, RunProgress
from pipeline_core.watching.watch import Watch
from tests.support.archives import archive_zip, day_zip, write_shop
from tests.support.ledgers import planned_ledger
from tests.support.run import note_attempt, plan_local, process_local, publish_local, sales, week

NAMES = ["a.zip", "b.zip", "c.zip", "d.zip"]


class Counting(LocalStorage):
    """Notes every key that is read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.keys: list[str] = []

    def read(self, key: str) -> bytes:
        self.keys.append(key)
        return super().read(key)


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Planned: three archives, and d.zip, which has the bytes of a.zip."""
    archives = {name: week(sales(n)) for n, name in enumerate(NAMES[:3], start=1)}
    shop = write_shop(tmp_path / "shop", archives | {"d.zip": archives["a.zip"]})
    return plan_local(shop, tmp_path)


@pytest.fixture
def ledger(manifest: Manifest, tmp_path: Path) -> RunLedger:
    """With the turn."""
    state = open_storage(str(tmp_path / "state"))
    lease.acquire(state, manifest.run_id, "elsewhere:1", 60)
    return RunLedger(state, manifest.run_id)


def _look(ledger: RunLedger) -> RunProgress:
    return Watch(ledger.state, ledger.run_id).look()


def _archive(ledger: RunLedger, name: str) -> ArchiveProgress:
    return next(each for each in _look(ledger).archives if each.name == name)


def test_a_planned_run_waits(ledger: RunLedger) -> None:
    seen = _look(ledger)
    assert [each.state for each in seen.archives] == ["waiting"] * 3 + ["duplicate"]
    assert seen.counts == {"waiting": 3, "duplicate": 1}
    assert (seen.phase, seen.pieces, seen.pieces_done) == ("processing", 3, 0)
    assert (seen.events_per_second, seen.bytes_per_second, seen.left_seconds) == (None,) * 3
    assert _archive(ledger, "d.zip").cause == "same as a.zip"


def test_an_attempt_makes_it_run(ledger: RunLedger) -> None:
    note_attempt(ledger, "00000", age=5)
    note_attempt(ledger, COMMAND)  # the command itself works on no archive
    seen = _look(ledger)
    found = seen.archives[0]
    assert (found.state, found.workers, found.attempts) == ("running", ("w1:7",), 1)
    assert found.since is not None
    assert timedelta(seconds=5) <= seen.looked_at - found.since < timedelta(seconds=30)
    assert seen.workers == ("w1:7",)


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ({"age": 100}, None, "retried"),  # silent for longer than its lease
        ({"state": "failed", "cause": "no memory"}, None, "retried"),
        ({"state": "handed_back"}, None, "waiting"),  # it was asked to stop
        ({"age": 100}, {}, "retried"),
        ({"state": "handed_back"}, {"state": "handed_back"}, "waiting"),
    ],
)
def test_what_was_lost_is_retried(
    ledger: RunLedger, first: dict[str, Any], second: dict[str, Any] | None, state: str
) -> None:
    note_attempt(ledger, "00001", **first)
    if second is not None:
        note_attempt(ledger, "00001", 2, **second)
    found = _archive(ledger, "b.zip")
    assert found.state == state
    assert found.attempts == (1 if second is None else 2)
    assert found.workers == (("w2:7",) if second == {} else ())
    if second is None and state == "retried":
        assert found.cause == ("w1:7: no memory" if "cause" in first else "lost with w1:7")


def test_a_process_between_two_archives_counts_for_the_pace(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    process(ledger.state.uri, ledger.run_id, Work("00000"), Worker("w1:7"))
    note_attempt(ledger, "00001")
    note_attempt(ledger, "00002", state="handed_back")
    note_attempt(ledger, "00002", 2)
    watch = Watch(ledger.state, ledger.run_id)
    before = watch.look()
    note_attempt(ledger, "00002", 2, state="handed_back")
    between = watch.look()
    assert (before.workers, between.workers) == (("w1:7", "w2:7"), ("w1:7",))
    assert between.events_per_second == before.events_per_second
    monkeypatch.setattr("pipeline_core.watching.watch._MOMENT", timedelta())
    assert before.events_per_second == pytest.approx(2 * (watch.look().events_per_second or 0))


def test_who_is_dead_gives_no_estimate(ledger: RunLedger) -> None:
    process(ledger.state.uri, ledger.run_id, Work("00000"), Worker("w1:7"))
    note_attempt(ledger, "00001", age=100)
    note_attempt(ledger, "00002", age=100)
    seen = _look(ledger)
    assert (seen.workers, seen.left_seconds, seen.events_per_second) == ((), None, None)
    assert seen.waiting_for == "lost with w1:7; so is 1 more"
    assert seen.workers_lost == ("w1:7",)
    note_attempt(ledger, "00001", 2)
    seen = _look(ledger)
    assert (seen.workers, seen.waiting_for) == (("w2:7",), "")
    assert seen.workers_lost == ("w1:7",), "of 00002"
    note_attempt(ledger, "00002", 2)
    assert _look(ledger).workers_lost == ()
    assert seen.left_seconds is not None


def test_a_worker_that_shows_no_life_is_not_counted_on(ledger: RunLedger) -> None:
    process(ledger.state.uri, ledger.run_id, Work("00000"), Worker("w1:7"))
    note_attempt(ledger, "00001", age=45)
    seen = _look(ledger)
    assert (seen.archives[1].state, seen.workers, seen.left_seconds) == ("running", (), None)
    assert seen.waiting_for.startswith("no word from w1:7 for 4")
    assert seen.waiting_for == seen.archives[1].cause


def test_a_receipt_makes_it_done_and_gives_the_pace(ledger: RunLedger, tmp_path: Path) -> None:
    process(ledger.state.uri, ledger.run_id, Work("00000"), Worker("w1:7"))
    note_attempt(ledger, "00001")
    note_attempt(ledger, "00002")
    seen = _look(ledger)
    assert [each.state for each in seen.archives[:3]] == ["done", "running", "running"]
    assert (seen.pieces_done, seen.events, seen.archives[0].events) == (1, 1, 1)
    receipt = ledger.receipt_of("00000")
    assert receipt is not None
    assert seen.events_per_second == pytest.approx(2 / receipt.seconds)
    assert seen.bytes_per_second == pytest.approx(2 * receipt.json_bytes / receipt.seconds)
    assert seen.left_seconds is not None
    assert 0 < seen.left_seconds <= 1.1 * receipt.seconds


def test_phases_follow_the_run(ledger: RunLedger, manifest: Manifest, tmp_path: Path) -> None:
    process_local(tmp_path, manifest)
    assert _look(ledger).phase == "publishing"
    lease.release(ledger)
    stopped = _look(ledger)
    assert (stopped.phase, stopped.left_seconds) == ("stopped", None)
    publish_local(tmp_path, manifest)
    seen = _look(ledger)
    assert (seen.phase, seen.status) == ("published", "complete")


def test_a_run_that_ends_while_it_is_looked_at_never_seems_stopped(
    ledger: RunLedger, manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process_local(tmp_path, manifest)
    read = RunLedger.receipt_ids

    def end(of: RunLedger) -> set[str]:
        monkeypatch.undo()
        publish_local(tmp_path, manifest)
        lease.release(ledger)
        return read(of)

    watch = Watch(ledger.state, ledger.run_id)
    monkeypatch.setattr(RunLedger, "receipt_ids", end)
    assert watch.look().phase == "publishing"
    assert watch.look().phase == "published"


def test_a_run_without_a_plan(ledger: RunLedger) -> None:
    unplanned = RunLedger(ledger.state, "20990101T000000Z-000000")
    assert _look(unplanned).phase == "stopped"
    lease.release(ledger)
    lease.acquire(ledger.state, unplanned.run_id, "elsewhere:1", 60)
    assert (_look(unplanned).phase, _look(unplanned).archives) == ("planning", ())


def test_shares_are_pieces_of_their_archive(tmp_path: Path) -> None:
    days = {f"2024-03-0{n}.zip": day_zip({"1.json": sales(n)}) for n in range(1, 8)}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    manifest = plan_local(shop, tmp_path, processes=2)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), manifest.run_id)
    lease.acquire(ledger.state, manifest.run_id, "elsewhere:1", 60)
    first, *others = manifest.planned_work()
    assert others
    process(ledger.state.uri, ledger.run_id, first, Worker("w:7"))
    seen = _look(ledger)
    [found] = seen.archives
    assert (found.state, found.pieces, found.pieces_done) == ("running", 1 + len(others), 1)
    assert (seen.pieces, seen.pieces_done, seen.work_unit) == (
        1 + len(others),
        1,
        "pieces of archives",
    )
    process_local(tmp_path, manifest)
    assert [each.state for each in _look(ledger).archives] == ["done"]


def test_what_cannot_change_is_read_once(
    ledger: RunLedger, manifest: Manifest, tmp_path: Path
) -> None:
    process_local(tmp_path, manifest)
    state = Counting(tmp_path / "state")
    watch = Watch(state, manifest.run_id)
    watch.look()
    assert sum("/receipts/" in key for key in state.keys) == 3
    state.keys.clear()
    again = watch.look()
    assert [key for key in state.keys if "/receipts/" in key or "manifest" in key] == []
    assert again.pieces_done == 3
    state.remove(f"runs/{manifest.run_id}/receipts/00001.result")  # damaged, and to be made again
    assert watch.look().pieces_done == 2


def test_who_follows_a_run_reads_no_receipt(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The live view does, if there is one."""
    process_local(tmp_path, manifest)
    publish_local(tmp_path, manifest)
    monkeypatch.setattr("console.follow.celery_app", lambda _: None)
    state = Counting(tmp_path / "state")
    assert follow(load_settings(), RunLedger(state, manifest.run_id)).state == "published"
    assert [key for key in state.keys if "/receipts/" in key] == []


def test_a_watcher_cannot_write(tmp_path: Path) -> None:
    inner = open_storage(str(tmp_path))
    inner.write("a", b"1")
    storage = ReadOnlyStorage(inner)
    storage.remove("a")
    assert storage.read("a") == b"1"
    source = tmp_path / "source"
    source.write_bytes(b"2")
    for write in (
        lambda: storage.write("a", b"2"),
        lambda: storage.create("b", b"2"),
        lambda: storage.store_file("a", source),
        lambda: storage.point("latest", "a"),
        lambda: storage.publish_folder("c"),
    ):
        with pytest.raises(ContractError):
            write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "source"]


def test_workers_that_take_no_work_are_named_while_the_run_is_under_way(
    ledger: RunLedger,
) -> None:
    now = datetime.now(UTC)
    unfit = UnfitWorker(
        name="w9@test", host="barn", cause="No room.", since=now, until=now + timedelta(minutes=5)
    )
    note(ledger.state, unfit, NOBODY)
    assert _look(ledger).workers_aside == ("worker w9@test on barn takes no work: No room.",)
    pipeline.fail(ledger.state.uri, ledger.run_id, ContractError("It was too much."))
    assert _look(ledger).workers_aside == ()


def test_a_run_that_failed_is_neither_complete_nor_incomplete(ledger: RunLedger) -> None:
    pipeline.fail(ledger.state.uri, ledger.run_id, ContractError("It was too much."))
    assert (_look(ledger).phase, _look(ledger).status) == ("failed", None)


def test_where_no_worker_can_work_that_is_why_nobody_does(
    ledger: RunLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline_core.watching.watch._MOMENT", timedelta())
    assert _look(ledger).waiting_for == "no worker has begun what is left"
    now = datetime.now(UTC)
    unfit = UnfitWorker(
        name="w9@test", host="barn", cause="No room.", since=now, until=now + timedelta(minutes=5)
    )
    note(ledger.state, replace(unfit, takes_work=True), NOBODY)
    seen = _look(ledger)
    assert seen.waiting_for == "no worker can do what is left"
    assert seen.workers_aside == ("worker w9@test on barn cannot work: No room.",)
    console = Console(width=40, height=20)
    view = _LiveView()
    view.run = seen
    with console.capture() as drawn:
        console.print(view)
    told = " ".join(drawn.get().split())
    assert "no worker can do what is left: worker w9@test on barn cannot work: No room." in told


@pytest.fixture
def many(tmp_path: Path) -> RunLedger:
    """Planned: 1,200 archives, of which nothing is known but their names and sizes."""
    ledger = planned_ledger(LocalStorage(tmp_path / "many"), archives=1200)
    lease.acquire(ledger.state, ledger.run_id, "elsewhere:1", 60)
    return ledger


def test_of_many_archives_those_in_trouble_and_under_way_are_shown(many: RunLedger) -> None:
    note_attempt(many, "01100")
    note_attempt(many, "01199", state="failed", cause="no memory")
    seen = _look(many)
    assert seen.counts == {"waiting": 1198, "running": 1, "retried": 1}
    assert len(seen.archives) == MOST_SHOWN
    shown = [each for each in seen.archives if each.state != "waiting"]
    assert [(each.name, each.state) for each in shown] == [
        ("1100.zip", "running"),
        ("1199.zip", "retried"),
    ]
    assert [each.name for each in seen.archives[:3]] == ["0.zip", "1.zip", "2.zip"]


def test_archives_are_paged_by_name(many: RunLedger) -> None:
    watch = Watch(many.state, many.run_id)
    assert watch.page(0) is None
    watch.look()
    found = [page.archives for first in (0, 500, 1000, 1500) if (page := watch.page(first))]
    assert [len(each) for each in found] == [500, 500, 200, 0]
    assert [each.name for page in found for each in page] == [f"{n}.zip" for n in range(1200)]


def test_a_look_at_many_archives_reads_the_blocks_of_those_that_are_shown(
    many: RunLedger, tmp_path: Path
) -> None:
    state = Counting(tmp_path / "many")
    watch = Watch(state, many.run_id)
    watch.look()
    blocks = [key for key in state.keys if key.startswith("blocks/")]
    whole = len(many.manifest().blocks)
    assert 2 < len(set(blocks)) < whole, "the file of the work, and not all of the others"
    assert len(blocks) <= 1 + len(set(blocks))
    state.keys.clear()
    watch.look()
    assert [key for key in state.keys if key.startswith("blocks/")] == []
