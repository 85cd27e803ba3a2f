"""What an archive may cost in bytes: nothing that its maker chose is written without a bound, and
nothing that is cut is counted less."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.containers.cut import is_cut, label
from pipeline_core.containers.entry_names import day_date, day_label
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.publication.repair import repair_files
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from pipeline_core.questions.range_report import range_sales
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from pipeline_core.watching.watch import Watch
from tests.support.archives import (
    Shop,
    archive_zip,
    day_zip,
    packed_entry,
    part,
    purchase,
    raw_zip,
    write_shop,
)
from tests.support.extracts import extract_files, kept_days
from tests.support.processes import published_csvs
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    rejects,
    run_local,
    sales,
    shop_of,
    summary,
    text,
    units,
    week,
)
from tests.support.successive import Runs, check
from tests.support.verified import assert_agrees

extract_days = import_module("pipeline_core.extract.days")
DAY = "2024-03-01.zip"
MIB = 1 << 20
# docs/reliability.md says what makes this: 150 events of 4 KiB, twice, their extract, and a page.
MOST_OF_A_SMALL_ARCHIVE = 5 * MIB


def _size(*folders: Path) -> int:
    return sum(
        path.stat().st_size for each in folders for path in each.rglob("*") if path.is_file()
    )


def _defaults() -> dict[str, Any]:
    """What a run has without any setting."""
    options = load_settings().options()
    return {
        name: getattr(options, name)
        for name in ("reject_rows", "reject_bytes", "reject_event_bytes", "most_listed")
    }


def test_small_archive_of_large_events_costs_little(tmp_path: Path) -> None:
    event = json.dumps(purchase(quantity=0, note="?")).encode().replace(b"?", b" " * MIB)
    archive = week(b"[" + b",".join([event] * 150) + b"]")
    assert len(archive) < 3200
    shop = write_shop(tmp_path / "shop", {"week.zip": archive})
    outcome = run_local(shop, tmp_path, allow_incomplete=True, **_defaults())
    assert summary(outcome).events.rejected == 150
    assert _size(tmp_path / "state", tmp_path / "reports") < MOST_OF_A_SMALL_ARCHIVE
    found = rejects(tmp_path)
    assert [row["position"] for row in found] == [str(number) for number in range(150)]
    assert all(is_cut(row["event"]) and len(row["event"]) < 4200 for row in found)


def _long_and_short(tmp_path: Path) -> Shop:
    """Three days; every third reject is longer than 100 bytes."""
    bad = [purchase(quantity=0, n=n, note="ä€😀"[n % 3] * (40 * (n % 3))) for n in range(30)]
    days = {
        f"2024-03-0{n}.zip": day_zip({"a.json": part(bad[:n]), "b.json": part([*bad[n:], 5])})
        for n in range(1, 4)
    }
    last = {"c.json": part([purchase(), {"event_type": 1, "note": "x" * 500}])}
    archives = {"a.zip": archive_zip(days), "b.zip": archive_zip({"2024-04-01.zip": day_zip(last)})}
    return write_shop(tmp_path / "shop", archives)


def test_short_events_are_as_they_were_and_long_ones_are_cut_where_they_were(
    tmp_path: Path,
) -> None:
    shop = _long_and_short(tmp_path)
    run_local(shop, tmp_path / "whole")
    outcome = run_local(shop, tmp_path / "cut", reject_event_bytes=150)
    whole, cut = rejects(tmp_path / "whole"), rejects(tmp_path / "cut")
    assert [{**row, "event": ""} for row in whole] == [{**row, "event": ""} for row in cut]
    lengths = [len(row["event"].encode()) for row in whole]
    assert min(lengths) < 150 < max(lengths)
    for before, after, length in zip(whole, cut, lengths, strict=True):
        assert is_cut(after["event"]) == (length > 150)
        kept = after["event"].partition("… (cut, ")[0]
        assert before["event"] == kept if length <= 150 else before["event"].startswith(kept)
    assert_agrees(tmp_path / "cut", outcome)


@pytest.mark.parametrize("most", [1, 90, 2000, 5000, 7000, 1 << 20])
def test_rejects_end_at_the_first_that_does_not_fit_however_the_work_is_cut(
    tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = _long_and_short(tmp_path)
    limits: dict[str, Any] = {"reject_bytes": most, "reject_event_bytes": 150}
    everything = run_local(shop, tmp_path / "all", reject_event_bytes=150)
    outcome = run_local(shop, tmp_path / "whole", **limits)
    whole, capped = text(tmp_path / "all", "rejects.csv"), text(tmp_path / "whole", "rejects.csv")
    header = len(whole.splitlines(keepends=True)[0])
    assert len(capped.encode()) - header <= most
    assert whole.startswith(capped)
    if capped != whole:
        following = whole.removeprefix(capped).splitlines(keepends=True)[0]
        assert len((capped + following).encode()) - header > most
    assert summary(outcome).events == summary(everything).events
    assert summary(outcome).rejected == summary(everything).rejected
    assert_agrees(tmp_path / "whole", outcome)
    run_local(shop, tmp_path / "shares", processes=2, **limits)
    run_local(shop, tmp_path / "batches", batch_size=1, **limits)
    for module in ("candidates", "feed_rules", "scan"):
        monkeypatch.setattr(f"pipeline_core.extract.{module}.kernel", None)
    run_local(shop, tmp_path / "plain", **limits)
    for other in ("shares", "batches", "plain"):
        assert published_csvs(tmp_path / other) == published_csvs(tmp_path / "whole")


def test_bytes_are_counted_before_texts_are_made_safe_for_spreadsheets(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"=a.zip": week(part([5] * 9)), "b.zip": week(sales())})
    run_local(shop, tmp_path / "plain", reject_bytes=200)
    run_local(shop, tmp_path / "safe", reject_bytes=200, spreadsheet_safe=True)
    plain, safe = rejects(tmp_path / "plain"), rejects(tmp_path / "safe")
    assert 0 < len(plain) < 9
    assert [{**row, "archive": "'" + row["archive"]} for row in plain] == safe


def test_reused_rejects_are_those_of_a_fresh_run(tmp_path: Path) -> None:
    runs = Runs(_long_and_short(tmp_path), tmp_path / "reusing")
    runs.run()  # as an earlier version did it
    uncut = runs.csvs()
    for limits in ({"reject_event_bytes": 150}, {"reject_event_bytes": 90, "reject_bytes": 3000}):
        check(runs, **limits)  # of kept extracts
        assert check(runs, **limits)["archives"]["reused"] == 2
        assert runs.csvs() != uncut


@contextmanager
def _peak(most: int) -> Iterator[None]:
    """Fails if Python's objects take more than ``most`` bytes at some moment inside."""
    tracemalloc.start()
    try:
        yield
        found = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found < most, f"{found / MIB:.1f} MiB"


