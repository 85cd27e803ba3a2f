"""Arrays of events: the whole of a part, or inside an object that is an export's envelope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator
from typing import NamedTuple

from pipeline_core.messages import Feed, Limits
from pipeline_core.reread.fields import has, value_at
from pipeline_core.reread.json_text import (
    Holder,
    after_blanks,
    check_length,
    expected,
    value_in,
    whole_value,
)


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


def events_in_object(text: str, feed: Feed) -> list[object] | None:
    """Of a text that is one object: what its array of events holds; None if it is an event itself,
    with a type, and no array of which the first object has one, or the type of a purchase. Raises
    ValueError."""
    value = whole_value(text)
    found = _arrays_of_events(value, feed)
    if feed.records is None and _is_purchase(value, feed):
        return None
    if not found:
        if not has(value, feed.event_type):
            raise ValueError("it is one object, with no array of events")
        return None
    if len(found) > 1 or found[0].is_twice:
        raise ValueError("it has several arrays of events")
    return found[0].items


def is_envelope(text: str, feed: Feed) -> bool:
    """Whether one of several values is no event for certain: an array is where SALES_RECORDS says,
    or the first object in one has a type; or, if it has a type itself, is a purchase."""
    try:
        value = whole_value(text)
    except (ValueError, RecursionError):
        return False
    found = _arrays_of_events(value, feed)
    if feed.records is None:
        if has(value, feed.event_type):
            firsts = [each.items[0] for each in _inner_arrays(value, feed) if each.items]
            is_purchase = _is_purchase(value, feed)
            return not is_purchase and any(_is_purchase(first, feed) for first in firsts)
        return bool(found) and any(_is_typed(each, feed) for each in _inner_arrays(value, feed))
    return bool(found)


class _Inner(NamedTuple):
    """An array in an object, and whether a key that leads to it is there twice."""

    path: str
    items: list[object]
    is_twice: bool


def _arrays_of_events(value: object, feed: Feed) -> list[_Inner]:
    """None of an event; several of what nobody can read."""
    inner = _inner_arrays(value, feed)
    if feed.records is not None:
        return [each for each in inner if each.path == feed.records]
    found = [each for each in inner if each.items and isinstance(each.items[0], dict)]
    if not has(value, feed.event_type):
        return found
    is_only = len({each.path for each in found}) == 1
    return found if is_only and any(_is_typed(each, feed) for each in found) else []


def _is_purchase(value: object, feed: Feed) -> bool:
    return has(value, feed.event_type) and (
        value_at(value, feed.event_type) in (*feed.purchase_types, *feed.return_types)
    )


def _is_typed(array: _Inner, feed: Feed) -> bool:
    return bool(array.items) and has(array.items[0], feed.event_type)


def _inner_arrays(value: object, feed: Feed) -> list[_Inner]:
    own = feed.items.split("[]")[0] if feed.items else None
    found = _arrays(value, "", is_twice=False) if isinstance(value, Holder) else ()
    return [each for each in found if each.path != own]


def _arrays(value: Holder, above: str, *, is_twice: bool) -> Iterator[_Inner]:
    times = Counter(key for key, _ in value.pairs)
    for key, inner in value.pairs:
        again = is_twice or times[key] > 1
        if isinstance(inner, list):
            yield _Inner(f"{above}{key}", inner, again)
        elif isinstance(inner, Holder):
            yield from _arrays(inner, f"{above}{key}.", is_twice=again)


def events_in_large(text: str, start: int, feed: Feed, limits: Limits) -> Iterator[object]:
    """Of a part that is an object longer than an event may be: the events of the array that
    SALES_RECORDS names, or of its only array of objects. Raises ValueError."""
    arrays: list[_Array] = []
    keys = Counter[str]()
    end = _look_through(text, start, (), limits, arrays, keys)
    if after_blanks(text, end) != len(text):
        raise ValueError("there is something after the object")
    if feed.records is None:
        own = feed.items.split("[]")[0] if feed.items else None
        arrays = [one for one in arrays if one.path != own and _begins_object(text, one)]
    else:
        arrays = [one for one in arrays if one.path == feed.records]
    if len(arrays) != 1:
        raise ValueError("it is one object, with no array of events, or with several")
    [array] = arrays
    around = f"{text[start : array.start]}[]{text[array.end :]}"
    if any(keys[name] > 1 for name in array.keys):
        raise ValueError("a key of its array is there twice")
    if feed.records is None and has(whole_value(around), feed.event_type):
        first, _ = value_in(text, after_blanks(text, array.start + 1), limits.json_depth)
        if not has(first, feed.event_type) or _is_purchase(whole_value(around), feed):
            raise ValueError("it is an event, and too long")
    yield from events_in_array(text, array.start, limits, array.depth)


class _Array(NamedTuple):
    """Where an array stands in an object; ``keys`` are the paths of those that lead to it, a level
    each."""

    keys: tuple[str, ...]
    start: int
    end: int

    @property
    def path(self) -> str:
        return self.keys[-1]

    @property
    def depth(self) -> int:
        return len(self.keys)


def _begins_object(text: str, array: _Array) -> bool:
    return text.startswith("{", after_blanks(text, array.start + 1))


def _look_through(
    text: str,
    start: int,
    above: tuple[str, ...],
    limits: Limits,
    arrays: list[_Array],
    keys: Counter[str],
) -> int:
    """Where the object ends that begins there; ``arrays`` gets those in it and its objects, and
    ``keys`` how often each path to a key is there."""
    depth = len(above) + 1
    if depth > limits.json_depth:
        raise ValueError(f"it is nested deeper than {limits.json_depth}")
    comma = start  # or the bracket: what stands before a key
    end = after_blanks(text, start + 1)
    while comma > start or not text.startswith("}", end):
        expected(text, key_at := after_blanks(text, comma + 1), '"')
        key, end = value_in(text, key_at, limits.json_depth)
        here = (*above, ".".join((*above[-1:], str(key))))
        keys[here[-1]] += 1
        place = after_blanks(text, expected(text, after_blanks(text, end), ":"))
        if text.startswith("{", place):
            end = _look_through(text, place, here, limits, arrays, keys)
        elif text.startswith("[", place):
            end = _after_array(text, place, limits, depth)
            arrays.append(_Array(here, place, end))
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
