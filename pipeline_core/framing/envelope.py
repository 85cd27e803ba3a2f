"""An export's envelope: one object that holds the events in an array, and what is around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from pipeline_core.errors import UnreadablePart
from pipeline_core.framing.borders import Structure, value_end
from pipeline_core.framing.field_paths import MISSING, lookup
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.strict_json import PAIRS, STRICT, Pairs
from pipeline_core.framing.windows import Window, array_windows
from pipeline_core.messages import Feed, Limits

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_NOT_BLANK = re.compile(rb"[^ \t\n\r]")
_MOST_NAMED = 5

_Array = tuple[tuple[str, ...], list[object]]


class Records(NamedTuple):
    """Where the array of events begins, and the keys to it, one for each object around it."""

    place: int
    path: tuple[str, ...]


def first_records(text: Octets, feed: Feed) -> Records | None:
    """The array of events in the beginning of an object: the one that the feed names, else the
    first that begins with an object. None if there is none so far."""
    for path, place in _arrays_in(text):
        first = _NOT_BLANK.search(text, place + 1)
        if _holds_events(".".join(path), first[0] if first else b"", feed):
            return Records(place, tuple(path))
    return None


def whole_records(text: Octets, feed: Feed) -> Records | None:
    """The array of events in a whole object, None if that is an event itself: it has a type, and
    the feed names no array in it, nor has the first object of its only array of objects one, or it
    is a purchase.

    Raises:
        UnreadablePart: it is neither, or has several such arrays, or one of their keys twice.
        ValueError, RecursionError: it is not JSON.
    """
    pairs = PAIRS.decode(text.decode())
    arrays = list(_arrays(pairs, feed))
    is_event = has_type(_plain(pairs), feed)
    held = _held(arrays, feed, is_event=is_event)
    if is_event and (not held or _is_purchase(_plain(pairs), feed)):
        return None
    if not held and feed.records is None and len(arrays) == 1 and not arrays[0][1]:
        raise _no_events(arrays[0][0])
    if len(set(held)) != 1:
        raise _no_records(held or [path for path, _ in arrays], feed)
    path = held[0]
    _check_keys(pairs, path)
    return Records(next(at for names, at in _arrays_in(text) if tuple(names) == path), path)


def is_envelope(text: Octets, feed: Feed) -> bool:
    """Whether one of several values is for certain no event: it has the array that the feed names,
    or one of which the first object has a type. One with a type of its own is an event all the
    same, unless that first object is a purchase and it is none."""
    try:
        pairs = PAIRS.decode(text.decode())
        if not isinstance(pairs, Pairs):
            return False
        arrays = list(_arrays(pairs, feed))
        held = _held(arrays, feed, is_event=False)
        if feed.records is not None:
            return bool(held)
        if has_type(plain := _plain(pairs), feed):
            firsts = [_plain(items[0]) for _, items in arrays if items]
            return not _is_purchase(plain, feed) and any(_is_purchase(i, feed) for i in firsts)
        return bool(held) and _has_typed(arrays, feed)
    except (ValueError, RecursionError):
        return False


def _held(arrays: Sequence[_Array], feed: Feed, *, is_event: bool) -> list[tuple[str, ...]]:
    """Paths of arrays that may be those of events."""
    if feed.records is not None:
        return [path for path, _ in arrays if ".".join(path) == feed.records]
    held = [path for path, items in arrays if items and isinstance(items[0], Pairs)]
    return held if not is_event or (len(set(held)) == 1 and _has_typed(arrays, feed)) else []


def _has_typed(arrays: Iterable[_Array], feed: Feed) -> bool:
    return any(items and has_type(_plain(items[0]), feed) for _, items in arrays)


def _arrays_in(text: Octets) -> Iterator[tuple[list[str], int]]:
    """The keys that lead to every array that is in no other one, and its place."""
    names, place, is_key = list[str](), 0, False
    while (found := _TOKEN.search(text, place)) is not None:
        place, token = found.end(), found[0]
        if token == b"[":
            yield names, found.start()
            place = value_end(text, found.start()) or len(text)
        elif token == b'"':  # the rest of the text is in a string
            return
        elif token in b"{}":
            names = [*names, ""] if token == b"{" else names[:-1]
            if not names:
                return
        elif is_key and token != b",":
            names = [*names[:-1], _key(token)]
        is_key = token in b"{,"


def _key(token: bytes) -> str:
    try:
        return str(STRICT.decode(token.decode()))
    except ValueError:  # the decoder will say so of all that is around the events
        return ""


def _holds_events(path: str, first: Octets, feed: Feed) -> bool:
    if feed.records is not None:
        return path == feed.records
    return first == b"{" and path != _items_path(feed)


def _items_path(feed: Feed) -> str | None:
    return None if feed.items is None else feed.items.partition("[]")[0]


def has_type(value: object, feed: Feed) -> bool:
    """Whether it is an object with the field that says what an event is."""
    return isinstance(value, dict) and lookup(value, feed.event_type) is not MISSING


def _is_purchase(value: object, feed: Feed) -> bool:
    """Whether an object is one by its own type, and no array is named: then it holds no others."""
    if feed.records is not None or not isinstance(value, dict):
        return False
    kind = lookup(value, feed.event_type)
    return isinstance(kind, str) and kind in feed.taken_types


def envelope_windows(
    head: Octets,
    records: Records,
    blocks: Iterable[Octets],
    size: int,
    limits: Limits,
    feed: Feed,
    offset: int = 0,
) -> Iterator[Window]:
    """The events of an object that begins with ``head``, ``blocks`` behind it; ``offset`` is its
    place.

    Raises:
        UnreadablePart: what is around the array of events is not JSON, nested too deeply or larger
            than an event may be; there is another such array, or one of its keys twice; or as
            ``array_windows``.
    """
    place, is_typed = records.place, None
    before = bytes(head[:place])
    following, behind = iter(blocks), list[Octets]()
    events = chain([head[place:]], following)
    del head  # while somebody works on the windows
    for window in array_windows(
        events,
        size,
        limits.event_bytes,
        offset + place,
        outside=len(records.path),
        behind=behind,
    ):
        is_typed = _begins_typed(window.text, feed) if is_typed is None else is_typed
        yield window
    length = len(before)
    for block in following:
        behind.append(block)
        length += len(block)
        if length > limits.event_bytes:
            break
    around = b"".join([before, b"[]", *behind])
    if len(around) > limits.event_bytes:
        raise UnreadablePart(
            f"what is around the events is longer than the limit of {limits.event_bytes} bytes"
        )
    _check_around(around, records, limits, feed, is_typed=bool(is_typed))


def _begins_typed(text: Octets, feed: Feed) -> bool:
    """Whether the first object of an array has a type."""
    first = _NOT_BLANK.search(text, 1)
    if first is None or first[0] != b"{":
        return False
    try:
        found = STRICT.decode(text[first.start() : value_end(text, first.start())].decode())
    except (ValueError, RecursionError):  # the decoder of events says so
        return False
    return has_type(found, feed)


def check_beginning(head: Octets, records: Records) -> None:
    """Raises ValueError or RecursionError if what is before the array of events is not JSON."""
    whole = b"".join([head[: records.place], b"[]", b"}" * len(records.path)])
    STRICT.decode(whole.decode())


def _check_around(
    around: bytes, records: Records, limits: Limits, feed: Feed, *, is_typed: bool
) -> None:
    try:
        pairs = PAIRS.decode(around.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadablePart(f"what is around the events is not JSON: {error}") from error
    if Structure.of(around).depth > limits.json_depth:
        raise UnreadablePart(f"the part is nested deeper than the limit of {limits.json_depth}")
    _check_keys(pairs, records.path)
    others = _held(list(_arrays(pairs, feed)), feed, is_event=False)
    if feed.records is not None:
        others = [path for path in others if path != records.path]
    elif has_type(_plain(pairs), feed) and (
        others or not is_typed or _is_purchase(_plain(pairs), feed)
    ):
        raise UnreadablePart(f"an event is longer than the limit of {limits.event_bytes} bytes")
    if others:
        raise _no_records([records.path, *others], feed)


def _check_keys(pairs: object, path: Sequence[str]) -> None:
    for key in path:
        found = [value for name, value in pairs if name == key] if isinstance(pairs, Pairs) else []
        if len(found) > 1:
            named = ".".join(path)
            raise UnreadablePart(f"an object of the part has a key of its array {named} twice")
        pairs = found[0] if found else None


def _arrays(pairs: object, feed: Feed, path: tuple[str, ...] = ()) -> Iterator[_Array]:
    """Every array that is in no other one, but the items of orders, with its path."""
    if isinstance(pairs, Pairs):
        for key, value in pairs:
            yield from _arrays(value, feed, (*path, key))
    elif isinstance(pairs, list) and path and ".".join(path) != _items_path(feed):
        yield path, pairs


def _plain(value: object) -> object:
    """Of equal keys the last."""
    if isinstance(value, Pairs):
        return {key: _plain(inner) for key, inner in value}
    return value


def _no_events(path: Sequence[str]) -> UnreadablePart:
    """Of an object whose only array is empty: perhaps it says what went wrong."""
    named = ".".join(path)
    return UnreadablePart(
        f"an object of the part holds no event: its array {named} is empty; "
        f"SALES_RECORDS={named} would say that it is the one of events, and the part one without"
    )


def _no_records(paths: Sequence[tuple[str, ...]], feed: Feed) -> UnreadablePart:
    names = [".".join(path) for path in paths]
    if feed.records is not None and feed.records not in names:
        at = f", but at {_few(names)}" if names else ""
        return UnreadablePart(
            f"an object of the part has no array at {feed.records}, which SALES_RECORDS names{at}"
        )
    if not names:
        return UnreadablePart("an object of the part has no array of events; set SALES_RECORDS")
    how_many = "several arrays" if len(names) > 1 else "no array"
    return UnreadablePart(
        f"an object of the part has {how_many} of events ({_few(names)}); set SALES_RECORDS"
    )


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