@pytest.mark.parametrize("safe", [True, False])
def test_rejects_of_an_archive_are_published_without_being_held(tmp_path: Path, safe: bool) -> None:
    archives = {
        f"{letter}.zip": week(part([purchase(quantity=0, note=letter * 4000)] * 4000))
        for letter in "ab"
    }
    manifest = plan_local(write_shop(tmp_path / "shop", archives), tmp_path, spreadsheet_safe=safe)
    process_local(tmp_path, manifest)
    with _peak(8 * MIB):
        publish_local(tmp_path, manifest, allow_incomplete=True)
    assert _size(tmp_path / "reports" / "runs") > 2 * 4000 * 4000


def test_large_file_is_compared_with_what_is_published_without_being_held(tmp_path: Path) -> None:
    for name in ("made", "reports/runs/r"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "rejects.csv").write_bytes(b"x" * 16 * MIB)
    reports = open_storage(str(tmp_path / "reports"))
    with _peak(8 * MIB):
        assert repair_files(tmp_path / "made", reports, "runs/r", dry_run=True) == (
            "as_published",
            (),
        )
    with (tmp_path / "reports/runs/r/rejects.csv").open("ab") as file:
        file.write(b"x")
    found = repair_files(tmp_path / "made", reports, "runs/r", dry_run=True)
    assert found == ("damaged", ("rejects.csv",))


