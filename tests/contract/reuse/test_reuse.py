"""A later run reads what is new, and publishes what a run from scratch would."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.kept import extracts as extract_cache
from pipeline_core.ledger import RunLedger, result_files
from pipeline_core.messages import Limits
from pipeline_core.page import gather as page
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.reuse import memory
from pipeline_core.running.gc import collect_garbage
from pipeline_core.storage import open_storage
from pipeline_core.transform.reports import plugins
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES
from tests.support.apart import lay_apart
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.extracts import extract_files, kept_days, spoil_day
from tests.support.successive import (
    CUSTOMERS,
    PRODUCTS,
    Runs,
    check,
    day,
    figures_of,
    from_scratch,
    week,
)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    archives = {f"week_{n}.zip": week(*range(3 * n + 1, 3 * n + 4)) for n in range(4)}
    return write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)


@pytest.fixture
def runs(shop: Shop, tmp_path: Path) -> Runs:
    return Runs(shop, tmp_path / "reusing")


def size(runs: Runs, *names: str) -> int:
    return sum((runs.shop.data / name).stat().st_size for name in names)


def test_nothing_new_reads_nothing(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    first = runs.run()
    assert first["bytes_read"] == first["compressed_bytes"]
    for path in runs.shop.data.iterdir():  # nobody opens an archive
        path.chmod(0)
    monkeypatch.setattr(Path, "open", _refuse_archives(Path.open))
    second = runs.run()
    assert second["bytes_read"] == 0
    assert second["archives"] == {"read": 0, "reused": 4, "duplicate": 0, "unreadable": 0}
    assert second["days"] == {"read": 0, "reused": 12, "duplicate": 0, "unreadable": 0}
    monkeypatch.undo()
    for path in runs.shop.data.iterdir():
        path.chmod(0o644)
    assert from_scratch(runs) == (runs.files(), figures_of(second))


def _refuse_archives(real: Callable[..., Any]) -> Callable[..., Any]:
    def opened(path: Path, *args: Any, **kwargs: Any) -> Any:
        assert path.suffix != ".zip", f"{path} is opened"
        return real(path, *args, **kwargs)

    return opened


def test_one_new_archive_is_all_that_is_read(runs: Runs) -> None:
    runs.run()
    (runs.shop.data / "week_4.zip").write_bytes(week(20, 21))
    summary = check(runs)
    assert summary["bytes_read"] == size(runs, "week_4.zip")
    assert summary["archives"]["read"] == 1
    assert summary["archives"]["reused"] == 4


def test_one_changed_day_is_extracted_and_the_others_are_not(runs: Runs) -> None:
    runs.run()
    days = {f"events_2024-01-{seed:02}.zip": day(seed) for seed in (4, 5)}
    days["events_2024-01-06.zip"] = day(29)
    (runs.shop.data / "week_1.zip").write_bytes(archive_zip(days))
    summary = check(runs)
    assert summary["bytes_read"] == size(runs, "week_1.zip")
    assert summary["days"] == {"read": 1, "reused": 11, "duplicate": 0, "unreadable": 0}


@pytest.mark.parametrize("name", ["products.csv", "customers.csv"])
@pytest.mark.parametrize("change", ["changed", "gone", "added"])
def test_another_price_list_opens_no_archive(runs: Runs, name: str, change: str) -> None:
    runs.run()
    path = runs.shop.dimensions / name
    lines = path.read_text().splitlines()
    if change == "changed":
        lines[3] = lines[3].replace("3.50", "9.99").replace('"VIP"', '"Gone over"')
        lines[2] = lines[2].replace("1.50", "0.01").replace('"Retail"', '"VIP"')
    elif change == "gone":
        del lines[3]
    else:
        key = '"p9"' if name == "products.csv" else '"c8"'
        lines.append(lines[1].replace('"p0"', key).replace('"c0"', key))
    path.write_text("\n".join(lines) + "\n")
    summary = check(runs)
    assert summary["bytes_read"] == 0
    assert summary["days"]["reused"] == 12


def test_another_rule_opens_no_archive(runs: Runs) -> None:
    runs.run()
    assert check(runs, unknown="bucket")["bytes_read"] == 0
    assert check(runs, unknown="bucket", reject_rows=2)["bytes_read"] == 0


def test_batch_size_changes_nothing_and_needs_nothing(runs: Runs) -> None:
    runs.run(batch_size=1)
    assert check(runs, batch_size=1000)["bytes_read"] == 0


def test_an_archive_that_is_gone_counts_no_more(runs: Runs) -> None:
    runs.run()
    (runs.shop.data / "week_2.zip").unlink()
    assert check(runs)["bytes_read"] == 0


def test_a_renamed_archive_is_read_and_not_extracted(runs: Runs) -> None:
    runs.run()
    (runs.shop.data / "week_2.zip").rename(runs.shop.data / "woche_2.zip")
    summary = check(runs)
    assert summary["bytes_read"] == size(runs, "woche_2.zip")
    assert summary["days"]["read"] == 0
    assert "woche_2.zip" in runs.csvs()["rejects.csv"].decode()


def test_a_copy_counts_once_and_its_original_may_go(runs: Runs) -> None:
    runs.run()
    copy = runs.shop.data / "week_9.zip"
    copy.write_bytes((runs.shop.data / "week_0.zip").read_bytes())
    assert check(runs)["archives"]["duplicate"] == 1
    (runs.shop.data / "week_0.zip").unlink()
    assert check(runs)["archives"]["duplicate"] == 0


def test_a_day_that_moves_into_another_archive_still_counts_once(runs: Runs) -> None:
    runs.run()
    (runs.shop.data / "week_0_again.zip").write_bytes(week(3, 25))
    assert check(runs)["days"]["duplicate"] == 1
    (runs.shop.data / "week_0.zip").write_bytes(week(1, 2))
    assert check(runs)["days"]["duplicate"] == 0


def test_what_cannot_be_read_is_tried_each_time(runs: Runs) -> None:
    (runs.shop.data / "week_1.zip").write_bytes(b"no zip")
    days = {"events_2024-01-07.zip": day(7), "events_2024-01-08.zip": b"no zip"}
    (runs.shop.data / "week_2.zip").write_bytes(archive_zip(days))
    broken = day_zip({"part-001.json": part([purchase()]), "part-002.json": b'[{"a": '})
    (runs.shop.data / "week_3.zip").write_bytes(archive_zip({"events_2024-01-09.zip": broken}))
    first = runs.run()
    again = check(runs)
    assert again["unreadable"] == first["unreadable"]
    assert len(again["unreadable"]) == 3
    assert again["bytes_read"] == size(runs, "week_1.zip", "week_2.zip", "week_3.zip")
    assert check(runs, unknown="bucket")["unreadable"] == first["unreadable"]
    (runs.shop.data / "week_1.zip").write_bytes(week(4))
    assert len(check(runs)["unreadable"]) == 2


@pytest.mark.parametrize(
    ("damage", "days"), [("gone", 3), ("torn", 2), ("empty", 3), ("a day", 1), ("the list", 3)]
)
def test_damaged_extracts_are_made_again(
    runs: Runs, damage: str, days: int, logged: pytest.LogCaptureFixture
) -> None:
    runs.run()
    before = kept_days(runs.folder)
    extract = extract_files(runs.folder)[0]
    data = extract.read_bytes()
    if damage == "gone":
        extract.unlink()
    elif damage == "a day":
        spoil_day(runs.folder, next(day for day, (path, _) in before.items() if path == extract))
    elif damage == "the list":
        extract.write_bytes(data[:50] + bytes([data[50] ^ 1]) + data[51:])
    else:
        extract.write_bytes(data[: len(data) // 2] if damage == "torn" else b"")
    summary = check(runs, unknown="bucket")
    assert summary["days"] == {"read": days, "reused": 12 - days, "duplicate": 0, "unreadable": 0}
    assert ("damaged_extract_ignored" in logged.text) == (damage != "gone")
    logged.clear()
    assert kept_days(runs.folder).keys() == before.keys()
    assert len(extract_files(runs.folder)) == 4, "in the place of the damaged one"
    assert check(runs, unknown="reject")["bytes_read"] == 0
    assert "damaged_extract_ignored" not in logged.text


@pytest.mark.parametrize("folder", ["partials", "rejects", "receipts"])
@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_damaged_result_is_made_again(
    runs: Runs, folder: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if folder != "receipts":
        monkeypatch.setattr(result_files, "MOST_BEHIND", 0)
    runs.run()
    result = min((runs.folder / "state" / "runs" / "run-001" / folder).iterdir())
    if damage == "gone":
        result.unlink()
    else:
        result.write_bytes(result.read_bytes()[:-1])
    summary = check(runs)
    assert summary["bytes_read"] == 0, "its extracts were there"
    assert summary["archives"]["reused"] == 4


def test_results_of_the_version_before_are_taken_over(runs: Runs) -> None:
    """And merged with those of now."""
    runs.run()
    state = open_storage(str(runs.folder / "state"))
    lay_apart(RunLedger(state, "run-001"))
    assert not list((runs.folder / "state" / "runs").glob("*/receipts/*.result"))
    (runs.shop.data / "week_9.zip").write_bytes(week(29))
    summary = check(runs)
    assert (summary["archives"]["reused"], summary["archives"]["read"]) == (4, 1)
    collect_garbage(state, keep_runs=1)
    assert check(runs)["bytes_read"] == 0
    assert rebuild(str(runs.folder / "state"), "run-001").state == "as_published"


def test_a_damaged_memory_is_none(runs: Runs) -> None:
    first = runs.run()
    memory = runs.folder / "state" / "kept" / "archives.json"
    memory.write_bytes(memory.read_bytes()[:-40])
    assert check(runs)["bytes_read"] == first["bytes_read"]


def test_a_memory_that_cannot_be_written_costs_time_only(runs: Runs) -> None:
    memory = runs.folder / "state" / "kept" / "archives.json"
    memory.mkdir(parents=True)  # nothing can take its place
    first = runs.run()
    assert check(runs)["days"] == {**first["days"], "read": 0, "reused": 12}
    assert memory.is_dir()


def test_full_uses_nothing_and_leaves_everything(runs: Runs) -> None:
    first = runs.run()
    assert runs.run(full=True)["bytes_read"] == first["bytes_read"]
    assert check(runs)["bytes_read"] == 0


def test_a_report_that_was_added_is_made_of_all_archives(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier receipts have no partial of it; extracts have all it needs."""
    with monkeypatch.context() as patch:
        patch.setattr(plugins, "REPORTS", (CATEGORY_SALES,))
        # The pages show both reports.
        patch.setattr(page, "write_pages", lambda to, *_: (to / "index.html").touch())
        runs.run()
        assert "daily_sales.csv" not in runs.csvs()
    summary = check(runs)
    assert "daily_sales.csv" in runs.csvs()
    assert summary["bytes_read"] == 0


