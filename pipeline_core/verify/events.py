"""The events of a part by the standard library's json, made as strict as RFC 8259."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NoReturn

from pipeline_core.errors import UnreadablePart
from pipeline_core.messages import Limits

_BLANK = " \t\n\r"
_BLANKS = re.compile(f"[{_BLANK}]*")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_MOST_BYTES_A_CHARACTER = 4
_LONGEST_INT = 11  # a longer one is beyond every limit here, and int() stops at 4,300 digits
_BEYOND = 2**63


def events_of(content: bytes, limits: Limits) -> Iterator[object]:
    """Event by event, as json reads them: of equal keys the last one counts.

    Raises:
        UnreadablePart: possibly after some events; none of them counts then.
    """
    try:
        yield from _events(content.decode("utf-8-sig"), limits)
    except (ValueError, RecursionError) as error:
        raise UnreadablePart(str(error)) from error


def _events(text: str, limits: Limits) -> Iterator[object]:
    comma = _after_blanks(text, 0)  # or the bracket: what stands before an event
    if not text.startswith("[", comma):
        raise ValueError("it is not an array")
    end = _after_blanks(text, comma + 1)
    while not text.startswith("]", end):
        start = _after_blanks(text, comma + 1)
        event, end = _decoder.raw_decode(text, start)
        _check_depth(text, start, end, limits.json_depth)
        yield event
        end = _after_blanks(text, end)
        if not text.startswith(",", end):
            break
        _check_length(text, comma + 1, end, limits.event_bytes)
        comma = end
    if text[end:].rstrip(_BLANK) != "]":
        raise ValueError("it is not an array")
    _check_length(text, comma + 1, len(text) - 1, limits.event_bytes)


def _after_blanks(text: str, place: int) -> int:
    found = _BLANKS.match(text, place)
    return found.end() if found else place


def _check_depth(text: str, start: int, end: int, limit: int) -> None:
    """The part's own array is the first level."""
    if 1 + text.count("[", start, end) + text.count("{", start, end) <= limit:
        return
    depth = 1
    for token in _STRING_OR_BRACKET.finditer(text, start, end):
        if token[0] in ("[", "{"):
            depth += 1
        elif token[0] in ("]", "}"):
            depth -= 1
        if depth > limit:
            raise ValueError(f"it is nested deeper than {limit}")


def _check_length(text: str, start: int, end: int, limit: int) -> None:
    """Blanks beside an event count, and after the last one all that is left."""
    may_be = (end - start) * _MOST_BYTES_A_CHARACTER > limit
    if may_be and len(text[start:end].encode()) > limit:
        raise ValueError(f"an event is longer than {limit} bytes")


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= _LONGEST_INT else _BEYOND


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_int=_integer, parse_constant=_refuse)