# --- names ---------------------------------------------------------------------------------------


def _long_name(middle: str) -> str:
    return "x" * 20_000 + middle + "y" * 20_000 + ".json"


def test_long_names_stay_apart_and_take_little_room(tmp_path: Path) -> None:
    parts = {_long_name(middle): part([purchase(), *[5] * 50]) for middle in ("a", "b")}
    parts["c" * 1019 + ".json"] = part([purchase(), 5])
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip({DAY: day_zip(parts)})})
    outcome = run_local(shop, tmp_path)
    assert units(outcome) == 3
    assert summary(outcome).parts.read == 3
    assert summary(outcome).repeated_parts == ()
    names = {row["part"] for row in rejects(tmp_path)}
    assert names == {label(name) for name in parts}
    assert max(len(name.encode()) for name in names) == 1024
    assert {name for name in names if len(name) == 1024} == {"c" * 1019 + ".json"}
    assert _size(tmp_path / "state", tmp_path / "reports") < MIB
    assert_agrees(tmp_path, outcome)


def test_long_names_of_days_keep_their_dates_and_copies_count_once(tmp_path: Path) -> None:
    folder = "é" * 15_000
    days = {f"{folder}{n}/2024-03-0{n}.zip": day_zip({"a.json": sales(n)}) for n in (1, 2)}
    days[f"{folder}3/2024-03-01.zip"] = day_zip({"a.json": sales(1)})
    days[f"{folder}4/2024-03-04.zip"] = b"no zip"
    runs = Runs(write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)}), tmp_path / "runs")
    found = runs.run()
    assert found["totals"]["units_sold"] == 3
    assert found["days"]["duplicate"] == 1
    assert found["missing_days"] == ["2024-03-03"]
    assert len(found["unreadable"][0]["day"].encode()) <= 1024
    assert check(runs)["totals"]["units_sold"] == 3
    assert _size(runs.folder) < 2 * MIB


def _as_earlier(name: str) -> str:
    """The label of a long name before its digest was written in groups."""
    text = name.encode()
    return "…".join((name[:480], hashlib.sha256(text).hexdigest()[:32], name[-480:]))


def _undated_with_digits() -> str:
    """A long name without a digit whose SHA-256 holds what reads as a date."""
    names = ("q" * 1100 + "".join(letters) + ".zip" for letters in product("abcdefgh", repeat=6))
    return next(name for name in names if day_date(_as_earlier(name)))


def _dates(folder: Path) -> list[str]:
    return [row["date"] for row in csv.DictReader(text(folder, "daily_sales.csv").splitlines())]


# Names over 1,024 bytes, and the date that somebody reads in them.
LONG_DAYS = {
    "x" * 900 + "2024-03-05" + "y" * 900 + ".zip": "2024-03-05",
    "x" * 476 + "20240306" + "y" * 900 + ".zip": "2024-03-06",  # cut within the date
    "x" * 900 + "1" + "20240307" + "y" * 472 + ".zip": "",  # nine digits, cut behind the first
    "2024-03-08/" + "x" * 900 + "/" + "y" * 900 + ".zip": "",  # a folder's
    "2024-03-08/" + "z" * 900 + "/2024_03_09" + "y" * 900 + ".zip": "2024-03-09",
    "x" * 900 + "20240310" + "y" * 900 + "2024-03-11.zip": "2024-03-11",  # before mere digits
}


