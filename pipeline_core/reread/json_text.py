"""JSON by the standard library, made as strict as RFC 8259; numbers stay as they are written."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

MARK = b"\xef\xbb\xbf"  # at the beginning, of UTF-8

_BLANKS = re.compile("[ \t\n\r]*")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_MOST_BYTES_A_CHARACTER = 4
_NOT_UTF8 = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number."""

    text: str

    @property
    def is_integer(self) -> bool:
        """Whether it has neither fraction nor exponent."""
        return self.text.removeprefix("-").isdigit()


def text_of(content: bytes) -> str:
    """Without a mark at the beginning; each byte that is not UTF-8 is a character that no UTF-8
    is."""
    return content.removeprefix(MARK).decode("utf-8", "surrogateescape")


def value_in(text: str, start: int, most_deep: int, depth: int = 0) -> tuple[object, int]:
    """The value that begins there, as json reads it, and where it ends: of equal keys the last one
    counts. Around it are ``depth`` brackets. Raises ValueError or RecursionError."""
    value, end = _decoder.raw_decode(text, start)
    check_depth(text, start, end, most_deep - depth)
    if _NOT_UTF8.search(text, start, end):
        raise ValueError("it is not UTF-8")
    return value, end


class Holder(dict[str, object]):
    """An object with all its ``pairs``, those of equal keys, too."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def whole_value(text: str) -> object:
    """The only value of a text, objects as Holder. Raises ValueError or RecursionError."""
    if _NOT_UTF8.search(text):
        raise ValueError("it is not UTF-8")
    return _holders.decode(text)


def after_blanks(text: str, place: int) -> int:
    """Where the next character is that is no blank."""
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def expected(text: str, place: int, sign: str) -> int:
    """The place after a sign that has to stand there. Raises ValueError."""
    if not text.startswith(sign, place):
        raise ValueError(f"there is no {sign} where one has to be")
    return place + 1


def end_of_object(text: str, start: int) -> int | None:
    """Where the object closes that begins there, if it does, whatever is in it."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text, start):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        if not depth:
            return token.end()
    return None


def check_depth(text: str, start: int, end: int, limit: int) -> None:
    """Raises ValueError if more than ``limit`` brackets are open at once."""
    if is_deeper(text, start, end, limit):
        raise ValueError(f"it is nested deeper than {limit}")


def is_deeper(text: str, start: int, end: int, limit: int) -> bool:
    """Whether more than ``limit`` brackets are open at once."""
    if text.count("[", start, end) + text.count("{", start, end) <= limit:
        return False
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text, start, end):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        if depth > limit:
            return True
    return False


def is_longer(text: str, start: int, end: int, limit: int) -> bool:
    """Whether a stretch has more bytes."""
    may_be = (end - start) * _MOST_BYTES_A_CHARACTER > limit
    return may_be and len(text[start:end].encode(errors="surrogateescape")) > limit


def check_length(text: str, start: int, end: int, limit: int) -> None:
    """Raises ValueError for an event that is longer."""
    if is_longer(text, start, end, limit):
        raise ValueError(f"an event is longer than {limit} bytes")


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_holders = json.JSONDecoder(
    parse_int=Number, parse_float=Number, parse_constant=_refuse, object_pairs_hook=Holder
)
_decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)
