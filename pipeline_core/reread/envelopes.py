"""Arrays of events: the whole of a part, or inside an object that is an export's envelope."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import NamedTuple

from pipeline_core.messages import Feed, Limits
from pipeline_core.reread.fields import has, value_at
from pipeline_core.reread.json_text import after_blanks, check_length, expected, value_in


def events_in_array(
    text: str, start: int, limits: Limits, depth: int = 0
) -> Generator[object, None, tuple[int, int]]:
    """Event by event; then the places of its last comma, or of its bracket, and after its end.
    Around it are ``depth`` brackets. Raises ValueError, possibly after some events."""
    comma = start  # or the bracket: what stands before an event
    end = after_blanks(text, comma + 1)
    while comma > start or not text.startswith("]", end):
        event, end = value_in(text, after_blanks(text, comma + 1), limits.json_depth, depth + 1)
        yield event
        end = after_blanks(text, end)
        # Blanks beside an event count.
        check_length(text, comma + 1, end, limits.event_bytes)
        if not text.startswith(",", end):
            break
        comma = end
    return comma, expected(text, end, "]")


def events_in_object(value: object, feed: Feed) -> list[object]:
    """Of a part that is one object: what its array of events holds, or itself, if it has a type.
    Raises ValueError."""
    is_event = has(value, feed.event_type)
    arrays: list[list[object]] = []
    if feed.records is not None:
        named = value_at(value, feed.records)
        arrays = [named] if isinstance(named, list) else []
    elif not is_event and isinstance(value, dict):
        items = value_at(value, feed.items.split("[]")[0]) if feed.items else None
        found = [each for each in _arrays(value) if each is not items]
        of_objects = [each for each in found if each and isinstance(each[0], dict)]
        arrays = of_objects if any(found) else found
    if len(arrays) == 1:
        return arrays[0]
    if is_event:
        return [value]
    raise ValueError("it is one object, with no array of events, or with several")


def _arrays(value: dict[str, object]) -> Iterator[list[object]]:
    for inner in value.values():
        if isinstance(inner, list):
            yield inner
        elif isinstance(inner, dict):
            yield from _arrays(inner)


def events_in_large(text: str, start: int, feed: Feed, limits: Limits) -> Iterator[object]:
    """Of a part that is an object longer than an event may be: the events of the array that
    SALES_RECORDS names, or of its only array of objects. Raises ValueError."""
    arrays: list[_Array] = []
    end = _look_through(text, start, "", 1, limits, arrays)
    if after_blanks(text, end) != len(text):
        raise ValueError("there is something after the object")
    if feed.records is None:
        own = feed.items.split("[]")[0] if feed.items else None
        found = [one for one in arrays if one.path != own]
        arrays = [one for one in found if _begins(text, one, "{")]
        if not arrays and all(_begins(text, one, "]") for one in found):
            arrays = found
    else:
        arrays = [one for one in arrays if one.path == feed.records][-1:]
    if len(arrays) != 1:
        raise ValueError("it is one object, with no array of events, or with several")
    yield from events_in_array(text, arrays[0].start, limits, arrays[0].depth)


class _Array(NamedTuple):
    """Where an array stands in an object; around it are ``depth`` brackets."""

    path: str
    start: int
    depth: int


def _begins(text: str, array: _Array, sign: str) -> bool:
    return text.startswith(sign, after_blanks(text, array.start + 1))


def _look_through(
    text: str, start: int, above: str, depth: int, limits: Limits, arrays: list[_Array]
) -> int:
    """Where the object ends that begins there; ``arrays`` gets those in it and its objects."""
    if depth > limits.json_depth:
        raise ValueError(f"it is nested deeper than {limits.json_depth}")
    comma = start  # or the bracket: what stands before a key
    end = after_blanks(text, start + 1)
    while comma > start or not text.startswith("}", end):
        expected(text, key_at := after_blanks(text, comma + 1), '"')
        key, end = value_in(text, key_at, limits.json_depth)
        path = f"{above}{key}"
        place = after_blanks(text, expected(text, after_blanks(text, end), ":"))
        if text.startswith("{", place):
            end = _look_through(text, place, f"{path}.", depth + 1, limits, arrays)
        elif text.startswith("[", place):
            arrays.append(_Array(path, place, depth))
            end = _after_array(text, place, limits, depth)
        else:
            _, end = value_in(text, place, limits.json_depth)
        end = after_blanks(text, end)
        if not text.startswith(",", end):
            break
        comma = end
    return expected(text, end, "}")


def _after_array(text: str, start: int, limits: Limits, depth: int) -> int:
    events = events_in_array(text, start, limits, depth)
    while True:
        try:
            next(events)
        except StopIteration as stop:
            return int(stop.value[1])
