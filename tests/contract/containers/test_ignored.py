"""What is passed over is counted, and what holds something else than it should is no empty shop."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

from console.commands.plan import show_plan
from console.display.views import output, print_summary
from pipeline_core.containers.ignored import MOST_ENDINGS, ending, endings_in_words, merge_endings
from pipeline_core.errors import ConfigError, NotAllowed
from pipeline_core.messages import Feed, Limits, Outcome
from pipeline_core.planning.archives import find_archives
from pipeline_core.planning.survey import survey
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.settings import load_settings
from pipeline_core.storage import Contents, open_storage
from pipeline_core.storage.local import LocalStorage
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import (
    latest,
    plan_local,
    run_local,
    sales,
    summary,
    text,
    units,
    unreadable,
    week,
)
from tests.support.successive import Runs
from tests.support.verified import assert_agrees

DAY = "2024-03-01.zip"
GOOD = week(sales(3))


def ignored(outcome: Outcome) -> dict[str, int]:
    return summary(outcome).ignored


def run_beside(folder: Path, **archives: bytes) -> Outcome:
    """A run over an archive that sells 3 units and these, named as the keys are."""
    files = {f"{name}.zip": content for name, content in archives.items()}
    return run_local(write_shop(folder / "shop", {"good.zip": GOOD} | files), folder)


# --- endings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", ".csv"),
        ("A.CSV", ".csv"),
        ("x/y.d\\a.JSON.Gz", ".json.gz"),
        ("2024-03-01.tar.zst", ".tar.zst"),
        ("a b.x y.gz", ".gz"),
        ("part-001.json~", ".json~"),
        ("README", ""),
        ("folder.d/README", ""),
        ("a.", ""),
        (".DS_Store", ""),
        (".week.zip", ".zip"),
        (".tar.gz", ".gz"),
        ("a.the end of it", ""),
        (f"a.{'x' * 15}", f".{'x' * 15}"),
        (f"a.{'x' * 16}", ""),
        ("a.ü", ""),
        ("a.\udcff", ""),
        ("a.\x1b[31m", ""),
    ],
)
def test_an_ending_is_short_and_has_that_of_what_is_compressed(name: str, expected: str) -> None:
    assert ending(name) == expected


def test_endings_are_few_and_all_are_counted_however_they_are_added_up() -> None:
    counts = [{f".{'x' * (1 + n % 12)}{n}": 1 + n % 3, "": 1} for n in range(200)]
    at_once = merge_endings(counts)
    assert len(at_once) == MOST_ENDINGS + 1
    assert sum(at_once.values()) == sum(sum(each.values()) for each in counts)
    halves = [merge_endings(counts[150:]), merge_endings(reversed(counts[:150]))]
    assert merge_endings(halves) == at_once
    assert at_once[""] == 200


def test_endings_in_words() -> None:
    counts = {"": 2, ".csv": 1200, "…": 9000, ".a": 2}
    assert (
        endings_in_words(counts) == "1,200 .csv, 2 .a, 2 without an ending, 9,000 of other endings"
    )
    assert endings_in_words({"/": 1}) == "1 folder"
    assert endings_in_words({"/": 3}) == "3 folders"
    many = {f".{letter}": 1 for letter in "abcdefg"}
    assert endings_in_words(many) == "1 .a, 1 .b, 1 .c, 1 .d, 1 .e, 2 others"


# --- what is passed over -------------------------------------------------------------------------


MIXED_DAY = day_zip(
    {
        "1.json": part([purchase()]),
        "1.csv": b"",
        "2.parquet": b"",
        "a/": b"",
        "__MACOSX/._1.json": b"",
    }
)
OF_MIXED_DAY = {".csv": 1, ".parquet": 1, ".json": 1}
MIXED = archive_zip({DAY: MIXED_DAY, "notes.txt": b"", "b/": b"", "c.tar.gz": b"", "d\\": b""})
OF_MIXED = OF_MIXED_DAY | {".txt": 1, ".tar.gz": 1}


def test_every_entry_that_is_passed_over_is_counted_by_its_ending(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": MIXED})
    for name in ("b.csv", "LICENSE", ".hidden", "x.zip.part"):
        (shop.data / name).write_bytes(b"")
    for folder in ("empty", "full", "full.d", "full.d/inner"):
        (shop.data / folder).mkdir()
    (shop.data / "full" / "week.zip").write_bytes(MIXED)
    outcome = run_local(shop, tmp_path)
    assert outcome.exit_code == 0
    assert ignored(outcome) == OF_MIXED | {".csv": 2, "": 2, ".part": 1, "/": 2}
    assert json.loads(text(tmp_path, "summary.json"))["ignored"] == ignored(outcome)
    assert_agrees(tmp_path, outcome)


def test_copies_and_what_cannot_be_read_add_nothing(tmp_path: Path) -> None:
    copies = {"copy": MIXED, "other": archive_zip({"2024-03-02.zip": MIXED_DAY})}
    outcome = run_beside(tmp_path, mixed=MIXED, broken=MIXED[:-30], **copies)
    assert summary(outcome).archives.duplicate == 1
    assert summary(outcome).days.duplicate == 1
    assert ignored(outcome) == OF_MIXED
    assert_agrees(tmp_path, outcome)


def test_an_archive_over_its_limit_counts_nothing_of_what_it_holds(tmp_path: Path) -> None:
    second = day_zip({"1.json": part([purchase(note="x" * 5000)])})
    content = archive_zip({DAY: MIXED_DAY, "2024-03-02.zip": second, "notes.txt": b""})
    shop = write_shop(tmp_path / "shop", {"week.zip": content})
    outcome = run_local(shop, tmp_path, limits={"archive_bytes": 3000})
    assert list(unreadable(outcome)) == [("week.zip", None, None)]
    assert ignored(outcome) == {}
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("processes", [1, 20])
def test_shares_add_up_to_their_archive(tmp_path: Path, processes: int) -> None:
    days = {
        f"2024-03-{n:02}.zip": day_zip({"1.json": sales(n), f"{n}.csv": b"", "x.txt": b""})
        for n in range(1, 9)
    }
    content = archive_zip({**days, "readme.txt": b""})
    shop = write_shop(tmp_path / "shop", {"week.zip": content})
    outcome = run_local(shop, tmp_path, processes=processes)
    manifest = json.loads((tmp_path / f"state/runs/{outcome.run_id}/manifest.json").read_bytes())
    assert (len(manifest["archives"][0]["shares"]) > 1) == (processes > 1)
    assert ignored(outcome) == {".csv": 8, ".txt": 9}
    assert_agrees(tmp_path, outcome)


def test_reused_work_counts_as_if_read_anew(tmp_path: Path) -> None:
    runs = Runs(write_shop(tmp_path / "shop", {"week.zip": MIXED}), tmp_path)
    assert runs.run()["ignored"] == OF_MIXED
    again = runs.run()
    assert (again["bytes_read"], again["ignored"]) == (0, OF_MIXED), "by its receipt"
    other = runs.run(unknown="bucket")
    assert (other["bytes_read"], other["ignored"]) == (0, OF_MIXED), "by its extract"
    (runs.shop.data / "new.zip").write_bytes(archive_zip({DAY: MIXED_DAY, "x.txt": b""}))
    (runs.shop.data / "week.zip").unlink()
    moved = runs.run()
    assert moved["days"]["reused"] == 1
    assert moved["ignored"] == {key: n for key, n in OF_MIXED.items() if key != ".tar.gz"}


def test_a_hundred_thousand_endings_make_no_large_summary(tmp_path: Path) -> None:
    crowd = {f"{n}.{n:x}": b"" for n in range(3000)}
    day = day_zip({"1.json": sales(1), **crowd})
    outcome = run_local(
        write_shop(tmp_path / "shop", {"week.zip": archive_zip({DAY: day, **crowd})}), tmp_path
    )
    assert len(ignored(outcome)) == MOST_ENDINGS + 1
    assert sum(ignored(outcome).values()) == 6000
    assert_agrees(tmp_path, outcome)


def test_what_an_earlier_version_remembered_is_looked_at_again(tmp_path: Path) -> None:
    runs = Runs(write_shop(tmp_path / "shop", {"week.zip": MIXED}), tmp_path)
    runs.run()
    kept = runs.folder / "state" / "kept" / "archives.json"
    memory = json.loads(kept.read_text())
    del memory["extraction"]
    for known in memory["archives"]:
        del known["archive"]["ignored"]
        for _, receipt in known["done"]:
            del receipt["ignored"]
    kept.write_text(json.dumps(memory))
    assert runs.run()["ignored"] == OF_MIXED


def test_a_run_that_an_earlier_version_planned_is_rebuilt_and_verified(tmp_path: Path) -> None:
    outcome = run_local(write_shop(tmp_path / "shop", {"week.zip": MIXED}), tmp_path)
    run = tmp_path / "state" / "runs" / outcome.run_id
    published = tmp_path / "reports" / "runs" / outcome.run_id / "summary.json"
    for receipt in run.glob("receipts/*"):  # they are made again, by this version
        receipt.unlink()
    for path in (run / "manifest.json", run / "outcome.json", published):
        path.write_bytes(msgspec.json.encode(_without_ignored(json.loads(path.read_bytes()))))
    assert rebuild(str(tmp_path / "state"), outcome.run_id).archives == 1
    assert_agrees(tmp_path, outcome)


def _without_ignored(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ignored(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _without_ignored(each) for key, each in value.items() if key != "ignored"}


# --- holds something else ------------------------------------------------------------------------

ELSE: dict[str, tuple[bytes, str | None, str]] = {
    "days that are no zips": (
        archive_zip({"1.tar.gz": b"", "2.TAR.GZ": b"", "3.tar.gz": b"", "x.csv": b""}),
        None,
        "the archive holds no day, but 3 .tar.gz, 1 .csv",
    ),
    "tables": (week(days={DAY: day_zip({"1.parquet": b"PAR1"})}), DAY, "1 .parquet"),
    "compressed": (week(days={DAY: day_zip({"a/1.csv.gz": b""})}), DAY, "1 .csv.gz"),
    "one level more": (week(days={DAY: GOOD}), DAY, "the day holds no part, but 1 .zip"),
    "no ending": (week(days={DAY: day_zip({"part": b"[]"})}), DAY, "but 1 without an ending"),
}


@pytest.mark.parametrize("case", ELSE)
def test_what_holds_something_else_cannot_be_read(tmp_path: Path, case: str) -> None:
    content, day, cause = ELSE[case]
    outcome = run_beside(tmp_path, bad=content)
    [(place, told)] = unreadable(outcome).items()
    assert place == ("bad.zip", day, None)
    assert cause in told
    assert outcome.exit_code == 3
    assert units(outcome) == 3
    assert sum(ignored(outcome).values()) == sum(int(n) for n in told.split() if n.isdigit())
    assert_agrees(tmp_path, outcome)


@pytest.mark.parametrize("case", ELSE)
def test_a_report_is_not_replaced_by_what_was_not_understood(tmp_path: Path, case: str) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": GOOD})
    run_local(shop, tmp_path, publish_incomplete=False)
    before = text(tmp_path)
    (shop.data / "week.zip").write_bytes(ELSE[case][0])
    outcome = run_local(shop, tmp_path, publish_incomplete=False)
    assert outcome.exit_code == 1
    assert ELSE[case][2] in outcome.reason
    assert text(tmp_path) == before
    again = run_local(shop, tmp_path, publish_incomplete=False)
    assert again.exit_code == 1, "what the run before left changes nothing"


@pytest.mark.parametrize(
    "content",
    [
        archive_zip({}),
        archive_zip({"a/": b"", ".DS_Store": b"", "__MACOSX/x": b"", "a/.b.json": b"", "c\\": b""}),
        week(days={DAY: day_zip({})}),
        week(days={DAY: day_zip({"a/": b"", ".1.ndjson": b"", "__MACOSX/._1.json": b""})}),
        week(part([])),
    ],
)
def test_what_is_empty_is_legal(tmp_path: Path, content: bytes) -> None:
    outcome = run_beside(tmp_path, empty=content)
    assert outcome.exit_code == 0
    assert units(outcome) == 3
    assert_agrees(tmp_path, outcome)


def test_days_after_the_date_are_not_missed_and_other_things_are(tmp_path: Path) -> None:
    later = week(sales(9), day="2024-04-01.zip")
    outcome = run_local(
        write_shop(tmp_path / "1", {"good.zip": GOOD, "later.zip": later, "odd.zip": MIXED}),
        tmp_path,
        as_of=date(2024, 3, 2),
    )
    assert outcome.exit_code == 0
    assert_agrees(tmp_path, outcome)
    parts = {"good.zip": GOOD, "parts.zip": day_zip({"1.csv": b"", "2.csv": b""})}
    outcome = run_local(write_shop(tmp_path / "2", parts), tmp_path, as_of=date(2024, 3, 2))
    assert outcome.exit_code == 3
    assert list(unreadable(outcome)) == [("parts.zip", None, None)]


# --- called like an archive ----------------------------------------------------------------------


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _through_a_file(path: Path) -> None:
    path.symlink_to(path.parent / "good.zip" / "below")


def _linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


STRAYS: Mapping[str, tuple[Callable[[Path], object], str]] = {
    "dangling": (_dangling, "a symbolic link to"),
    "loop": (_loop, "which cannot be followed"),
    "through a file": (_through_a_file, "which cannot be followed"),
    "folder": (Path.mkdir, "it is a folder, not a file"),
    "pipe": (os.mkfifo, "it is a named pipe, not a file"),
    "link to a pipe": (_linked_pipe, "it is a named pipe, not a file"),
    "device": (lambda p: p.symlink_to("/dev/null"), "it is a device, not a file"),
    "socket": (_socket, "it is a socket, not a file"),
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", STRAYS)
def test_what_is_called_like_an_archive_and_is_no_file_cannot_be_read(
    tmp_path: Path, kind: str
) -> None:
    make, cause = STRAYS[kind]
    shop = write_shop(tmp_path / "shop", {"good.zip": GOOD, "z.zip": week(sales(4), day="x.zip")})
    make(shop.data / "events_week_20.zip")
    make(shop.data / "events_week_21.zip")
    outcome = run_local(shop, tmp_path, follow_links=True)
    assert [place[0] for place in unreadable(outcome)] == [f"events_week_2{n}.zip" for n in (0, 1)]
    assert all(cause in told for told in unreadable(outcome).values())
    assert (outcome.exit_code, units(outcome)) == (3, 7)
    assert summary(outcome).archives.unreadable == 2
    assert_agrees(tmp_path, outcome)


def test_strays_are_no_copies_of_empty_files(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"good.zip": GOOD, "1.zip": b"", "2.zip": b""})
    _dangling(shop.data / "3.zip")
    _dangling(shop.data / "4.zip")
    outcome = run_local(shop, tmp_path)
    assert [place[0] for place in unreadable(outcome)] == ["1.zip", "3.zip", "4.zip"]
    assert summary(outcome).archives.duplicate == 1
    assert_agrees(tmp_path, outcome)


def test_a_run_with_a_stray_is_rebuilt_without_its_receipt(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"good.zip": GOOD})
    _loop(shop.data / "week.zip")
    outcome = run_local(shop, tmp_path)
    for receipt in (tmp_path / "state" / "runs" / outcome.run_id / "receipts").iterdir():
        receipt.unlink()
    assert rebuild(str(tmp_path / "state"), outcome.run_id).state == "as_published"


def test_a_stray_that_is_mended_counts(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"good.zip": GOOD})
    _dangling(shop.data / "week.zip")
    assert run_local(shop, tmp_path).exit_code == 3
    (shop.data / "nowhere").write_bytes(week(sales(4), day="2024-03-02.zip"))
    outcome = run_local(shop, tmp_path)
    assert (outcome.exit_code, units(outcome)) == (0, 7)


# --- no archive at all ---------------------------------------------------------------------------


def _data(folder: Path, *files: str) -> Shop:
    shop = write_shop(folder / "shop", {})
    for name in files:
        (shop.data / name).parent.mkdir(parents=True, exist_ok=True)
        (shop.data / name).write_bytes(b"")
    return shop


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "There is nothing in"),
        ([".hidden", ".x/y"], "There is nothing in"),
        (["a.csv", "b.csv", "c.tar.gz"], "shop/data, but 2 .csv, 1 .tar.gz."),
        (["2024/week.zip"], "shop/data, but 1 folder (2024)."),
        (["a/1", "b/1", "c/1", "d/.1", "x.csv"], "but 1 .csv and 4 folders (a, b, c, ...)."),
        (["week.zip.gz"], "but 1 .zip.gz."),
    ],
)
def test_a_place_without_archives_is_a_wrong_setting(
    tmp_path: Path, files: list[str], said: str
) -> None:
    shop = _data(tmp_path, *files)
    (shop.data / "empty").mkdir()
    with pytest.raises(ConfigError) as caught:
        plan_local(shop, tmp_path)
    assert said in caught.value.message
    assert "SALES_DATA" in caught.value.remedy


def test_a_report_stands_when_there_is_no_archive_any_more(tmp_path: Path) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": GOOD})
    run_local(shop, tmp_path)
    before = text(tmp_path)
    (shop.data / "week.zip").rename(shop.data / "week.tgz")
    with pytest.raises(ConfigError, match=r"but 1 \.tgz"):
        plan_local(shop, tmp_path)
    assert text(tmp_path) == before
    assert latest(tmp_path).is_dir()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nowhere", "does not exist."),
        ("nowhere/deep", "does not exist."),
        ("shop/data/week.zip/x", "does not exist."),
        ("shop/data/week.zip", "is a file, not a folder."),
    ],
)
def test_a_place_that_is_no_folder_is_a_wrong_setting(
    tmp_path: Path, where: str, said: str
) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": GOOD})
    with pytest.raises(ConfigError) as caught:
        plan_local(Shop(tmp_path / where, shop.dimensions), tmp_path)
    assert caught.value.message == f"{tmp_path / where} {said}"
    assert caught.value.remedy


def test_an_object_store_without_archives_is_a_wrong_setting(s3: str) -> None:
    storage = open_storage(f"{s3}/data")
    with pytest.raises(ConfigError, match="There is nothing in s3://"):
        find_archives(storage)
    storage.write("notes.txt", b"")
    storage.write("older/week.zip", b"")
    with pytest.raises(ConfigError, match=r"but 1 \.txt and 1 folder \(older\)"):
        find_archives(storage)
    storage.write("good.zip", b"")
    storage.write("good.zip/1.json", b"")
    storage.write("week.zip/1.json", b"")
    storage.write(".hidden", b"")
    found = find_archives(storage)
    assert [file.key for file in found.archives] == ["good.zip"]
    assert (found.strays, found.ignored) == (
        {"week.zip": "it is a folder, not a file"},
        {".txt": 1, "": 1, "/": 2},
    )


def test_a_folder_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / os.fsdecode(b"\xff")).mkdir(parents=True)
    (folder / os.fsdecode(b"\xff") / "x").touch()
    with pytest.raises(ConfigError) as caught:
        find_archives(LocalStorage(folder))
    assert caught.value.message.encode().endswith(b"1 folder (\\udcff).")


# --- shown ---------------------------------------------------------------------------------------


def test_plan_and_run_show_what_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = write_shop(tmp_path / "shop", {"week.zip": MIXED, "copy.zip": MIXED})
    (shop.data / "LICENSE").touch()
    places = {"data": str(shop.data), "state": str(tmp_path / "state")}
    show_plan(load_settings(places), as_json=False)
    said = "Passed over without being read: 1 .tar.gz, 1 .txt, 1 without an ending.\n"
    assert said in capsys.readouterr().out
    show_plan(load_settings(places), as_json=True)
    assert json.loads(capsys.readouterr().out)["ignored"] == {".txt": 1, ".tar.gz": 1, "": 1}
    outcome = run_local(shop, tmp_path)
    capsys.readouterr()
    print_summary(output(), summary(outcome))
    said = (
        "Passed over without being read: 1 .csv, 1 .json, 1 .parquet, 1 .tar.gz, 1 .txt, 1 other."
    )
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("name", ["e_2024-03-02.zip/", "e_2024-03-02.zip\\", "/"])
def test_what_is_called_like_a_folder_and_holds_bytes_is_no_folder(
    tmp_path: Path, name: str
) -> None:
    ending = {"/": ""}.get(name, ".zip")
    day = day_zip({"0.json": part([purchase()])})
    outcome = run_beside(tmp_path, week=archive_zip({DAY: MIXED_DAY, name: day}))
    assert ignored(outcome) == {**OF_MIXED_DAY, ending: 1}
    assert_agrees(tmp_path, outcome)
    alone = run_beside(tmp_path / "alone", week=archive_zip({name: day, "empty/": b""}))
    assert list(unreadable(alone)) == [("week.zip", None, None)]
    part_alone = archive_zip({DAY: day_zip({f"a.json{name[-1]}": b"[]"})})
    alone = run_beside(tmp_path / "part", week=part_alone)
    assert list(unreadable(alone)) == [("week.zip", DAY, None)]
    assert_agrees(tmp_path / "part", alone)


class _Forbidden(LocalStorage):
    """Files and folders that another user may read."""

    def contents(self, folder: str = "") -> Contents:
        if folder:
            raise NotAllowed("no", "ask")
        return super().contents()

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        if key == "theirs.zip":
            raise NotAllowed("no", "ask")
        with super().open(key) as file:
            yield file


def test_what_this_user_may_not_read_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    for name in ("ours.zip", "theirs.zip"):
        (tmp_path / name).write_bytes(GOOD)
    found = survey(_Forbidden(tmp_path), Limits(), Feed())
    assert [archive.unreadable for archive in found.archives] == [
        None,
        "this user may not read the archive",
    ]
    assert found.archives[1].version == ""
    assert found.ignored == {"/": 1}


class _Vanishing(LocalStorage):
    """Files that are gone as soon as ``verb`` wants them."""

    def __init__(self, root: Path, verb: str) -> None:
        super().__init__(root)
        self.verb = verb

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        if self.verb == "open":
            (self.root / key).unlink()
        with super().open(key) as file:
            yield file

    @contextmanager
    def fetched(self, key: str) -> Iterator[BufferedReader]:
        (self.root / key).unlink()
        with super().fetched(key) as file:
            yield file


def test_an_archive_that_vanishes_while_the_run_is_planned_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "week.zip").write_bytes(GOOD)
    found = survey(_Vanishing(tmp_path, "open"), Limits(), Feed())
    assert [archive.unreadable for archive in found.archives] == [
        "the archive vanished while the run was planned"
    ]


def test_archives_that_vanish_while_they_are_compared_are_no_copies(tmp_path: Path) -> None:
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(GOOD)
    found = survey(_Vanishing(tmp_path, "fetched"), Limits(), Feed())
    assert [(each.digest, each.duplicate_of) for each in found.archives] == [(None, None)] * 2
