"""Days that are no zips: parts in folders, or straight in the archive, by their dates."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from console.commands.plan import show_plan
from pipeline_core.frames import EventExtractor
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.messages import Feed, Limits, Outcome
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from pipeline_core.questions.range_report import range_sales
from pipeline_core.settings import load_settings
from tests.support.archives import (
    Entries,
    Shop,
    archive_zip,
    day_zip,
    flipped,
    part,
    purchase,
    write_shop,
)
from tests.support.extracts import extract_files
from tests.support.processes import published_csvs
from tests.support.run import rejects, rows, run_local, sales, summary, text, units, unreadable
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, check
from tests.support.verified import assert_agrees

OURS = Feed()
DAYS = {
    f"2024-03-0{day}": {
        f"part-00{number}.json": part(
            [purchase(f"c{n % 9}", f"p{(n * day) % 10}", 1 + n % 3) for n in range(10 * number + 8)]
        )
        for number in range(2)
    }
    for day in range(4, 8)
}


def in_zips(days: Mapping[str, Entries]) -> bytes:
    """As the exercise has them."""
    return archive_zip({f"events_{name}.zip": day_zip(parts) for name, parts in days.items()})


def in_folders(days: Mapping[str, Mapping[str, bytes]], form: str = "{}/{}") -> bytes:
    """The same parts in folders; ``form`` has a day's name and a part's."""
    return day_zip(
        {
            form.format(name, part_name): content
            for name, parts in days.items()
            for part_name, content in parts.items()
        }
    )


def shop_with(folder: Path, **archives: bytes) -> Shop:
    files = {f"{name}.zip": content for name, content in archives.items()}
    return write_shop(folder / "shop", files, CUSTOMERS, PRODUCTS)


def ran(folder: Path, feed: Feed = OURS, **archives: bytes) -> Outcome:
    return run_local(shop_with(folder, **archives), folder, feed=feed)


# --- found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        "{}/{}",
        "a shop/{}/hour=05/{}",
        "{}_{}",
        "dt={}\\{}",
        pytest.param("2024/03/0{0[9]}/{1}", id="three folders"),
        pytest.param("year=2024/month=03/day=0{0[9]}/{1}", id="three named folders"),
        pytest.param("123/123_2024030{0[9]}-{1}", id="eight digits"),
    ],
)
def test_folders_of_parts_count_as_daily_zips_do(tmp_path: Path, form: str) -> None:
    ran(tmp_path / "zips", week_10=in_zips(DAYS))
    outcome = ran(tmp_path / "loose", week_10=in_folders(DAYS, form))
    assert outcome.exit_code == 0
    assert (summary(outcome).days.read, summary(outcome).parts.read) == (4, 8)
    assert summary(outcome).ignored == {}
    zips, loose = (published_csvs(tmp_path / each) for each in ("zips", "loose"))
    assert zips.pop("rejects.csv") != loose.pop("rejects.csv"), "places are others"
    assert loose == zips


def test_parts_straight_in_an_archive_have_its_date(tmp_path: Path) -> None:
    ran(tmp_path / "zips", week_10=in_zips(DAYS))
    archives = {f"events_{name}.zip": day_zip(parts) for name, parts in DAYS.items()}
    shop = write_shop(tmp_path / "shop", archives, CUSTOMERS, PRODUCTS)
    outcome = run_local(shop, tmp_path / "loose")
    assert (summary(outcome).archives.read, summary(outcome).days.read) == (4, 4)
    for name in ("sales_report.csv", "daily_sales.csv"):
        assert text(tmp_path / "loose", name) == text(tmp_path / "zips", name)


def test_zips_loose_parts_and_what_is_neither_stand_in_one_archive(tmp_path: Path) -> None:
    content = day_zip(
        [
            ("deep/2024-03-01.zip", day_zip({"0.json": sales(1), "x.csv": b""})),
            ("2024-03-02/0.json", sales(2)),
            ("2024-03-02/", b""),
            ("2024-03-02/__MACOSX/0.json", b"junk"),
            ("2024-03-01/0.json", sales(4)),
            ("0.json", sales(8)),
            ("notes.txt", b""),
        ]
    )
    outcome = run_local(write_shop(tmp_path / "shop", {"week.zip": content}), tmp_path)
    found = summary(outcome)
    assert outcome.exit_code == 0
    assert (found.days.read, found.parts.read, units(outcome)) == (4, 4, 15)
    assert found.ignored == {".csv": 1, ".json": 1, ".txt": 1}
    assert [(row[0], row[-1]) for row in rows(tmp_path, "daily_sales.csv")] == [
        ("", "8"),
        ("2024-03-01", "5"),
        ("2024-03-02", "2"),
    ]


def test_a_reject_is_placed_by_its_day_and_its_whole_name(tmp_path: Path) -> None:
    bad = part([{"event_type": "purchase"}, 5])
    ran(tmp_path, b=day_zip({"x/0.json": bad}), a=in_folders({"2024-03-02": {"h1/0.json": bad}}))
    assert [tuple(row.values())[1:5] for row in rejects(tmp_path)] == [
        ("a.zip", "2024-03-02", "2024-03-02/h1/0.json", "0"),
        ("a.zip", "2024-03-02", "2024-03-02/h1/0.json", "1"),
        ("b.zip", "b", "x/0.json", "0"),
        ("b.zip", "b", "x/0.json", "1"),
    ]


def test_what_is_to_be_left_out_is_counted_and_not_read(tmp_path: Path) -> None:
    inside = day_zip({"0.json": sales(1), "manifest.json": b"{", "old/1.json": sales(64)})
    content = day_zip(
        {
            "2024-03-01.zip": inside,
            "2024-03-02.ZIP": day_zip({"0.json": sales(32)}),
            "2024-03-03/0.json": sales(2),
            "2024-03-03/Manifest.json": b"{",
            "events_intraday_20240303.json": sales(16),
        }
    )
    feed = Feed(ignore=("manifest.json", "*_INTRADAY_*", "*-02.zip", "old/*"))
    outcome = ran(tmp_path, feed=feed, week=content)
    assert (outcome.exit_code, units(outcome)) == (0, 3)
    assert summary(outcome).ignored == {".zip": 1, ".json": 4}
    assert summary(outcome).parts.read == 2


def test_further_entries_are_parts_by_their_endings_or_by_patterns(tmp_path: Path) -> None:
    content = day_zip(
        {
            "2024-03-01.zip": day_zip({"0.log": sales(1), "part-0": sales(2), "x.csv": b""}),
            "2024-03-02/0.LOG": sales(4),
            "2024-03-02/PART-1": sales(8),
            "2024-03-02/x.csv": b"",
        }
    )
    outcome = ran(tmp_path, feed=Feed(parts=(".log", "part-*")), week=content)
    assert (outcome.exit_code, units(outcome)) == (0, 15)
    assert summary(outcome).ignored == {".csv": 2}


def test_a_star_makes_everything_a_part(tmp_path: Path) -> None:
    entries = {"2024-03-02/x": sales(1), "2024-03-02/": b"", ".y": sales(2), "z.csv": sales(4)}
    outcome = ran(tmp_path, feed=Feed(parts=("*",)), week=day_zip(entries))
    assert (outcome.exit_code, units(outcome)) == (0, 5)
    assert summary(outcome).ignored == {"": 1}


@pytest.mark.parametrize(
    ("feed", "cause"),
    [
        (Feed(), "the archive holds no day, but 2 .csv"),
        (
            Feed(ignore=("*.json",)),
            "the archive holds no day, but 2 .csv, 1 .json, of which SALES_IGNORE leaves out 1",
        ),
    ],
)
def test_an_archive_without_a_day_says_what_it_holds(
    tmp_path: Path, feed: Feed, cause: str
) -> None:
    entries = {"a/1.csv": b"", "2.csv": b""} | ({"3.json": sales(1)} if feed.ignore else {})
    outcome = ran(tmp_path, feed=feed, bad=day_zip(entries), good=in_zips({}))
    assert unreadable(outcome) == {("bad.zip", None, None): cause}


def test_a_dated_folder_without_a_part_is_an_unreadable_day(tmp_path: Path) -> None:
    content = day_zip(
        {
            "2024-03-01/0.json": sales(1),
            "2024-03-01/x.csv": b"",
            "2024-03-02/": b"",
            "2024/03/03/05/0.avro": b"1",
            "2024/03/03/.success": b"",
            "2024-03-04/_SUCCESS": b"",
            "events_2024-03-04.zip": day_zip({"0.json": sales(2)}),
            "2024-03-05/manifest.json": b"{}",
            "2024-03-06/zipped/week.zip": day_zip({"0.json": sales(4)}),
            "2024-03-06/readme": b"",
        }
    )
    outcome = ran(tmp_path, feed=Feed(ignore=("manifest.json",)), week=content)
    assert unreadable(outcome) == {
        ("week.zip", "2024-03-03", None): "the day holds no part, but 1 .avro"
    }
    found = summary(outcome)
    assert (outcome.exit_code, units(outcome)) == (3, 7)
    assert (found.days.read, found.days.unreadable) == (3, 1)
    assert list(map(str, found.missing_days)) == ["2024-03-02"]
    assert found.ignored == {"": 3, ".avro": 1, ".csv": 1, ".json": 1}
    assert_agrees(tmp_path, outcome)


def test_the_same_dated_folder_without_a_part_is_told_once(tmp_path: Path) -> None:
    bad = {"2024-03-01/0.csv": b"x", "2024-03-02/0.json": sales(1)}
    outcome = ran(tmp_path, a=day_zip(bad), b=day_zip(bad | {"0.json": sales(2)}))
    assert list(unreadable(outcome)) == [("a.zip", "2024-03-01", None)]
    assert summary(outcome).days.duplicate == 2
    assert_agrees(tmp_path, outcome)


def test_days_after_the_date_are_not_there_and_none_is_without_a_date(tmp_path: Path) -> None:
    content = day_zip({f"2024-03-0{n}/0.json": sales(10**n) for n in (1, 2, 3)} | {"x.json": b"["})
    shop = write_shop(tmp_path / "shop", {"week.zip": content})
    outcome = run_local(shop, tmp_path, as_of=date(2024, 3, 2))
    assert (outcome.exit_code, units(outcome)) == (0, 110)


def test_frames_have_the_events_of_loose_parts(tmp_path: Path) -> None:
    undated = day_zip({"a/0.json": sales(1), "1.json": b"{"})
    shop = shop_with(tmp_path, week=in_folders(DAYS), x=undated)
    extractor = EventExtractor(shop.data)
    frame = extractor.to_frame()
    assert len(frame) == 4 * (8 + 18) + 1
    assert list(frame["day"].unique()) == [*DAYS, "x"]
    assert frame["part"].iloc[-1] == "a/0.json"
    assert [(each.day, each.part) for each in extractor.unreadable] == [("x", "1.json")]


def test_plan_knows_the_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop = shop_with(tmp_path, week=in_folders(DAYS), copy=in_folders({"2024-03-09": {}}, "{}/{}"))
    places = {"data": str(shop.data), "state": str(tmp_path / "state")}
    (shop.data / "late.zip").write_bytes(in_folders({"2024-03-09": {"0.json": b"[]"}}))
    show_plan(load_settings(places), as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["days"]) for each in told["archives"]] == [
        ("copy.zip", 0),
        ("late.zip", 1),
        ("week.zip", 4),
    ]
    assert told["missing_days"] == ["2024-03-08"]


# --- unreadable ----------------------------------------------------------------------------------


@pytest.mark.parametrize("spoilt", [b"[1", b"{" + sales(1), b"[" + 2000 * b"x"])
def test_an_unreadable_part_costs_no_other(tmp_path: Path, spoilt: bytes) -> None:
    bad = {**DAYS, "2024-03-05": DAYS["2024-03-05"] | {"part-000.json": spoilt}}
    outcome = ran(tmp_path / "loose", week=in_folders(bad))
    ran(tmp_path / "zips", week=in_zips(bad))
    assert list(unreadable(outcome)) == [("week.zip", "2024-03-05", "2024-03-05/part-000.json")]
    for name in ("sales_report.csv", "daily_sales.csv"):
        assert text(tmp_path / "loose", name) == text(tmp_path / "zips", name)


def test_a_damaged_part_costs_no_other_and_is_the_same_in_every_run(tmp_path: Path) -> None:
    content = flipped(in_folders(DAYS), entry=2)
    runs = Runs(shop_with(tmp_path, week=content), tmp_path / "runs")
    first = runs.run()
    assert first["parts"] == {"read": 7, "unreadable": 1}
    assert "2024-03-05/part-000.json" in str(first["unreadable"])
    check(runs, unknown="bucket")
    assert rebuild(str(runs.folder / "state"), "run-001").state == "as_published"


def test_a_day_over_its_limit_is_dropped_whole(tmp_path: Path) -> None:
    large = {"0.json": sales(1), "1.json": sales(2, note="x" * 2000)}
    content = in_folders({"2024-03-01": large, "2024-03-02": {"0.json": sales(4)}})
    shop = write_shop(tmp_path / "shop", {"week.zip": content})
    outcome = run_local(shop, tmp_path, limits={"day_bytes": 2000})
    assert list(unreadable(outcome)) == [("week.zip", "2024-03-01", None)]
    assert units(outcome) == 4


def test_bytes_of_loose_parts_are_inflated_and_counted_once(tmp_path: Path) -> None:
    shop = shop_with(tmp_path, week=in_folders(DAYS))
    size = sum(len(content) for parts in DAYS.values() for content in parts.values())
    for limit, unread in ((size, 0), (size - 1, 1)):
        limits = {"archive_bytes": limit}
        outcome = run_local(shop, tmp_path / str(limit), limits=limits)
        assert summary(outcome).archives.unreadable == unread
        assert summary(outcome).json_bytes == (0 if unread else size)


# --- the same again ------------------------------------------------------------------------------


def test_a_day_with_the_same_bytes_counts_once(tmp_path: Path) -> None:
    outcome = ran(
        tmp_path,
        a=in_folders({"2024-03-01": {"0.json": sales(1), "1.json": sales(2)}}),
        b=in_folders({"2024-03-01": {"1.json": sales(2), "0.json": sales(1)}, **DAYS}),
        c=in_folders({"2024-03-01": {"0.json": sales(1), "2.json": sales(2)}}),
    )
    found = summary(outcome)
    assert (found.days.read, found.days.duplicate) == (6, 1)
    assert found.conflicting_days == ("2024-03-01",)


def test_parts_of_one_name_count_once_if_they_are_equal(tmp_path: Path) -> None:
    entries = [
        ("2024-03-01/0.json", sales(1)),
        ("2024-03-01/0.json", sales(2)),
        ("2024-03-01/0.json", sales(1)),
    ]
    outcome = ran(tmp_path, week=day_zip(entries))
    found = summary(outcome)
    assert (found.parts.read, units(outcome)) == (2, 3)
    assert [each.part for each in found.repeated_parts] == ["2024-03-01/0.json"]


@pytest.mark.parametrize("form", ["day", "2024-03-01/{}", "2024-03-01_{}"])
def test_a_part_plain_and_packed_counts_once_if_the_same_comes_out(
    tmp_path: Path, form: str
) -> None:
    parts = {
        "a.json": sales(1),
        "a.json.gz": gzip.compress(sales(1)),
        "a.json.ZST": zstd.compress(sales(1)),
        "b.json": sales(10),
        "b.json.gz": gzip.compress(sales(100)),
        "c.json.gz": gzip.compress(sales(1000)),
        "d.json.gz": gzip.compress(sales(1000)),
    }
    is_zip = form == "day"
    form = "{}" if is_zip else form
    inside = day_zip({form.format(name): content for name, content in parts.items()})
    outcome = ran(tmp_path, week=archive_zip({"2024-03-01.zip": inside}) if is_zip else inside)
    found = summary(outcome)
    assert (outcome.exit_code, units(outcome), found.parts.read) == (0, 2111, 5)
    assert [each.part for each in found.repeated_parts] == [form.format("b.json")]
    assert_agrees(tmp_path, outcome)
    frame = EventExtractor(tmp_path / "shop" / "data").to_frame()
    assert frame["quantity"].sum() == 2111


def test_a_day_under_another_folder_counts_once(tmp_path: Path) -> None:
    twice = day_zip(
        {
            "2024-03-01/0.json": sales(1),
            "2024-03-01/1.json": sales(2),
            "copy/2024/03/01/0.json": sales(1),
            "copy/2024-03-01/1.json": sales(4),
            "2024-03-02/0.json": sales(1),
        }
    )
    once = {"0.json": sales(1), "1.json": sales(2), "b/1.json": sales(4)}
    outcome = ran(tmp_path, week=twice, x=in_folders({"2024-03-01": once}, "a/{}/{}"))
    found = summary(outcome)
    assert (outcome.exit_code, units(outcome)) == (0, 8)
    assert found.parts.read == 4
    assert (found.days.read, found.days.duplicate) == (2, 1)
    assert (found.conflicting_days, found.repeated_parts) == ((), ())
    assert_agrees(tmp_path, outcome)


def test_parts_of_a_zip_in_several_folders_count_once_if_they_are_equal(tmp_path: Path) -> None:
    day = day_zip({"a/0.json": sales(1), "b/0.json": sales(1), "b/1.json": sales(1)})
    outcome = ran(tmp_path, week=archive_zip({"2024-03-01.zip": day}))
    assert summary(outcome).parts.read == units(outcome) == 2
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("archives", [1, 2])
def test_a_day_that_is_both_a_zip_and_a_folder_is_told_as_a_conflict(
    tmp_path: Path, archives: int
) -> None:
    """Which bytes a zip's parts are packed into is no matter: both count, as of any conflict."""
    zipped = day_zip({"shop_2024-03-01.zip": day_zip({"0.json": sales(1)})})
    loose = {"2024-03-01/0.json": sales(1), "2024-03-02/0.json": sales(2), "0.json": sales(4)}
    if archives == 1:
        loose["shop_2024-03-01.zip"] = day_zip({"0.json": sales(1)})
        outcome = ran(tmp_path, week=day_zip(loose))
    else:
        outcome = ran(tmp_path, a=zipped, b=day_zip(loose))
    assert units(outcome) == 8
    assert summary(outcome).conflicting_days == ("2024-03-01", "shop_2024-03-01.zip")
    assert_agrees(tmp_path, outcome)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(shop_with(tmp_path, week=in_folders(DAYS), other=in_zips(DAYS)), tmp_path / "runs")


