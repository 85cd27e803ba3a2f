"""The sample archives: their nesting, names, bytes, mix and dirt."""

import hashlib
import io
import json
import os
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import data_generator
from data_generator import DIRT, EVENT_TYPES, FIELDS, FIRST_DAY, archive_name, generate, main


def parts(archive: Path) -> Iterator[tuple[str, str, str]]:
    """(daily zip, part, text) of an archive, in stored order."""
    with zipfile.ZipFile(archive) as week:
        assert week.testzip() is None
        for day in week.namelist():
            with zipfile.ZipFile(io.BytesIO(week.read(day))) as daily:
                for part in daily.namelist():
                    yield day, part, daily.read(part).decode()


def events(folder: Path) -> list[Any]:
    return [
        event
        for archive in sorted(folder.glob("*.zip"))
        for _, _, text in parts(archive)
        for event in json.loads(text)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def command(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


# --- nesting and JSON -----------------------------------------------------------------------


def test_week_day_part(tmp_path: Path) -> None:
    summary = generate(tmp_path, 2, parts_per_day=2, events_per_part=3)
    assert sorted(contents(tmp_path)) == ["events_week_43.zip", "events_week_44.zip"]
    days = [FIRST_DAY + timedelta(days=n) for n in range(7)]
    assert [(day, part) for day, part, _ in parts(tmp_path / "events_week_43.zip")] == [
        (f"events_{day}.zip", f"part-{n:03}.json") for day in days for n in (1, 2)
    ]
    assert summary.archives == 2
    assert summary.events == len(events(tmp_path)) == 2 * 7 * 2 * 3
    assert summary.size == sum(path.stat().st_size for path in tmp_path.iterdir())


@pytest.mark.parametrize("indent", [None, 0, 1, 2, 4])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_a_part_is_what_json_dumps_writes(tmp_path: Path, indent: int | None, count: int) -> None:
    generate(tmp_path, 1, events_per_part=count, parts_per_day=1, indent=indent)
    for _, _, text in parts(tmp_path / "events_week_43.zip"):
        layout: dict[str, Any] = {"indent": indent} if indent else {"separators": (",", ":")}
        assert text == json.dumps(json.loads(text), **layout)
        assert len(json.loads(text)) == count


def test_a_part_longer_than_a_chunk_is_the_same_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"events_per_part": 100, "parts_per_day": 1, "dirt": 0.3}
    generate(tmp_path / "one", 1, **options)
    monkeypatch.setattr(data_generator, "_CHUNK", 33)
    steps: list[int] = []
    generate(tmp_path / "many", 1, **options, advance=steps.append)
    name = "events_week_43.zip"
    assert list(parts(tmp_path / "one" / name)) == list(parts(tmp_path / "many" / name))
    assert steps == [33, 33, 33, 1] * 7


def test_the_values_of_an_event(tmp_path: Path) -> None:
    generate(tmp_path, 1, parts_per_day=2, events_per_part=2_000)
    for day, _, text in parts(tmp_path / "events_week_43.zip"):
        part = json.loads(text)
        assert all(tuple(event) == FIELDS for event in part)
        assert {event["timestamp"][:10] for event in part} == {day[7:17]}
        times = [event["timestamp"][11:] for event in part]
        assert times == sorted(times)
        assert all(re.fullmatch(r"([01]\d|2[0-3])(:[0-5]\d){2}", time) for time in times)
    made = events(tmp_path)
    assert {event["customer_id"] for event in made} == {f"c{n:03}" for n in range(1, 101)}
    assert {event["product_id"] for event in made} == {f"p{n:03}" for n in range(1, 51)}
    assert Counter(type(event["quantity"]) for event in made) == {int: len(made)}


def test_a_day_runs_from_midnight_to_midnight(tmp_path: Path) -> None:
    generate(tmp_path, 1, parts_per_day=3, events_per_part=5_000)
    week = list(parts(tmp_path / "events_week_43.zip"))
    hours = [
        {int(event["timestamp"][11:13]) for event in json.loads(text)} for _, _, text in week[:3]
    ]
    assert hours == [set(range(8)), set(range(8, 16)), set(range(16, 24))]


def test_ids_get_more_digits(tmp_path: Path) -> None:
    generate(tmp_path, 1, customers=1_200, products=1_001, events_per_part=3_000)
    customers = {event["customer_id"] for event in events(tmp_path)}
    assert customers == {f"c{n:03}" for n in range(1, 1_201)}
    assert "p1001" in {event["product_id"] for event in events(tmp_path)}


def test_one_customer_and_one_product(tmp_path: Path) -> None:
    generate(tmp_path, 1, customers=1, products=1, events_per_part=20)
    ids = {(event["customer_id"], event["product_id"]) for event in events(tmp_path)}
    assert ids == {("c001", "p001")}


def test_the_mix(tmp_path: Path) -> None:
    generate(tmp_path, 1, events_per_part=10_000)
    made = events(tmp_path)
    types = Counter(event["event_type"] for event in made)
    assert set(types) == set(EVENT_TYPES)
    for name, percent in EVENT_TYPES.items():  # 210,000 events: one sigma is below 0.1
        assert 100 * types[name] / len(made) == pytest.approx(percent, abs=0.5)
    quantities = Counter(e["quantity"] for e in made if e["event_type"] == "purchase")
    assert set(quantities) == {1, 2, 3}
    for number in quantities.values():
        assert number / quantities.total() == pytest.approx(1 / 3, abs=0.03)
    customers = Counter(event["customer_id"] for event in made)
    assert min(customers.values()) > 0.8 * len(made) / 100  # nobody is left out


# --- the same bytes -------------------------------------------------------------------------


def test_a_seed_decides_every_byte(tmp_path: Path) -> None:
    for folder, seed in (("a", 7), ("b", 7), ("c", 8)):
        generate(tmp_path / folder, 3, seed=seed, events_per_part=50, dirt=0.2)
    first, again, other = (contents(tmp_path / folder) for folder in "abc")
    assert first == again
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


@pytest.mark.parametrize(
    ("dirt", "digest"),
    [
        (0.0, "54a6253062b52cbba52199840fd53a5c2956726d20d511763025fbfaee4433e4"),
        (0.3, "c4c3c468aba1266b90d719cd43ce1f45a8d1f6084c560d2b2f17f78af32d1162"),
    ],
)
def test_the_text_is_pinned(tmp_path: Path, dirt: float, digest: str) -> None:
    # the same on every machine and release of Python and numpy; change it on purpose only
    generate(tmp_path, 1, events_per_part=200, dirt=dirt)
    text = "".join(text for _, _, text in parts(tmp_path / "events_week_43.zip"))
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_weeks_days_and_parts_differ(tmp_path: Path) -> None:
    generate(tmp_path, 3, events_per_part=20)
    texts = [
        re.sub(r'"timestamp": "[^"]*"', "", text)
        for archive in tmp_path.iterdir()
        for _, _, text in parts(archive)
    ]
    assert len(set(texts)) == len(texts) == 3 * 7 * 3


def test_a_week_is_the_same_in_every_run(tmp_path: Path) -> None:
    generate(tmp_path / "long", 5, events_per_part=20)
    generate(tmp_path / "short", 2, events_per_part=20)
    generate(tmp_path / "late", 1, FIRST_DAY + timedelta(weeks=4), events_per_part=20)
    long = contents(tmp_path / "long")
    assert contents(tmp_path / "short").items() < long.items()
    assert contents(tmp_path / "late").items() < long.items()


def test_a_day_is_the_same_whenever_its_week_starts(tmp_path: Path) -> None:
    generate(tmp_path / "monday", 1, events_per_part=20)
    generate(tmp_path / "thursday", 1, FIRST_DAY + timedelta(days=3), events_per_part=20)
    days: list[dict[str, bytes]] = []
    for archive in (
        tmp_path / "monday" / "events_week_43.zip",
        tmp_path / "thursday" / "events_week_43_thu.zip",
    ):
        with zipfile.ZipFile(archive) as week:
            days.append({name: week.read(name) for name in week.namelist()})
    shared = days[0].keys() & days[1].keys()
    assert len(shared) == 4
    assert all(days[0][name] == days[1][name] for name in shared)


# --- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_day", "name"),
    [
        (FIRST_DAY, "events_week_43.zip"),
        (date(2023, 1, 2), "events_week_01.zip"),
        (date(2023, 12, 25), "events_week_52.zip"),
        (date(2023, 1, 1), "events_2022_week_52_sun.zip"),
        (date(2023, 10, 25), "events_week_43_wed.zip"),
        (date(2024, 1, 1), "events_2024_week_01.zip"),
        (date(2024, 12, 30), "events_2025_week_01.zip"),
        (date(2026, 12, 28), "events_2026_week_53.zip"),
        (date(999, 1, 7), "events_0999_week_02.zip"),
    ],
)
def test_a_name_follows_from_the_first_day(first_day: date, name: str) -> None:
    assert archive_name(first_day) == name


