"""What the name of an entry says: its date, whether it is a part, and whether it is left out."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline_core.containers.entry_names import day_date, is_left_out, is_part, part_date
from tests.support.shapes import DATES

DAY = date(2023, 10, 23)


@pytest.mark.parametrize(
    "name",
    [
        "2023-10-23.json",
        "a/events_2023_10_23.json",
        "2023-10-23/part-000.json",
        "2023-10-23\\part-000.json",
        "x/2023-10-23/14/part.json",
        "dt=2023-10-23/part.json",
        "2023/10/23/part.json",
        "2023/10/23/14/part.json",
        "a/year=2023/month=10/day=23/part.json",
        "Year=2023/Month=10/Day=23/hour=5/part.json",
        "20231023/part.json",
        "events_20231023_x.json",
        "events-20231023T14.json/20231023.json",
        # The part's name comes before folders, near folders before far ones.
        "2024-01-01/2023-10-23.json",
        "2024-01-01/2023-10-23/part.json",
        "2024/01/01/2023-10-23/part.json",
        "2024-01-01/2023/10/23/part.json",
        "20240101/x_20231023.json",
        "20240101/20231023/x.json",
        # Separators come before eight digits, which may be an id.
        "20190517/20190517_2023-10-23_5#1.json",
        "2023-10-23/20190517.json",
        "20190517/2023/10/23/20190518.json",
        # What is no day of the calendar is a label.
        "2023-02-30/2023-13-45_2023-10-23.json",
        "2023-10-23/20239999.json",
    ],
)
def test_a_loose_part_has_the_nearest_date(name: str) -> None:
    assert part_date(name, "2022-02-02.zip") == DAY


@pytest.mark.parametrize(
    ("name", "archive", "expected"),
    [
        ("part.json", "events_2023-10-23.zip", DAY),
        ("part.json", "20190517_2023-10-23.zip", DAY),
        ("a/part.json", "events20231023.zip", DAY),
        ("part.json", "week_43.zip", None),
        ("shop12345678/part.json", "week_43.zip", None),
        ("abc20231023/part20231023.json", "week.zip", None),  # ids
        ("20231023x.json", "week.zip", None),
        ("120231023/part.json", "week.zip", None),
        ("2023/10/part.json", "week.zip", None),
        ("2023/13/45/part.json", "2023-99-99.zip", None),
    ],
)
def test_else_it_has_that_of_its_archive_or_none(
    name: str, archive: str, expected: date | None
) -> None:
    assert part_date(name, archive) == expected


@pytest.mark.parametrize(("name", "archive"), DATES)
def test_dates_are_written_in_many_ways(name: str, archive: str) -> None:
    found = part_date(name, f"{archive}.zip")
    assert str(found or "") == DATES[name, archive]


def test_a_daily_zip_has_the_date_with_separators_in_its_name() -> None:
    assert day_date("a/20190517_2023-10-23.zip") == DAY
    assert day_date("events20231023.zip") == DAY
    assert day_date("2023-10-23/a.zip") is None


@pytest.mark.parametrize(
    ("name", "others", "expected"),
    [
        ("a/1.json", (), True),
        ("1.JSON", (), True),
        ("1.jsonl", (), True),
        ("1.NDJSON.gz", (), True),
        ("1.json.zst", (), True),
        ("1.gz", (), False),
        ("1.json.bz2", (), False),
        ("1.log", (), False),
        (".1.json", (), False),
        ("__MACOSX/1.json", (), False),
        (".ipynb_checkpoints/1.json", (), False),
        ("a\\.git/b/1.json", (), False),
        ("./../1.json", (), True),
        ("a/1.LOG", (".log",), True),
        ("1.log.gz", (".log",), True),
        ("1.Log.ZST", (".log",), True),
        ("1.log.bz2", (".log",), False),
        ("1.log.gz.gz", (".log",), False),
        ("log.gz", (".log",), False),
        ("part.gz", ("part",), False),
        ("1.log.gz", (".LOG.GZ",), True),
        ("x/part-000", ("part-*",), True),
        ("part-x/000", ("part-*",), False),
        ("Part-000", ("part-?00",), True),
        ("anything", ("*",), True),
        (".hidden", ("*",), False),
    ],
)
def test_parts_are_told_by_their_endings_and_by_patterns(
    name: str, others: tuple[str, ...], expected: bool
) -> None:
    assert is_part(name, others) == expected


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("a/events_intraday_20231023.json", "*_intraday_*", True),
        ("a/EVENTS.json", "events.json", True),
        ("a/events.json", "a/*", True),
        ("A\\events.json", "a/*", True),
        ("b/a/events.json", "a/*", False),
        ("manifest.json", "Manifest.json", True),
        ("my_manifest.json", "manifest.json", False),
    ],
)
def test_what_is_left_out_is_told_by_the_whole_name_or_the_base_name(
    name: str, pattern: str, expected: bool
) -> None:
    assert is_left_out(name, ["x", pattern]) == expected