def test_what_is_as_it_was_is_not_read_again(runs: Runs) -> None:
    first = runs.run()
    assert check(runs)["bytes_read"] == 0, "by receipts"
    other = check(runs, unknown="bucket")
    assert other["bytes_read"] == 0, "by extracts"
    assert other["days"] == {**first["days"], "read": 0, "reused": 8}


def test_a_day_that_planning_knows_is_taken_from_its_extract(runs: Runs) -> None:
    """It has a copy, so planning had to look; of all others nobody knows what they are."""
    runs.run()
    week = in_folders({**DAYS, "2024-03-08": {"0.json": part([])}})
    (runs.shop.data / "week.zip").unlink()
    (runs.shop.data / "week_2.zip").write_bytes(week)
    (runs.shop.data / "week_3.zip").write_bytes(in_folders({"2024-03-04": DAYS["2024-03-04"]}))
    days = check(runs)["days"]
    assert days == {"read": 4, "reused": 5, "duplicate": 1, "unreadable": 0}


BAD = {"2024-03-01": {"0.json": sales(1), "1.json": b"[1," + 3000 * b" ", "2.json": b"x" * 3000}}


def test_a_day_with_a_bad_part_is_known_by_all_its_bytes(tmp_path: Path) -> None:
    other = {"2024-03-01": {**BAD["2024-03-01"], "1.json": b"[1," + 3000 * b"\n"}}
    runs = Runs(shop_with(tmp_path, a=in_folders(BAD)), tmp_path / "runs")
    runs.run()
    (runs.shop.data / "c.zip").write_bytes(in_folders(other))
    (runs.shop.data / "d.zip").write_bytes(in_folders(BAD | {"2024-03-02": {"0.json": sales(8)}}))
    again = check(runs)
    assert again["days"] == {"read": 2, "reused": 1, "duplicate": 1, "unreadable": 0}
    assert again["conflicting_days"] == ["2024-03-01"]


