"""A damaged file of extracts goes, and with it no day that is sound: an earlier run may need it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.errors import EventsGone, RetryableError
from pipeline_core.kept import archive_extracts
from pipeline_core.ledger import RunLedger
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell, Explanation
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from pipeline_core.storage.local import LocalStorage
from tests.support.archives import write_shop
from tests.support.extracts import extract_files, kept_days, spoil_day
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check, day, week

OTHERWISE: dict[str, Any] = {"unknown": "bucket"}


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A run of week 1, days 8 to 14; then day 14 is in the archive no more."""
    archives = {"week_1.zip": week(*range(8, 15)), "week_2.zip": week(*range(15, 22))}
    runs = Runs(write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS), tmp_path / "runs")
    runs.run()
    (runs.shop.data / "week_1.zip").write_bytes(week(*range(8, 14)))
    return runs


def _digest(number: int) -> str:
    return hashlib.sha256(day(number)).hexdigest()


def _explained(runs: Runs, number: int) -> Explanation:
    """A row of a day of the first run."""
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    return explain(ledger, Cell("Toys", "Retail", date(2024, 1, number)), 3)


def _noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done with files of extracts from now on."""
    done = list[str]()

    def note(method: str) -> None:
        real = getattr(LocalStorage, method)

        def noted(storage: LocalStorage, key: str, *rest: object) -> object:
            result = real(storage, key, *rest)
            if key.startswith("kept/extracts/"):
                done.append(method)
            return result

        monkeypatch.setattr(LocalStorage, method, noted)

    for method in ("write", "store_file", "remove"):
        note(method)
    return done


@pytest.mark.parametrize("is_far", [False, True])
def test_a_sound_day_of_an_earlier_run_outlives_a_damaged_one(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, *, is_far: bool
) -> None:
    expected = _explained(runs, 14)
    runs.run()
    damaged = spoil_day(runs.folder, _digest(9))
    monkeypatch.setattr(LocalStorage, "is_far", is_far)
    done = _noted(monkeypatch)
    assert runs.run(**OTHERWISE)["days"]["read"] == 1
    assert done == ["write", "write", "remove"], "it goes last"
    assert not damaged.exists()
    assert kept_days(runs.folder).keys() == set(map(_digest, range(8, 22)))
    assert _explained(runs, 14) == expected
    assert check(runs)["bytes_read"] == 0


def test_of_a_cut_file_the_days_before_the_cut_outlive_those_behind(runs: Runs) -> None:
    runs.run()
    path, span = kept_days(runs.folder)[_digest(14)]
    path.write_bytes(path.read_bytes()[: span.begin + span.size])
    (runs.shop.data / "week_1.zip").write_bytes(week(13))
    cut, span = kept_days(runs.folder)[_digest(12)]
    cut.write_bytes(cut.read_bytes()[: span.begin + span.size // 2])
    check(runs, **OTHERWISE)
    assert check(runs)["bytes_read"] == 0
    assert set(map(_digest, range(8, 12))) <= kept_days(runs.folder).keys()


def test_days_that_other_archives_have_outlive_a_damaged_one(runs: Runs) -> None:
    (runs.shop.data / "late.zip").write_bytes(week(14))
    assert runs.run()["days"]["read"] == 0
    spoil_day(runs.folder, _digest(14))
    (runs.shop.data / "week_1.zip").unlink()
    assert check(runs, **OTHERWISE)["days"]["read"] == 1
    assert _explained(runs, 8).events > 0


def test_a_sound_day_without_room_in_its_archive_outlives_a_damaged_one(runs: Runs) -> None:
    runs.run()
    spoil_day(runs.folder, _digest(9))
    (runs.shop.data / "week_1.zip").write_bytes(week(9))
    runs.run(extract_bytes=1, **OTHERWISE)
    assert kept_days(runs.folder).keys() >= {_digest(n) for n in range(8, 15) if n != 9}


@pytest.mark.parametrize("most", [2, 31])
def test_all_sound_days_of_a_full_file_outlive_a_damaged_one(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    runs.run()
    spoil_day(runs.folder, _digest(9))
    (runs.shop.data / "week_1.zip").write_bytes(week(9, 10))
    monkeypatch.setattr(archive_extracts, "MOST_DAYS", most)
    runs.run(**OTHERWISE)
    assert kept_days(runs.folder).keys() == set(map(_digest, range(8, 22)))


@contextmanager
def _full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No extract can be written."""
    real = LocalStorage.write

    def full(storage: LocalStorage, key: str, data: bytes) -> None:
        if key.startswith("kept/extracts/"):
            raise RetryableError("The disk is full.", "Make room.")
        real(storage, key, data)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStorage, "write", full)
        yield


def test_an_extract_that_cannot_be_made_again_is_not_blamed_on_its_archive(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in extract_files(runs.folder):
        path.unlink()
    with _full(monkeypatch), pytest.raises(EventsGone) as refused:
        _explained(runs, 9)
    assert "cannot be kept: The disk is full." in refused.value.message
    assert refused.value.remedy == "Make room."
    assert _explained(runs, 9).events > 0


def test_a_damaged_file_stays_while_its_sound_days_cannot_be_stored(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, logged: pytest.LogCaptureFixture
) -> None:
    runs.run()
    damaged = spoil_day(runs.folder, _digest(9))
    with _full(monkeypatch):
        runs.run(**OTHERWISE)
    assert "extract_not_kept" in logged.text
    assert damaged.exists()
    assert check(runs)["days"]["read"] == 1
    assert not damaged.exists()
    assert _explained(runs, 14).events > 0


def test_a_file_with_a_damaged_list_goes_and_the_log_says_of_how_many_days(
    runs: Runs, logged: pytest.LogCaptureFixture
) -> None:
    runs.run()
    path, _ = kept_days(runs.folder)[_digest(14)]
    path.write_bytes(b"\xff" * 50 + path.read_bytes()[50:])
    check(runs, **OTHERWISE)
    assert not path.exists()
    assert logged.text.count("damaged_extract_ignored") == 1
    assert "'days': 7" in logged.text


def test_a_day_that_is_damaged_in_the_larger_file_is_not_removed_from_the_smaller(
    runs: Runs,
) -> None:
    runs.run()
    smaller, _ = kept_days(runs.folder)[_digest(14)]
    (runs.shop.data / "week_1.zip").write_bytes(week(*range(8, 15), 28))
    runs.run()
    state = open_storage(str(runs.folder / "state"))
    larger = next(
        path
        for path in extract_files(runs.folder)
        if path.parent == smaller.parent and path.name != smaller.name
    )
    whole = larger.read_bytes()
    larger.write_bytes(whole[: len(whole) // 2])
    assert collect_garbage(state, 9, dry_run=True).extracts == 0
    larger.write_bytes(whole)
    assert collect_garbage(state, 9).extracts == 1
    assert not smaller.exists()
