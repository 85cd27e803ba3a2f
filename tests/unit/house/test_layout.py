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

PACKAGES = ("pipeline_core", "console", "workers")
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


def _rooms() -> dict[str, list[Path]]:
    """Each folder in a package of ours, with all below it; what stands beside them is one, too."""
    rooms: dict[str, list[Path]] = {}
    for package in (PROJECT / name for name in PACKAGES):
        for path in package.rglob("*.py"):
            room = path.relative_to(package).parts[:-1][:1]
            rooms.setdefault("/".join([package.name, *room]), []).append(path)
    return rooms


def test_no_room_is_too_large_to_be_taken_in() -> None:
    sizes = {room: sum(map(_lines, files)) for room, files in _rooms().items()}
    assert sizes.keys() >= {*PACKAGES, "console/commands", "workers/messages"}
    assert {room: size for room, size in sizes.items() if size >= MOST_LINES_OF_A_ROOM} == {}


def test_no_file_of_a_room_is_too_long() -> None:
    sizes = {path: _lines(path) for files in _rooms().values() for path in files}
    assert {path: size for path, size in sizes.items() if size >= MOST_LINES_OF_A_FILE} == {}