@pytest.mark.parametrize(("name", "extracts"), [("EXTRACTION_VERSION", 0), ("RULES_VERSION", 12)])
def test_what_other_rules_left_is_not_used(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, name: str, extracts: int
) -> None:
    first = runs.run()
    for module in (extract_cache, memory):
        monkeypatch.setattr(module, name, 99, raising=module is memory)
    other = check(runs)
    assert other["bytes_read"] == (0 if extracts else first["bytes_read"])
    assert other["archives"]["reused"] == (4 if extracts else 0)
    assert other["days"]["reused"] == extracts


def test_a_run_that_keeps_nothing_leaves_no_extracts(runs: Runs) -> None:
    first = runs.run(keep=False)
    assert not (runs.folder / "state" / "kept" / "extracts").exists()
    assert check(runs)["bytes_read"] == 0, "the same receipts hold"
    assert check(runs, unknown="bucket")["bytes_read"] == first["bytes_read"]


def test_other_limits_are_other_extracts(runs: Runs) -> None:
    runs.run()
    summary = check(runs, limits=Limits(event_bytes=60))
    assert len(summary["unreadable"]) == 24
    assert check(runs, limits=Limits())["bytes_read"] == 0


def test_the_archive_limit_holds_for_extracts_too(runs: Runs) -> None:
    first = runs.run()
    tight = Limits(archive_bytes=first["json_bytes"] // 4 - 200)
    runs.run(limits=tight)
    assert check(runs, limits=tight, unknown="bucket")["archives"]["unreadable"] > 0


def test_an_archive_that_changes_back_needs_no_extraction(runs: Runs) -> None:
    runs.run()
    path = runs.shop.data / "week_1.zip"
    before = path.read_bytes()
    path.write_bytes(week(28))
    runs.run()
    path.write_bytes(before)
    os.utime(path, ns=(1, 1))
    assert check(runs)["days"]["read"] == 0


def test_garbage_is_what_no_later_run_can_use(runs: Runs) -> None:
    state = open_storage(str(runs.folder / "state"))
    runs.run()
    path = runs.shop.data / "week_1.zip"
    path.write_bytes(week(4, 5, 28))
    runs.run()
    nothing = collect_garbage(state, keep_runs=2)
    assert (nothing.extracts, nothing.results, nothing.bytes) == (0, 0, 0)
    seen = collect_garbage(state, keep_runs=1, dry_run=True)
    assert (seen.extracts, seen.results) == (1, 1), "day 6, and week 1 as it was"
    assert collect_garbage(state, keep_runs=1) == seen
    assert collect_garbage(state, keep_runs=1).bytes == 0
    assert check(runs)["bytes_read"] == 0
    assert check(runs, unknown="bucket")["bytes_read"] == 0