def test_date_of_a_long_name_is_that_of_the_whole_name_and_none_is_made_of_its_digest(
    tmp_path: Path,
) -> None:
    undated = _undated_with_digits()
    days = {**LONG_DAYS, undated: ""}
    archive = archive_zip(
        {name: day_zip({"a.json": sales(n)}) for n, name in enumerate(days, start=1)}
    )
    shop = write_shop(tmp_path / "shop", {"week.zip": archive})
    outcome = run_local(shop, tmp_path)
    assert summary(outcome).status == "complete"
    assert _dates(tmp_path) == sorted({*days.values()})
    assert summary(outcome).missing_count == 3
    assert_agrees(tmp_path, outcome)
    april = range_sales(_ledger(tmp_path, outcome), date(2024, 3, 5), date(2024, 3, 31)).report
    assert (april.totals.units_sold, april.undated_days) == (1 + 2 + 5 + 6, 3)


def test_what_an_earlier_version_dated_by_a_digest_is_read_again(tmp_path: Path) -> None:
    name = _undated_with_digits()
    shop = write_shop(
        tmp_path / "shop", {"week.zip": archive_zip({name: day_zip({"a.json": sales()})})}
    )
    runs = Runs(shop, tmp_path / "runs")
    runs.run()
    memory = runs.folder / "state" / "kept" / "archives.json"
    earlier = memory.read_text().replace(day_label(name), _as_earlier(name))
    memory.write_text(re.sub(r'("extraction": ?)\d+', r"\g<1>2", earlier))
    assert _as_earlier(name) in memory.read_text()
    assert check(runs)["archives"]["read"] == 1
    assert _dates(runs.folder) == [""]


# --- lists ---------------------------------------------------------------------------------------


def _mostly_broken(folder: Path) -> Shop:
    """Of one archive 20 parts, a day and two copies of that are unreadable, of another all."""
    broken = {f"{n:02}.json": b"[" + b"1," * n + b"x" for n in range(20)}
    days = {
        DAY: day_zip({"a.json": sales(2), **broken}),
        "2024-03-02.zip": b"no zip",
        "2024-03-04.zip": day_zip({"a.json": sales(1)}),
    }
    archives = {"a.zip": archive_zip(days), "b.zip": b"none", "c.zip": week(sales(3))}
    return write_shop(folder / "shop", archives)


def _ledger(folder: Path, outcome: Outcome) -> RunLedger:
    return RunLedger(open_storage(str(folder / "state")), outcome.run_id)


@pytest.mark.parametrize("processes", [1, 4])
def test_list_of_what_is_unreadable_is_capped_and_its_count_is_not(
    tmp_path: Path, processes: int
) -> None:
    shop = _mostly_broken(tmp_path)
    outcome = run_local(shop, tmp_path, most_listed=4, processes=processes)
    found = summary(outcome)
    assert (outcome.exit_code, found.status) == (3, "incomplete")
    assert found.unreadable_total == found.unreadable_count == 22
    assert (found.archives.unreadable, found.days.unreadable, found.parts.unreadable) == (1, 1, 20)
    places = [(place.archive, place.day, place.part) for place in found.unreadable]
    assert places == [*(("a.zip", DAY, f"{n:02}.json") for n in range(3)), ("b.zip", None, None)]
    assert_agrees(tmp_path, outcome)
    page = text(tmp_path, "index.html")
    assert "22 inputs could not be read" in page
    watched = Watch(open_storage(str(tmp_path / "state")), outcome.run_id).look()
    assert {each.name: each.state for each in watched.archives}["a.zip"] == "done"
    # What is not listed may be of any range, and of any cell: nothing of it is called complete.
    ledger = _ledger(tmp_path, outcome)
    april = range_sales(ledger, date(2024, 4, 1), date(2024, 4, 2)).report
    assert (april.unlisted, april.is_whole) == (18, False)
    assert explain(ledger, Cell("Office", "Retail", date(2024, 3, 4)), 3).unlisted == 18