def test_the_limits_of_an_archive_hold_for_kept_days_too(tmp_path: Path) -> None:
    size = sum(len(content) for parts in DAYS.values() for content in parts.values())
    runs = Runs(shop_with(tmp_path, week=in_folders(DAYS)), tmp_path / "runs")
    for unknown in ("reject", "bucket"):
        told = runs.run(limits=Limits(archive_bytes=size), unknown=unknown)
        assert (told["archives"]["unreadable"], told["json_bytes"]) == (0, size)
    assert told["bytes_read"] == 0


def test_what_was_cut_off_by_a_limit_is_no_part_of_what_later_runs_know(tmp_path: Path) -> None:
    """A digest of fewer bytes would tell a copy from its original."""
    long = {"2024-03-01": {"0.json": sales(1), "1.json": sales(2, note="x" * 3000)}}
    runs = Runs(shop_with(tmp_path, a=in_folders(long)), tmp_path / "runs")
    limits = Limits(part_bytes=2000)
    assert len(runs.run(limits=limits, as_of=date(2024, 3, 2))["unreadable"]) == 1
    (runs.shop.data / "b.zip").write_bytes(in_folders(long | {"2024-03-02": {"0.json": sales(4)}}))
    days = check(runs, as_of=date(2024, 3, 2))["days"]
    assert days["duplicate"] == 1


