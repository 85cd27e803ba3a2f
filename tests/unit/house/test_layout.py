"""Tests stand where what they hold stands."""

from __future__ import annotations

import pytest

from tests.support import PROJECT

TESTS = PROJECT / "tests"
# `house` is for the tree itself, `support` for what tests stand on.
ROOMS = {"console", "workers", "house", "support"} | {
    room.parent.name for room in (PROJECT / "pipeline_core").glob("*/__init__.py")
}


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