@pytest.mark.parametrize("first_day", [FIRST_DAY, date(2023, 10, 26), date(2020, 12, 31)])
@pytest.mark.parametrize("count", [120, 600])
def test_two_weeks_never_share_a_name(first_day: date, count: int) -> None:
    names = {archive_name(first_day + timedelta(weeks=week)) for week in range(count)}
    assert len(names) == count


def test_no_two_days_of_forty_years_share_a_name() -> None:
    days = [date(2000, 1, 1) + timedelta(days=n) for n in range(40 * 366)]
    names = {archive_name(day).casefold() for day in days}  # some file systems ignore case
    assert len(names) == len(days)


def test_120_weeks_are_120_files(tmp_path: Path) -> None:
    done = command("-c", 120, "-o", tmp_path, "--events-per-part", 1, "--parts-per-day", 1)
    assert done.exit_code == 0
    assert len(contents(tmp_path)) == 120
    days = {day for archive in tmp_path.iterdir() for day, _, _ in parts(archive)}
    assert len(days) == 120 * 7


# --- dirt -----------------------------------------------------------------------------------


def test_every_kind_of_dirt(tmp_path: Path) -> None:
    generate(tmp_path, 1, events_per_part=400, dirt=1, indent=0)
    texts = [text for _, _, text in parts(tmp_path / "events_week_43.zip")]
    made = [event for text in texts for event in json.loads(text)]
    objects = [event for event in made if isinstance(event, dict)]
    clean = {f"c{n:03}" for n in range(1, 101)} | {f"p{n:03}" for n in range(1, 51)}

    def has(field: str, *values: object) -> bool:
        found = {(type(event.get(field)), str(event.get(field))) for event in objects}
        return all((type(value), str(value)) in found for value in values)

    for field in ("customer_id", "product_id", "quantity", "event_type"):
        assert any(field not in event for event in objects), field
        assert any(event.get(field, "") is None for event in objects), field
    for field in ("customer_id", "product_id"):
        assert has(field, "", 17)
        ids = {value for event in objects if isinstance(value := event.get(field), str)}
        assert len(ids - clean) > 10
        assert max(map(len, ids)) > 40
    assert has("quantity", 0, -1, "2", "", 1.5, 2.0, True, False, 2**31, 10**30)
    assert has("event_type", "Purchase", "refund", "", 3, True, ["purchase"])
    assert has("timestamp", "", "yesterday", 1698019200)
    strange = [event for event in made if not isinstance(event, dict)]
    assert {type(event) for event in strange} == {type(None), bool, int, float, str, list}
    assert any("context" in event for event in objects)
    assert any("currency" in event for event in objects)
    assert any(tuple(event) != FIELDS and set(event) == set(FIELDS) for event in objects)
    assert any("東京 🎉" in text for text in texts)
    for escaped in (r'"\u0070urchase"', r"\ud83c\udf89", r"\"quantity\": 3", r"{\\ [/]"):
        assert any(escaped in text for text in texts), escaped