def test_run_that_an_earlier_version_planned_is_rebuilt_as_it_was(tmp_path: Path) -> None:
    shop = _mostly_broken(tmp_path)
    outcome = run_local(shop, tmp_path)  # without the limits that a plan has now
    path = tmp_path / "reports" / "runs" / outcome.run_id / "summary.json"
    found = json.loads(path.read_text())
    assert len(found["unreadable"]) == 22
    for name in ("unreadable", "conflicting_days", "missing_days"):
        assert found.pop(f"{name}_total") is None
    path.write_text(json.dumps(found))  # as that version wrote it
    again = rebuild(str(tmp_path / "state"), outcome.run_id, dry_run=True)
    assert again.state == "as_published"
    assert_agrees(tmp_path, outcome)


def test_refusal_says_how_many_could_not_be_read(tmp_path: Path) -> None:
    shop = _mostly_broken(tmp_path)
    outcome = run_local(shop, tmp_path, most_listed=1, publish_incomplete=False)
    assert outcome.state == "refused"
    assert outcome.reason.startswith("22 of the inputs could not be read, first b.zip: ")


def test_causes_that_a_watcher_is_told_are_few(tmp_path: Path) -> None:
    outcome = run_local(_mostly_broken(tmp_path), tmp_path, most_listed=1000)
    (told,) = (
        each.cause
        for each in Watch(open_storage(str(tmp_path / "state")), outcome.run_id).look().archives
        if each.name == "a.zip"
    )
    assert told.count("; ") == 5
    assert told.endswith(" more")


def test_days_that_conflict_are_capped_and_counted(tmp_path: Path) -> None:
    archives = {
        f"{name}.zip": archive_zip(
            {f"2024-03-0{n}.zip": day_zip({"a.json": sales(n, of=name)}) for n in range(1, 8)}
        )
        for name in "ab"
    }
    outcome = run_local(write_shop(tmp_path / "shop", archives), tmp_path, most_listed=3)
    found = summary(outcome)
    assert found.conflicting_days == tuple(f"2024-03-0{n}.zip" for n in range(1, 4))
    assert found.conflicting_days_total == 7
    assert_agrees(tmp_path, outcome)


def test_unread_copies_of_unread_parts_are_not_listed_each_with_each(tmp_path: Path) -> None:
    broken = day_zip({"a.json": sales(), **{f"{n}.json": b"[" for n in range(30)}})
    names = ["0/2024-03-01.zip", *(f"{n}/2024-03-02.zip" for n in range(1, 21))]
    archive = archive_zip([(name, broken) for name in names])
    shop = write_shop(tmp_path / "shop", {"week.zip": archive})
    outcome = run_local(shop, tmp_path, most_listed=50)
    assert summary(outcome).days.duplicate == 20
    ledger = _ledger(tmp_path, outcome)
    found = range_sales(ledger, date(2024, 3, 2), date(2024, 3, 2)).report
    assert (len(found.unreadable), found.unlisted) == (50, 20 * 30 - 50)
    assert found.unreadable[49].day == "10/2024-03-02.zip"


def test_two_dates_millennia_apart_make_no_long_list(tmp_path: Path) -> None:
    first, last = date.min, date.max
    days = {f"{day}.zip": day_zip({"a.json": sales(day.year)}) for day in (first, last)}
    shop = write_shop(tmp_path / "shop", {"week.zip": archive_zip(days)})
    outcome = run_local(shop, tmp_path, **_defaults())
    found = summary(outcome)
    assert found.missing_days_total == (last - first).days - 1
    assert len(found.missing_days) == 10_000
    assert found.missing_days[-1] == date(9999, 12, 30)
    assert _size(tmp_path / "state", tmp_path / "reports") < MOST_OF_A_SMALL_ARCHIVE


