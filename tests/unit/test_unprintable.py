"""What is shown of characters that a terminal would obey, and what JSON makes of them."""

from __future__ import annotations

import json

import pytest

from pipeline_core.unprintable import plain, plain_json, plain_lines

HOSTILE = "a\x1b[2J\x9b\x7f\u202e\u2066\u200b\ufeff\u2028\U000e0001\r\nb"


def test_what_is_printable_stays() -> None:
    assert plain("Grüße, 世界 🎁 a\\b") == "Grüße, 世界 🎁 a\\b"


def test_what_is_not_is_shown_as_an_escape() -> None:
    shown = plain(HOSTILE)
    assert shown.isprintable()
    assert shown.startswith("a\\x1b[2J\\x9b\\x7f\\u202e\\u2066")
    assert plain_lines("a\nb\x1b") == "a\nb\\x1b"


@pytest.mark.parametrize("indent", [None, 2])
def test_json_is_the_same_value(indent: int | None) -> None:
    value = {HOSTILE: [HOSTILE, "ü 🎁", 1.5]}
    escaped = plain_json(json.dumps(value, ensure_ascii=False, indent=indent))
    assert all(line.isprintable() for line in escaped.split("\n"))
    assert json.loads(escaped) == value
    assert "ü 🎁" in escaped