def test_a_damaged_extract_is_made_again_by_the_same_name(runs: Runs) -> None:
    runs.run()
    extracts = extract_files(runs.folder)
    before = [each.read_bytes() for each in extracts]
    for each in extracts:
        each.write_bytes(b"torn")
    assert check(runs, unknown="bucket")["days"]["reused"] == 0
    assert [each.read_bytes() for each in extracts] == before


@pytest.mark.parametrize("processes", [1, 20])
def test_shares_of_loose_days_add_up(tmp_path: Path, processes: int) -> None:
    shop = shop_with(tmp_path, week=in_folders(DAYS))
    run_local(shop, tmp_path / "whole")
    outcome = run_local(shop, tmp_path / "shares", processes=processes)
    state = open_state(str(tmp_path / "shares" / "state"))
    manifest = RunLedger(state, outcome.run_id).manifest()
    assert (len(manifest.planned_work()) > 1) == (processes > 1)
    assert sum(manifest.planned_sizes().values()) <= (shop.data / "week.zip").stat().st_size
    assert published_csvs(tmp_path / "shares") == published_csvs(tmp_path / "whole")


@pytest.mark.parametrize("feed", [Feed(ignore=("*-05/*",)), Feed(parts=(".csv",))])
def test_another_feed_finds_other_days_in_archives_that_are_as_they_were(
    tmp_path: Path, feed: Feed
) -> None:
    content = in_folders({**DAYS, "2024-03-09": {"0.csv": sales(1)}})
    runs = Runs(shop_with(tmp_path, week=content), tmp_path / "runs")
    before = runs.run()["days"]["read"]
    after = check(runs, feed=feed)["days"]
    assert after["read"] == before + (1 if feed.parts else -1)
    again = check(runs)["days"]
    assert again["read"] + again["reused"] == before


def _gone(runs: Runs) -> None:
    for extract in (runs.folder / "state" / "kept" / "extracts").rglob("*.arrow"):
        extract.unlink()


def _kept(_: Runs) -> None:
    """Nothing happens to them."""


@pytest.mark.parametrize("spoil", [_kept, _gone])
def test_figures_are_explained_and_made_again_from_kept_events_or_from_archives(
    runs: Runs, spoil: Callable[[Runs], Any]
) -> None:
    runs.run()
    spoil(runs)
    ledger = RunLedger(open_state(str(runs.folder / "state")), "run-001")
    found = explain(ledger, Cell("Toys", "VIP", date(2024, 3, 4)), 5)
    assert {(each.archive, each.day) for each in found.days} == {
        ("other.zip", "events_2024-03-04.zip"),
        ("week.zip", "2024-03-04"),
    }
    spoil(runs)
    report = range_sales(ledger, date(2024, 3, 4), date(2024, 3, 5)).report
    assert len(report.days) == 2
    spoil(runs)
    assert rebuild(str(runs.folder / "state"), "run-001").by_receipt == ()
