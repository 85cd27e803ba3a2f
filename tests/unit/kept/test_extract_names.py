"""Files of extracts are found by what their names say, and what is in them has the last word."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline_core.kept.extract_files import (
    LIST_BYTES,
    MOST_DAYS,
    ListedDay,
    list_of,
    most_list_bytes,
    spans,
)
from pipeline_core.kept.extract_names import ExtractNames, days_in, file_name
from pipeline_core.kept.extract_reader import ExtractReader
from pipeline_core.storage.local import LocalStorage

# A file system takes names of 255 bytes; a file that is being written has some more.
LONGEST_NAME, WHILE_WRITTEN = 255, len("..00000000.tmp")


def _digest(of: str) -> str:
    return hashlib.sha256(of.encode()).hexdigest()


DAYS = [_digest(f"day {number}") for number in range(MOST_DAYS)]


def test_a_file_is_found_by_each_of_its_days(tmp_path: Path) -> None:
    state = LocalStorage(tmp_path)
    name, older = file_name("week.zip", DAYS), f"{DAYS[3]}.arrow"
    for key in (name, older, "zz/no name.arrow", "00/abc.arrow", "README"):
        state.write(f"kept/{key}", b"")
    names = ExtractNames(state, "kept")
    assert [names.having("another.zip", day) for day in DAYS[:3]] == [[name]] * 3
    assert names.having("week.zip", DAYS[3]) == [name, older], "that of most days first"
    assert names.having("week.zip", _digest("another day")) == []


def test_names_and_lists_of_most_days_are_short_enough() -> None:
    name = file_name("week.zip", DAYS)
    assert len(days_in(name)) == MOST_DAYS
    assert len(name.partition("/")[2]) + WHILE_WRITTEN <= LONGEST_NAME
    days = [ListedDay(day, (1 << 50) + number) for number, day in enumerate(DAYS)]
    assert len(list_of(days)) <= most_list_bytes(MOST_DAYS) <= LIST_BYTES


def test_the_same_days_have_the_same_name_in_whatever_order() -> None:
    assert file_name("week.zip", DAYS) == file_name("week.zip", reversed(DAYS))
    assert file_name("week.zip", DAYS) != file_name("week.zip", DAYS[1:])


def test_a_day_whose_first_digits_are_those_of_another_is_not_taken_for_it(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    state = LocalStorage(tmp_path)
    there, alike = DAYS[0], DAYS[0][:-1] + ("0" if DAYS[0][-1] != "0" else "1")
    state.write(f"kept/{file_name('week.zip', [there])}", list_of([ListedDay(there, 3)]) + b"abc")
    with ExtractReader(state, "kept", ExtractNames(state, "kept"), None) as reader:
        assert reader.find("week.zip", alike) is None
        assert "damaged" not in logged.text
        assert not reader.damaged
        assert reader.find("week.zip", there) is None, "abc is no extract"
        assert "damaged_extract_ignored" in logged.text


def test_a_file_that_another_has_replaced_since_has_no_days(tmp_path: Path) -> None:
    state, name = LocalStorage(tmp_path), file_name("week.zip", DAYS[:1])
    state.write(f"kept/{name}", list_of([ListedDay(DAYS[0], 3)]) + b"abc")
    with ExtractReader(state, "kept", ExtractNames(state, "kept"), None) as reader:
        assert reader.place(name, DAYS[0]) is not None
        state.remove(f"kept/{name}")
        assert reader.sound(name, DAYS[0]) is None
        assert reader.days(name) == ()
        assert not reader.damaged


@pytest.mark.parametrize("cut", [0, 7, 39, 60])
def test_a_list_that_is_not_whole_has_no_days(cut: int) -> None:
    listed = list_of([ListedDay(day, 1) for day in DAYS])
    assert len(spans(listed) or ()) == MOST_DAYS
    assert spans(listed[:cut]) is None
    assert spans(b"\xff" * LIST_BYTES) is None
