"""What would move a terminal's cursor, turn its text around or hide in it, shown as an escape."""

from __future__ import annotations

import re

# Whatever may be unprintable; most text has none of it.
_SUSPECT = re.compile(r"[^ -~]")
_SUSPECT_IN_JSON = re.compile(r"[^ -~\n]")
_BEYOND = 0x10000


def plain(text: str) -> str:
    """The text without anything that would move a terminal's cursor: names come from zips."""
    return _SUSPECT.sub(lambda found: _shown(found[0]), text)


def plain_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(plain, text.split("\n")))


def plain_json(text: str) -> str:
    """JSON of the same value: only strings have such characters, which JSON can escape."""
    return _SUSPECT_IN_JSON.sub(lambda found: _escaped(found[0]), text)


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    if code < _BEYOND:
        return f"\\u{code:04x}"
    high, low = divmod(code - _BEYOND, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
