"""The history on a page: what was read of earlier runs is kept, and says what they say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline_core.ledger import open_state, published_ids
from pipeline_core.load import earlier_runs as module
from pipeline_core.load.earlier_runs import HISTORY, EarlierRun, earlier_runs
from pipeline_core.load.read_back import read_summary
from pipeline_core.messages import to_json
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.retention import remove_old_reports
from pipeline_core.storage import Storage, open_storage
from tests.contract.page.test_page import Page
from tests.support.archives import Shop
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    shop_of,
    summary,
    text,
)


@contextmanager
def _read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Runs whose summaries are read while the context is open."""
    read: list[str] = []
    original = read_summary

    def noted(reports: Storage, folder: str, kind: type[EarlierRun]) -> EarlierRun:
        read.append(folder.rpartition("/")[2])
        return original(reports, folder, kind)

    with monkeypatch.context() as patched:
        patched.setattr(module, "read_summary", noted)
        yield read


def _history(folder: Path) -> list[str]:
    """Runs in the history of the newest page, newest first."""
    rows = [link for link in Page(text(folder, "index.html")).links if link.startswith("../")]
    return [link.split("/")[1] for link in rows][1:]  # behind what changed


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return shop_of(tmp_path, sales())


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "state" / HISTORY


def test_a_run_reads_no_summary_that_was_read_before(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(4)]
    with _read(monkeypatch) as read:
        run_local(shop, tmp_path)
    assert read == []
    assert _history(tmp_path) == ids[::-1]


@pytest.mark.parametrize("how", ["gone", "torn", "damaged", "of another version"])
def test_what_is_kept_is_made_again(
    shop: Shop, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(4)]
    data = kept.read_bytes()
    if how == "gone":
        kept.unlink()
    elif how == "torn":
        kept.write_bytes(data[: len(data) // 2])
    elif how == "damaged":
        kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    else:
        monkeypatch.setattr(module, "_fields", lambda: b"others")
    with _read(monkeypatch) as read:
        run_local(shop, tmp_path)
    assert sorted(read) == ids[:3], "the newest is known to whoever says what changed"
    assert _history(tmp_path) == ids[::-1]
    with _read(monkeypatch) as read:
        run_local(shop, tmp_path)
    assert read == []


def test_reports_that_somebody_removed_are_left_out(shop: Shop, tmp_path: Path) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(4)]
    runs = tmp_path / "reports" / "runs"
    shutil.move(runs / ids[1], tmp_path / "aside")
    run_local(shop, tmp_path)
    assert _history(tmp_path) == [ids[3], ids[2], ids[0]]
    shutil.move(tmp_path / "aside", runs / ids[1])
    ids.append(run_local(shop, tmp_path).run_id)
    assert _history(tmp_path)[1:] == [*ids[3::-1]], "it came back"


def test_reports_that_retention_removed_stay_in_it(shop: Shop, tmp_path: Path) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(3)]
    assert remove_old_reports(open_state(str(tmp_path / "state")), 1).reports == 2
    run_local(shop, tmp_path)
    assert _history(tmp_path) == ids[::-1]


def test_a_run_that_is_published_late_comes_into_it(shop: Shop, tmp_path: Path) -> None:
    first = run_local(shop, tmp_path)
    late = plan_local(shop, tmp_path)
    process_local(tmp_path, late)
    second = run_local(shop, tmp_path)
    publish_local(tmp_path, late)
    run_local(shop, tmp_path)
    assert _history(tmp_path) == [second.run_id, late.run_id, first.run_id]


def test_runs_of_another_place_are_left_out(shop: Shop, tmp_path: Path) -> None:
    first = run_local(shop, tmp_path)
    (tmp_path / "reports").rename(tmp_path / "before")
    run_local(shop, tmp_path)
    third = run_local(shop, tmp_path)
    assert first.run_id not in _history(tmp_path)
    (tmp_path / "before" / "runs" / first.run_id).rename(
        tmp_path / "reports" / "runs" / first.run_id
    )
    run_local(shop, tmp_path)
    assert _history(tmp_path)[0] == third.run_id
    assert _history(tmp_path)[-1] == first.run_id


def test_a_rebuilt_page_leaves_what_newer_runs_kept(
    shop: Shop, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(4)]
    shutil.rmtree(tmp_path / "reports" / "runs" / ids[1])
    rebuild(str(tmp_path / "state"), ids[1])
    with _read(monkeypatch) as read:
        run_local(shop, tmp_path)
    assert read == []
    assert _history(tmp_path) == ids[::-1]


def test_a_state_that_does_not_take_it_publishes_all_the_same(
    shop: Shop, tmp_path: Path, kept: Path
) -> None:
    ids = [run_local(shop, tmp_path).run_id for _ in range(2)]
    kept.unlink()
    kept.mkdir()  # no file can be put in its place
    (kept / "x").touch()
    assert run_local(shop, tmp_path).state == "published"
    assert _history(tmp_path) == ids[::-1]


def test_it_is_of_sixty_runs_and_no_more_are_kept(shop: Shop, tmp_path: Path, kept: Path) -> None:
    told = to_json(summary(run_local(shop, tmp_path)))
    state, reports = (open_storage(str(tmp_path / name)) for name in ("state", "reports"))
    (own,) = published_ids(state)
    ids = [f"20230101T000000{number:06}Z-000000" for number in range(70)]
    for run_id in ids:
        reports.write(f"runs/{run_id}/summary.json", told.replace(own.encode(), run_id.encode()))
    for newest in (69, 70):
        shown = [each.run_id for each in earlier_runs(reports, state, ids[newest - 1 :: -1])]
        assert shown == ids[newest - 1 : newest - 61 : -1]
        assert kept.stat().st_size < 60_000
    assert [each.run_id for each in module._kept(state)] == ids[:9:-1]
