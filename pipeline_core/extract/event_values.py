"""Every event of a window as Python's values, for who looks at more than the purchases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from json import JSONDecoder
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from pipeline_core.extract.candidates import in_one_line, item_texts, line_as_it_stands
from pipeline_core.extract.event_key import canonical
from pipeline_core.extract.feed_rules import FIELDS, Event, reading_of
from pipeline_core.extract.general_tier import is_deeper, lines, pieces
from pipeline_core.framing.field_paths import MISSING, NoList, items_of, lookup
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.strict_json import EXACT, WRITTEN, strict_items, values_of
from pipeline_core.framing.windows import Shape, Window
from pipeline_core.messages import Feed

_AT_ONCE = 10_000

_values = msgspec.json.Decoder(list[Any])


class FeedEvent(NamedTuple):
    """An event as a feed says, or the ``item`` of that number of an order; ``ours`` are the values
    of FIELDS. ``value`` are its fields, those of an item before those of its order; of what is no
    object, its JSON."""

    item: int | None
    ours: tuple[object, ...]
    value: dict[str, object] | str


def feed_events(
    window: Window, json_depth: int, feed: Feed
) -> Iterator[tuple[list[FeedEvent], pa.Table]]:
    """All events of a window that ``decode`` takes, some thousands at once, and the candidates
    among them, as ``decode`` has them, but for positions, which count the list."""
    events, reading = _feed_events(window, json_depth, feed), reading_of(feed)
    while some := list(islice(events, _AT_ONCE)):
        yield [event for event, _ in some], reading.candidates([each for _, each in some])


def _feed_events(window: Window, json_depth: int, feed: Feed) -> Iterator[tuple[FeedEvent, Event]]:
    reading = reading_of(feed)
    paths = [getattr(feed, name) for name in FIELDS]
    written_values = event_values(window, json_depth, WRITTEN)
    both = zip(event_values(window, json_depth), written_values, strict=True)
    for value, written in both:
        items, written_items = _items(value, reading.steps), _items(written, reading.steps)
        for item, event in reading.events_of(written):
            inner = value if item is None else items[item]
            ours = tuple(_at(path, inner, value) for path in paths)
            if item is None or isinstance(value, str):
                whole = value
            elif isinstance(inner, dict):
                whole = value | inner
            else:
                odd = written_items[item]
                whole = canonical(odd.value if isinstance(odd, NoList) else odd)
            yield FeedEvent(item, ours, whole), event


def _items(value: dict[str, object] | str, steps: Sequence[str]) -> list[object]:
    return (isinstance(value, dict) and items_of(value, steps)) or []


def _at(path: str, *holders: object) -> object:
    """What the first holder has there that has anything; None if none does."""
    found = (lookup(each, path) for each in holders if isinstance(each, dict))
    return next((each for each in found if each is not MISSING), None)


def event_values(
    window: Window, json_depth: int, decoder: JSONDecoder = EXACT
) -> Iterator[dict[str, object] | str]:
    """Every event of a window that ``decode`` takes: an object as ``json.loads`` gives it, but for
    integers of more digits than Python reads, which are Decimals, or as ``decoder`` does; of
    anything else its JSON, or the text of a line that is none.

    Raises:
        UnreadablePart: it is no such window.
    """
    if window.shape is Shape.LINES:
        for content, _, _ in lines(window):
            yield from _line_values(content, json_depth, decoder)
        return
    for piece in pieces(window):
        is_plain = piece.shape is Shape.ARRAY and decoder is EXACT
        values = _array_values(piece) if is_plain else None
        if values is None:
            values = [value for value, _, _ in strict_items(piece, decoder)]
        if all(isinstance(value, dict) for value in values):
            yield from values
            continue
        texts = (in_one_line(bytes(text)) for text in item_texts(piece))
        for value, text in zip(values, texts, strict=True):
            yield value if isinstance(value, dict) else text


def _array_values(window: Window) -> list[Any] | None:
    try:
        return _values.decode(window.text)
    except (msgspec.DecodeError, RecursionError):
        return None


def _line_values(
    content: Octets, json_depth: int, decoder: JSONDecoder
) -> Iterator[dict[str, object] | str]:
    try:
        text = content.decode()
        found = [(value, text[a:b]) for value, a, b in values_of(text, decoder)]
    except (ValueError, RecursionError):  # a bad line, which is one event
        found = []
    if not found or is_deeper(content, json_depth):
        yield line_as_it_stands(bytes(content))
        return
    for value, text in found:
        yield value if isinstance(value, dict) else in_one_line(text.encode())