def test_planning_inflates_no_more_of_an_archive_than_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory may say of many days that they are alike."""
    content = b"x" * 100_000
    entries = [replace(packed_entry(f"{n}.zip", content), crc=7) for n in range(50)]
    shop = write_shop(tmp_path / "shop", {"week.zip": raw_zip(entries)})
    inflated, real = list[int](), extract_days.day_bytes

    def noted(*args: Any) -> Iterator[bytes | bytearray]:
        for block in real(*args):
            inflated.append(len(block))
            yield block

    monkeypatch.setattr(extract_days, "day_bytes", noted)
    plan_local(shop, tmp_path, limits={"archive_bytes": 300_000})
    assert 300_000 - len(content) <= sum(inflated) <= 300_000


# --- what is kept --------------------------------------------------------------------------------


def test_extract_beyond_its_limit_is_not_kept_and_nothing_else_changes(tmp_path: Path) -> None:
    usual = Runs(_long_and_short(tmp_path), tmp_path / "usual")
    usual.run(extract_bytes=3 * 4096)
    assert len(kept_days(usual.folder)) == 4
    runs = Runs(_squeezed(tmp_path), tmp_path / "squeezed")
    first = runs.run(extract_bytes=1)
    assert not list((runs.folder / "state" / "kept").rglob("*.arrow"))
    # A later run reads the archive again, and so does who wants to know.
    assert check(runs, unknown="bucket", extract_bytes=1)["totals"] == first["totals"]
    ledger = RunLedger(open_storage(str(runs.folder / "state")), "run-001")
    assert explain(ledger, Cell("Office", "Retail", None), 3).events == 1


def test_extracts_take_so_many_blocks_of_a_disk(tmp_path: Path) -> None:
    days = {f"{n}/2024-03-01.zip": day_zip({"a.json": _blanks(10 + n)}) for n in range(6)}
    archive = archive_zip(days)
    runs = Runs(write_shop(tmp_path / "shop", {"week.zip": archive}), tmp_path / "runs")
    room = (4096 + 8 * len(archive)) // 4096
    runs.run(extract_bytes=4096)
    kept = len(kept_days(runs.folder))
    assert 0 < kept < len(days)
    assert _blocks(runs.folder) <= room
    found = check(runs, extract_bytes=4096, unknown="bucket")
    assert (found["days"]["reused"], found["days"]["read"]) == (kept, len(days) - kept)
    shared = Runs(runs.shop, tmp_path / "shared")
    shared.run(extract_bytes=4096, processes=2)
    assert _blocks(shared.folder) <= room


def _blocks(folder: Path) -> int:
    return sum(-(-path.stat().st_size // 4096) for path in extract_files(folder))


def _squeezed(folder: Path) -> Shop:
    return write_shop(folder / "squeezed" / "shop", {"week.zip": week(_blanks(60))})


def _blanks(events: int) -> bytes:
    """Two kilobytes of blanks in blanks, of which LZ4 leaves more than eight times as much."""
    event = json.dumps(purchase(quantity=0, note="?")).encode().replace(b"?", b" " * 100_000)
    return b"[" + b",".join([event] * events + [json.dumps(purchase()).encode()]) + b"]"


def test_id_of_any_length_is_cut_where_it_is_shown(tmp_path: Path) -> None:
    outcome = run_local(
        shop_of(tmp_path, part([purchase(customer="c" * 100_000), purchase()])), tmp_path
    )
    found = explain(_ledger(tmp_path, outcome), Cell("Office", "Retail", None), 3)
    (left_out,) = found.first_left_out
    assert left_out.customer is not None
    assert is_cut(left_out.customer)
    assert len(left_out.customer) < 4200


def test_rows_of_a_spreadsheet_stay_rows(tmp_path: Path) -> None:
    """An event that is cut in the middle of a quote is still one field of one record."""
    events = [purchase(quantity=0, note='"' * n) for n in range(60)]
    run_local(shop_of(tmp_path, part(events)), tmp_path, reject_event_bytes=101)
    with (tmp_path / "reports" / "latest" / "rejects.csv").open(newline="") as file:
        assert {len(row) for row in csv.reader(file, strict=True)} == {6}
