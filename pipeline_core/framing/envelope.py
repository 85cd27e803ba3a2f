"""An export's envelope: one object that holds the events in an array, and what is around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
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


class Records(NamedTuple):
    """Where the array of events begins, how many objects are around it, and the keys to it."""

    place: int
    outside: int
    path: str


def find_records(text: Octets, feed: Feed) -> Records | None:
    """The array of events in an object, or in its beginning: the one that the feed names, else the
    first that begins with an object. None if there is none so far."""
    for path, place in _arrays_in(text):
        first = _NOT_BLANK.search(text, place + 1)
        if _holds_events(".".join(path), first[0] if first else b"", feed):
            return Records(place, len(path), ".".join(path))
    return None


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


def is_an_envelope(text: Octets, records: Records, feed: Feed) -> bool:
    """Whether a whole object is no event itself. Raises ValueError or RecursionError if what is
    around its array is not JSON."""
    if feed.records is not None:
        return True
    around = (text[: records.place], b"[]", text[value_end(text, records.place) :])
    return not has_type(STRICT.decode(b"".join(around).decode()), feed)


def has_type(value: object, feed: Feed) -> bool:
    """Whether it is an object with the field that says what an event is."""
    return isinstance(value, dict) and lookup(value, feed.event_type) is not MISSING


def empty_records(text: Octets, feed: Feed) -> Window:
    """The events of a whole object in which ``find_records`` found none: its only array is empty.

    Raises:
        UnreadablePart: it has no array, or several; or none that the feed names.
        ValueError, RecursionError: it is not JSON.
    """
    found = list(_arrays(PAIRS.decode(text.decode()), feed))
    if feed.records is None and len(found) == 1 and not found[0][1]:
        return Window(b"[]", 0)
    raise _no_records([path for path, _ in found], feed)


def envelope_windows(
    head: Octets, records: Records, blocks: Iterable[Octets], size: int, limits: Limits, feed: Feed
) -> Iterator[Window]:
    """The events of a part that is one object, which begins with ``head``, ``blocks`` behind it.

    Raises:
        UnreadablePart: what is around the array of events is not JSON, nested too deeply or larger
            than an event may be; there is another such array; or as ``array_windows``.
    """
    place = records.place
    before = bytes(head[:place])
    following, behind = iter(blocks), list[Octets]()
    events = chain([head[place:]], following)
    del head  # while somebody works on the windows
    yield from array_windows(
        events,
        size,
        limits.event_bytes,
        place,
        outside=records.outside,
        behind=behind,
    )
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
    _check_around(around, records, limits, feed)


def check_beginning(head: Octets, records: Records) -> None:
    """Raises ValueError or RecursionError if what is before the array of events is not JSON."""
    whole = b"".join([head[: records.place], b"[]", b"}" * records.outside])
    STRICT.decode(whole.decode())


def _check_around(around: bytes, records: Records, limits: Limits, feed: Feed) -> None:
    try:
        pairs = PAIRS.decode(around.decode())
    except (ValueError, RecursionError) as error:
        raise UnreadablePart(f"what is around the events is not JSON: {error}") from error
    if Structure.of(around).depth > limits.json_depth:
        raise UnreadablePart(f"the part is nested deeper than the limit of {limits.json_depth}")
    arrays = list(_arrays(pairs, feed))
    others = [path for path, first in arrays if first is dict]
    if feed.records is not None:
        others = [path for path, _ in arrays if path == feed.records][1:]
    elif has_type(STRICT.decode(around.decode()), feed):
        raise UnreadablePart(f"an event is longer than the limit of {limits.event_bytes} bytes")
    if others:
        raise _no_records([records.path, *others], feed)


def _arrays(pairs: object, feed: Feed, path: str = "") -> Iterator[tuple[str, type | None]]:
    """The path of every array that is in no other one, and the type of its first item."""
    if isinstance(pairs, Pairs):
        for key, value in pairs:
            yield from _arrays(value, feed, f"{path}.{key}" if path else key)
    elif isinstance(pairs, list) and path != _items_path(feed):
        first = pairs[0] if pairs else None
        yield path, dict if isinstance(first, Pairs) else type(first) if pairs else None


def _no_records(paths: list[str], feed: Feed) -> UnreadablePart:
    named = ", ".join(paths[:_MOST_NAMED]) + (", …" if len(paths) > _MOST_NAMED else "")
    if feed.records is not None and feed.records not in paths:
        return UnreadablePart(
            f"the part is one object with no array at {feed.records}, which SALES_RECORDS names"
            f"{f', but at {named}' if paths else ''}"
        )
    if not paths:
        return UnreadablePart("the part is one object with no array of events; set SALES_RECORDS")
    how_many = "several arrays" if len(paths) > 1 else "no array"
    return UnreadablePart(
        f"the part is one object with {how_many} of events ({named}); set SALES_RECORDS"
    )