def test_each_kind_makes_its_own_text() -> None:
    event = dict(zip(FIELDS, ("2023-10-23T00:00:00", "c001", "purchase", "p001", 2), strict=True))
    before = json.dumps(event)
    made = {kind: json.dumps(soil(event, 0)) for kind, soil in DIRT.items()}
    assert before not in made.values()
    assert len(set(made.values())) == len(DIRT)
    assert json.dumps(event) == before


def test_the_share_of_dirt_and_its_neighbours(tmp_path: Path) -> None:
    generate(tmp_path / "clean", 1, events_per_part=2_000)
    generate(tmp_path / "dirty", 1, events_per_part=2_000, dirt=0.02)
    pairs = list(zip(events(tmp_path / "clean"), events(tmp_path / "dirty"), strict=True))
    # as text, since 1 == True, 2 == 2.0 and the order of keys counts too
    changed = sum(json.dumps(one) != json.dumps(other) for one, other in pairs)
    assert changed / len(pairs) == pytest.approx(0.02, abs=0.005)


@pytest.mark.parametrize("indent", [None, 2, 3])
@pytest.mark.parametrize("count", [1, 50])
def test_a_dirty_part_is_still_json(tmp_path: Path, indent: int | None, count: int) -> None:
    generate(tmp_path, 1, events_per_part=count, parts_per_day=9, dirt=0.9, indent=indent)
    for _, _, text in parts(tmp_path / "events_week_43.zip"):
        assert len(json.loads(text)) == count
        assert not text.startswith("[,")


