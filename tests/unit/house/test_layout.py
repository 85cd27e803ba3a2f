"""Tests stand where what they hold stands, and rooms are as large as one can take in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import PROJECT

TESTS = PROJECT / "tests"
# `house` is for the tree itself, `support` for what tests stand on.
ROOMS = {"console", "workers", "house", "support"} | {
    room.parent.name for room in (PROJECT / "pipeline_core").glob("*/__init__.py")
}

MOST_LINES_OF_A_ROOM, MOST_LINES_OF_A_FILE = 2_100, 320


def test_no_helper_stands_among_the_kinds_of_tests() -> None:
    assert {path.name for path in TESTS.glob("*.py")} == {"__init__.py", "conftest.py"}


def test_no_test_stands_among_the_helpers() -> None:
    assert list((TESTS / "support").rglob("test_*.py")) == []


@pytest.mark.parametrize("kind", ["unit", "contract"])
def test_a_folder_of_tests_is_called_like_the_room_that_it_holds(kind: str) -> None:
    folders = {path.parent.relative_to(TESTS / kind) for path in (TESTS / kind).rglob("test_*.py")}
    assert {str(folder) for folder in folders} - {"."} <= ROOMS


def test_each_folder_of_tests_is_a_package() -> None:
    """Two files of one name would be one module."""
    folders = {path.parent for path in TESTS.rglob("test_*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def _lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_no_room_is_too_large_to_be_taken_in() -> None:
    rooms = [path for path in (PROJECT / "pipeline_core").iterdir() if path.is_dir()]
    sizes = {room.name: sum(map(_lines, room.rglob("*.py"))) for room in rooms}
    assert {room: size for room, size in sizes.items() if size >= MOST_LINES_OF_A_ROOM} == {}


def test_no_file_of_a_room_is_too_long() -> None:
    sizes = {path: _lines(path) for path in (PROJECT / "pipeline_core").rglob("*.py")}
    assert {path: size for path, size in sizes.items() if size >= MOST_LINES_OF_A_FILE} == {}
