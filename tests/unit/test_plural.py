"""Numbers that people read go with their nouns."""

from __future__ import annotations

import re

import pytest

from pipeline_core.plural import counted
from tests.support import PROJECT

# A number that may be 1, and behind it in the same text a noun that is always many.
_FIXED = re.compile(
    r"len\([^(){}]*\)(?::,)?\} (?:more )?(?:archives|days|parts|runs|events|rows|cells|attempts)\b"
)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 archives"), (1, "1 archive"), (2000, "2,000 archives")]
)
def test_one_is_in_the_singular(number: int, words: str) -> None:
    assert counted(number, "archive") == words


def test_no_text_has_a_plural_behind_whatever_number() -> None:
    found = [
        f"{path.relative_to(PROJECT)}: {match[0]}"
        for room in ("console", "pipeline_core", "workers")
        for path in sorted((PROJECT / room).rglob("*.py"))
        for match in _FIXED.finditer(path.read_text())
    ]
    assert not found
