"""The events of a part, whatever its shape: an array, lines, values, an envelope."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from pipeline_core.errors import UnreadablePart
from pipeline_core.messages import Feed, Limits
from pipeline_core.reread.envelopes import (
    events_in_array,
    events_in_large,
    events_in_object,
    is_envelope,
)
from pipeline_core.reread.json_text import (
    after_blanks,
    check_depth,
    check_length,
    end_of_object,
    expected,
    is_deeper,
    is_longer,
    text_of,
    value_in,
)

_MOST_LOOKED_AT = 100


def events_of(content: bytes, feed: Feed, limits: Limits) -> Iterator[object]:
    """Event by event, as json reads them; a bad line is a text.

    Raises:
        UnreadablePart: possibly after some events; none of them counts then.
    """
    try:
        yield from _events(text_of(content), feed, limits)
    except (ValueError, RecursionError) as error:
        raise UnreadablePart(str(error)) from error


def _events(text: str, feed: Feed, limits: Limits) -> Iterator[object]:
    start = after_blanks(text, 0)
    if text.startswith("[", start):
        return _whole_array(text, start, limits)
    closes = end_of_object(text, start) if text.startswith("{", start) else None
    if closes is not None and is_longer(text, start, closes, limits.event_bytes):
        return events_in_large(text, start, feed, limits)
    try:
        first, end = value_in(text, start, len(text))
    except (ValueError, RecursionError):
        first, end = None, start
    if not isinstance(first, dict):
        return _after_a_bad_line(text, start, feed, limits)
    rest = after_blanks(text, end)
    if rest == len(text):
        check_depth(text, start, end, limits.json_depth)
        held = events_in_object(text[start:end], feed)
        return iter([first] if held is None else held)
    if "\n" not in text[start:end] and "\n" in text[end:rest]:
        return _lines(text, start, feed, limits)
    are_envelopes = _are_envelopes(_near_values(text, start), text, start, feed, limits)
    return (
        _of_envelopes(text, start, feed, limits) if are_envelopes else _values(text, start, limits)
    )


def _are_envelopes(ends: Iterator[int], text: str, start: int, feed: Feed, limits: Limits) -> bool:
    """Whether one of the first values is one, by the places where they end."""
    begin = start
    for end in islice(ends, _MOST_LOOKED_AT):
        if is_longer(text, start, end, limits.event_bytes):
            return False
        if is_envelope(text[begin:end].strip(" \t\r\n"), feed):
            return True
        begin = end
    return False


def _near_lines(text: str, start: int) -> Iterator[int]:
    while start < len(text):
        start = text.find("\n", start) + 1 or len(text)
        yield start


def _near_values(text: str, start: int) -> Iterator[int]:
    while text.startswith(("{", "["), start := after_blanks(text, start)):
        end = end_of_object(text, start)
        if end is None:
            return
        yield end
        start = end


def _of_envelopes(text: str, start: int, feed: Feed, limits: Limits) -> Iterator[object]:
    """The events of one after another. Raises ValueError if anything else is there."""
    while start < len(text):
        expected(text, start, "{")
        _, end = value_in(text, start, limits.json_depth)
        check_length(text, start, end, limits.event_bytes)
        held = events_in_object(text[start:end], feed)
        if held is None:
            raise ValueError("an event stands among envelopes")
        yield from held
        start = after_blanks(text, end)


def _whole_array(text: str, start: int, limits: Limits) -> Iterator[object]:
    comma, end = yield from events_in_array(text, start, limits)
    if after_blanks(text, end) != len(text):
        raise ValueError("there is something after the array")
    # With the last event counts all that is left.
    check_length(text, comma + 1, len(text) - 1, limits.event_bytes)


def _after_a_bad_line(text: str, start: int, feed: Feed, limits: Limits) -> Iterator[object]:
    """Lines, if another one near the beginning is an object."""
    near = text[start : start + limits.event_bytes].split("\n")
    if len(text) > start + limits.event_bytes:
        near.pop()  # it may be a piece of one
    if not any(map(_is_object, near[1:])):
        raise ValueError("it is neither events nor lines")
    return _lines(text, start, feed, limits)


def _is_object(line: str) -> bool:
    try:
        value, end = value_in(line, after_blanks(line, 0), len(line))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and after_blanks(line, end) == len(line)


def _lines(text: str, start: int, feed: Feed, limits: Limits) -> Iterator[object]:
    if _are_envelopes(_near_lines(text, start), text, start, feed, limits):
        yield from _of_envelopes(text, start, feed, limits)
        return
    while start < len(text):
        end = text.find("\n", start)
        is_last, end = end < 0, len(text) if end < 0 else end
        check_length(text, start, end, limits.event_bytes)
        line, values = text[start:end], None
        try:
            values = list(_values(line, 0, limits, most_deep=len(line)))
        except (ValueError, RecursionError):
            if is_last:  # it may be cut off
                raise
        if values is None or is_deeper(line, 0, len(line), limits.json_depth):
            values = [line]
        yield from values
        start = end + 1


def _values(
    text: str, start: int, limits: Limits, most_deep: int | None = None
) -> Iterator[object]:
    """One after another, with or without blanks between them."""
    start = after_blanks(text, start)
    while start < len(text):
        value, end = value_in(text, start, most_deep or limits.json_depth)
        check_length(text, start, end, limits.event_bytes)
        if text[end - 1 : end + 1].isdecimal() and end < len(text):
            raise ValueError("a number begins with 0")
        yield value
        start = after_blanks(text, end)
