"""Extracts are kept by the archive, and found by the day: few files, whatever changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.kept import archive_extracts
from pipeline_core.ledger import RunLedger
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, write_shop
from tests.support.extracts import extract_files, kept_days, lay_out_by_day, spoil_day
from tests.support.run import sales
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check, day, from_scratch, week

# Others than limits, feed and dimensions: all is counted again, and what is kept is read.
OTHERWISE = {"unknown": "bucket"}


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    archives = {f"week_{n}.zip": week(*range(7 * n + 1, 7 * n + 8)) for n in range(3)}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    return Runs(shop, tmp_path / "runs")


def _put(runs: Runs, name: str, content: bytes) -> None:
    (runs.shop.data / name).write_bytes(content)


def _collect(runs: Runs, *, keep_runs: int = 1) -> int:
    return collect_garbage(open_storage(str(runs.folder / "state")), keep_runs).extracts


def test_an_archive_leaves_at_most_three_files(runs: Runs, tmp_path: Path) -> None:
    """An attempt, a result, and the extracts of its days; what a run leaves beside is its own."""

    def files(folder: Path) -> int:
        return sum(path.is_file() for path in (folder / "state").rglob("*"))

    runs.run()
    fewer = Runs(write_shop(tmp_path / "one", {"a.zip": week(1)}, CUSTOMERS, PRODUCTS), tmp_path)
    fewer.run()
    assert len(extract_files(runs.folder)) == 3
    assert len(kept_days(runs.folder)) == 21
    assert files(runs.folder) - files(fewer.folder) <= 3 * 2


def test_of_an_archive_with_a_changed_day_the_others_are_not_extracted(runs: Runs) -> None:
    runs.run()
    _put(runs, "week_1.zip", week(8, 9, 10, 11, 12, 13, 28))
    assert check(runs)["days"] == {"read": 1, "reused": 20, "duplicate": 0, "unreadable": 0}
    assert _collect(runs) == 1, "the one with the day as it was"
    assert len(extract_files(runs.folder)) == 3
    assert check(runs, **OTHERWISE)["bytes_read"] == 0


def test_an_archive_that_grows_by_the_day_ends_with_one_file(runs: Runs) -> None:
    for last in range(22, 29):
        _put(runs, "week_3.zip", week(*range(22, last + 1)))
        summary = runs.run(keep=True)
        assert summary["days"]["read"] == (1 if last > 22 else 22)
    before = runs.files()
    _collect(runs)
    assert len(extract_files(runs.folder)) == 4
    assert len(kept_days(runs.folder)) == 28
    assert check(runs, **OTHERWISE)["bytes_read"] == 0
    assert check(runs)["bytes_read"] == 0
    assert runs.files() == before


def test_a_day_that_is_in_another_archive_now_is_found(runs: Runs) -> None:
    runs.run()
    _put(runs, "week_1.zip", week(8, 9, 10, 11, 12, 13))
    _put(runs, "late.zip", week(14))
    assert check(runs)["days"] == {"read": 0, "reused": 21, "duplicate": 0, "unreadable": 0}
    assert _collect(runs) == 0, "it is in the file of the archive that it was in"
    assert len(extract_files(runs.folder)) == 3
    (runs.shop.data / "week_2.zip").rename(runs.shop.data / "another_name.zip")
    assert check(runs)["days"]["read"] == 0


def test_a_day_in_two_archives_is_found_when_the_first_is_gone(runs: Runs) -> None:
    _put(runs, "a_copy.zip", week(14, 22))
    assert runs.run()["days"] == {"read": 22, "reused": 0, "duplicate": 1, "unreadable": 0}
    (runs.shop.data / "a_copy.zip").unlink()
    assert check(runs)["days"] == {"read": 0, "reused": 21, "duplicate": 0, "unreadable": 0}


def test_extracts_of_the_version_before_are_read_and_give_way(runs: Runs) -> None:
    runs.run()
    before = lay_out_by_day(runs.folder)
    assert len(before) == 21
    assert check(runs, **OTHERWISE)["bytes_read"] == 0
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    for path in runs.shop.data.iterdir():
        path.chmod(0)
    assert explain(ledger, Cell("Toys", "Retail", None), 3).events > 0
    for path in runs.shop.data.iterdir():
        path.chmod(0o644)
    assert extract_files(runs.folder) == before
    _put(runs, "week_1.zip", week(8, 9, 10, 11, 12, 13, 28))
    assert check(runs)["days"] == {"read": 1, "reused": 20, "duplicate": 0, "unreadable": 0}
    assert _collect(runs) == 7, "those of week 1 are in one file now"
    assert len(extract_files(runs.folder)) == 15
    assert check(runs, **OTHERWISE)["bytes_read"] == 0


def test_a_damaged_day_is_made_again_for_whoever_asks_for_its_events(runs: Runs) -> None:
    runs.run()
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    cell, before = Cell("Toys", "Retail", None), kept_days(runs.folder)
    expected = explain(ledger, cell, 3)
    for digest in list(before)[:2]:
        spoil_day(runs.folder, digest)
    extract_files(runs.folder)[-1].write_bytes(b"torn")
    assert explain(ledger, cell, 3) == expected
    assert kept_days(runs.folder).keys() == before.keys()
    assert len(extract_files(runs.folder)) == 3
    assert check(runs, **OTHERWISE)["bytes_read"] == 0


@pytest.mark.parametrize(("name", "most"), [("FULL_BYTES", 3000), ("MOST_DAYS", 2)])
def test_extracts_of_a_large_archive_are_several_files(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(archive_extracts, name, most)
    runs.run()
    assert len(kept_days(runs.folder)) == 21
    largest = max(span.size for _, span in kept_days(runs.folder).values())
    if name == "MOST_DAYS":
        assert len(extract_files(runs.folder)) == 3 * 4
    else:
        assert len(extract_files(runs.folder)) > 3
        sizes = [path.stat().st_size for path in extract_files(runs.folder)]
        assert max(sizes) <= most + largest + 200, "so many, and the day with which they are"
    assert check(runs, **OTHERWISE)["bytes_read"] == 0


def test_an_archive_of_very_many_days_is_kept(tmp_path: Path) -> None:
    days = {f"{n}/2024-03-01.zip": day_zip({"a.json": sales(1, of=str(n))}) for n in range(100)}
    shop = write_shop(tmp_path / "shop", {"all.zip": archive_zip(days)})
    runs = Runs(shop, tmp_path / "runs")
    runs.run()
    assert len(kept_days(runs.folder)) == 100
    assert len(extract_files(runs.folder)) == 4
    assert check(runs, **OTHERWISE)["bytes_read"] == 0


def test_what_is_read_of_an_archive_that_breaks_off_is_kept(runs: Runs) -> None:
    _put(runs, "week_1.zip", archive_zip({"events_2024-01-08.zip": day(8), "late.zip": b"no zip"}))
    runs.run()
    assert len(kept_days(runs.folder)) == 15
    assert from_scratch(runs)[0] == runs.files()