# --- files ----------------------------------------------------------------------------------


def test_a_failure_leaves_whole_archives_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path, 3, events_per_part=5)
    before = contents(tmp_path)
    seen: list[int] = []

    def fail_in_the_second_week(events: int) -> None:
        seen.append(events)
        if len(seen) == 30:  # a week has 21 parts
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        generate(tmp_path, 3, seed=1, events_per_part=5, advance=fail_in_the_second_week)
    after = contents(tmp_path)
    assert after.keys() == before.keys()
    changed = [name for name in before if after[name] != before[name]]
    assert changed == ["events_week_43.zip"]

    generate(tmp_path, 3, seed=1, events_per_part=5)
    generate(tmp_path / "fresh", 3, seed=1, events_per_part=5)
    fresh = contents(tmp_path / "fresh")
    assert {name: (tmp_path / name).read_bytes() for name in fresh} == fresh


def test_an_archive_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    visible: list[int] = []
    generate(
        tmp_path,
        2,
        events_per_part=1,
        parts_per_day=1,
        advance=lambda _: visible.append(len(list(tmp_path.glob("[!.]*")))),
    )
    assert visible == [0] * 7 + [1] * 7
    assert not list(tmp_path.glob(".*"))


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "events_2019_week_01.zip").write_bytes(b"mine")
    generate(tmp_path, 1, events_per_part=1)
    assert (tmp_path / "events_2019_week_01.zip").read_bytes() == b"mine"
    assert len(contents(tmp_path)) == 2


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_archives_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        generate(tmp_path, 1, events_per_part=1)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "events_week_43.zip").stat().st_mode) == 0o644


# --- the command ----------------------------------------------------------------------------


def test_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    done = command("--count", 2, "--output-dir", folder, "-s", "2024-01-01", "--indent", "none")
    assert done.exit_code == 0
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert done.stdout == f"2 archives, 42,000 events, {size:,} bytes in {folder}\n"
    assert done.stderr == ""  # no progress bar outside a terminal
    assert sorted(contents(folder)) == ["events_2024_week_01.zip", "events_2024_week_02.zip"]
    assert all("\n" not in text for _, _, text in parts(folder / "events_2024_week_01.zip"))


def test_the_command_and_the_function_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("-c", 1).exit_code == 0
    generate("again", 1)
    assert contents(Path("data")) == contents(Path("again"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", 0], "count must be at least 1, not 0"),
        (["-c", "many"], "'many' is not a valid integer"),
        (["-s", "2023-02-29"], "'2023-02-29' does not match"),
        (["-s", "9999-12-26"], "go beyond 9999-12-31"),
        (["-c", 10**9], "go beyond 9999-12-31"),
        (["--seed", -1], "seed must be at least 0"),
        (["--events-per-part", 0], "events per part must be at least 1"),
        (["--parts-per-day", -3], "parts per day must be at least 1, not -3"),
        (["--customers", 0], "customers must be from 1 to 1,000,000"),
        (["--products", 10**7], "products must be from 1 to 1,000,000, not 10,000,000"),
        (["--indent", "wide"], "'wide' is neither a number nor 'none'"),
        (["--indent", -1], "indent must be from 0 to 16"),
        (["--dirt", 1.01], "dirt must be a share from 0 to 1, not 1.01"),
        (["--dirt", "nan"], "dirt must be a share"),
        (["extra"], "unexpected extra argument"),
    ],
)
def test_bad_values(tmp_path: Path, arguments: list[object], message: str) -> None:
    done = command("-c", 1, "-o", tmp_path / "out", *arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    done = command("-c", 1, "-o", tmp_path / "data")
    assert done.exit_code == 2
    assert "is a file" in done.stderr


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = command("-c", 1, "-o", tmp_path / "file" / "data")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: cannot write to ")


def test_the_last_week_of_the_calendar(tmp_path: Path) -> None:
    generate(tmp_path, 1, date(9999, 12, 25), events_per_part=1)
    assert len(events(tmp_path)) == 21


def test_help_names_every_option() -> None:
    text = command("--help").stdout
    for option in ("-c, --count", "-o, --output-dir", "-s, --start-date", "--seed", "--dirt",
                   "--events-per-part", "--parts-per-day", "--customers", "--products",
                   "--indent"):  # fmt: skip
        assert option in text
    assert "2023-10-23" in text
    assert "ISO week" in text
