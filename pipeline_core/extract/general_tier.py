"""The general tier of decoding: plain Python, right for every legal text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.candidate_rows import TableRows
from pipeline_core.extract.candidates import Decoded
from pipeline_core.extract.feed_rules import ANOTHER, NO_OBJECT, Reading
from pipeline_core.extract.scan import NOT_AN_OBJECT
from pipeline_core.framing.borders import Structure
from pipeline_core.framing.item_texts import item_texts
from pipeline_core.framing.kernel import Octets
from pipeline_core.framing.strict_json import WRITTEN, strict_items, values_of
from pipeline_core.framing.windows import (
    BLANK,
    Shape,
    Window,
    array_windows,
    sequence_windows,
)
from pipeline_core.schemas import CANDIDATES

_SHORT_EVENT_BYTES = 16
_PIECE_BYTES = 1 << 20
_LEAST_FIRST = -64  # as signed bytes, those of a character behind its first are less


def decode_generally(window: Window, json_depth: int, reading: Reading) -> Iterator[Decoded]:
    """As ``decode``, by this tier alone."""
    decode_piece = _decode_lines if window.shape is Shape.LINES else _decode_values
    found = pieces(window, are_orders=bool(reading.steps))
    return (decode_piece(piece, json_depth, reading) for piece in found)


def pieces(window: Window, *, are_orders: bool = False) -> Iterable[Window]:
    """The window, or several of one with very short events, or with orders: an object is made of
    each, and a text of each item, and not of too many at once."""
    text, size = window.text, len(window.text)
    borders = text.count(b",") + (text.count(b"\n") if window.shape is not Shape.ARRAY else 0)
    if size <= _PIECE_BYTES or not (are_orders or borders * _SHORT_EVENT_BYTES > size):
        return [window]
    if window.shape is Shape.ARRAY:
        return array_windows([text], _PIECE_BYTES, size, window.offset, outside=window.outside)
    return sequence_windows([text], _PIECE_BYTES, size, window.shape, window.offset)


def _decode_values(window: Window, json_depth: int, reading: Reading) -> Decoded:
    """An array, or values one after another: a bad one spoils them all."""
    _check_utf8(window)
    text, spans = window.text, None
    events = reading.plain_events(text) if window.shape is Shape.ARRAY else None
    if events is None:
        _check_depth(window, json_depth)
        values, spans = _values(window, reading)
        if reading.steps:
            return _decoded_orders(window, values, spans, reading)
        events = [reading.event_of(value) for value in values]
    candidates = reading.candidates(events)
    # Flat objects have one brace each, so a part of them is never scanned for its depth.
    defects = candidates["defect"].to_numpy()
    objects = len(events) - int(np.count_nonzero(defects == NOT_AN_OBJECT))
    if text.count(b"{") + text.count(b"[") - objects >= json_depth - window.outside:
        _check_depth(window, json_depth)
    return _decoded(window, events, candidates, spans)


def _values(window: Window, reading: Reading) -> tuple[list[Any], NDArray[np.int64]]:
    """The values of a window, ANOTHER for what is no purchase, and their places in bytes."""
    text = window.text
    raws = reading.raw_events(text) if window.shape is Shape.ARRAY else None
    try:
        if raws is not None:
            texts = list(map(bytes, raws))
            values = [
                ANOTHER if reading.is_another(each) else WRITTEN.decode(each.decode())
                for each in texts
            ]
            return values, _item_places(text, texts)
    except (ValueError, RecursionError):  # the other way says what is wrong, and where
        pass
    found = list(strict_items(window, WRITTEN))
    return [value for value, _, _ in found], _byte_spans(text, ((a, b) for _, a, b in found))


def _item_places(text: Octets, items: list[bytes]) -> NDArray[np.int64]:
    """Places of an array's items, int64 of shape (items, 2); a comma lies between, and blanks."""
    places, end = np.empty((len(items), 2), np.int64), 1
    for row, item in enumerate(items):
        start = text.index(item[:1], end)
        end = start + len(item)
        places[row] = start, end
    return places


def _decode_lines(window: Window, json_depth: int, reading: Reading) -> Decoded:
    """Lines: a bad one is an event that is no object."""
    events, spans = list[Any](), list[tuple[int, int]]()
    for content, start, is_ended in lines(window):
        found = _line_events(content, reading)
        if found is None and not is_ended:
            raise UnreadablePart("the part is cut off: its last line is not JSON")
        if found is None or is_deeper(content, json_depth):
            found = [(None if reading.steps else NO_OBJECT, 0, len(content))]
        events += [event for event, _, _ in found]
        spans += [(start + first, start + end) for _, first, end in found]
    places = np.array(spans, np.int64).reshape(-1, 2)
    if reading.steps:
        return _decoded_orders(window, events, places, reading)
    return _decoded(window, events, reading.candidates(events), places)


def lines(window: Window) -> Iterator[tuple[Octets, int, bool]]:
    """What is in the lines that are not blank, without the blanks around; its place in the text;
    and whether its line has an end."""
    place, size = 0, len(window.text)
    for line in window.text.split(b"\n"):
        content = line.strip(BLANK)
        end = place + len(line)
        if content:
            yield content, end - len(line.lstrip(BLANK)), end < size
        place = end + 1


def _line_events(content: Octets, reading: Reading) -> list[tuple[Any, int, int]] | None:
    """The events of a line, or its orders, and their places in it; None if it is not JSON."""
    try:
        text = content.decode()
        if (event := reading.plain_event(content)) is not None:
            return [(event, 0, len(content))]
        if not reading.is_plain and reading.is_another(content):
            return [(ANOTHER, 0, len(content))]
        found = list(values_of(text, WRITTEN))
    except (ValueError, RecursionError):
        return None
    spans = _byte_spans(content, ((start, end) for _, start, end in found)).tolist()
    events = (value if reading.steps else reading.event_of(value) for value, _, _ in found)
    return [(event, *span) for event, span in zip(events, spans, strict=True)]


def _decoded(
    window: Window, events: list[Any], candidates: pa.Table, spans: NDArray[np.int64] | None
) -> Decoded:
    count = len(events)
    if spans is not None:
        spans = spans[candidates["position"].to_numpy()]
    return Decoded(
        window, 0, count, count, count - len(candidates), TableRows(candidates), spans, count
    )


def _decoded_orders(
    window: Window, orders: list[Any], spans: NDArray[np.int64], reading: Reading
) -> Decoded:
    """Items of orders: the text of a candidate is its order's with no other item."""
    events, places = list[Any](), list[tuple[int, int | None]]()
    for position, order in enumerate(orders):
        for item, event in reading.events_of(order):
            events.append(event)
            places.append((position, item))
    candidates = reading.candidates(events)
    found = [places[row] for row in candidates["position"].to_pylist()]
    texts = list[Octets]()
    for position, of_order in groupby(found, key=itemgetter(0)):
        start, end = spans[position].tolist()
        text = bytes(window.text[start:end])
        items = [item for _, item in of_order if item is not None]
        texts += item_texts(text, reading.steps, items) if items else [text]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    for place, column in enumerate(zip(*found, strict=True) if found else ()):
        kind = CANDIDATES.field(place)
        candidates = candidates.set_column(place, kind, pa.array(column, kind.type))
    return Decoded(
        Window(b"".join(texts), window.offset),
        0,
        len(orders),
        len(events),
        len(events) - len(candidates),
        TableRows(candidates),
        np.stack([ends[:-1], ends[1:]], axis=1),
        len(events),
    )


def _byte_spans(text: Octets, spans: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Places in UTF-8, int64 of shape (spans, 2), of places in its characters."""
    places = np.array([*spans], np.int64).reshape(-1, 2)
    if text.isascii():
        return places
    firsts = np.flatnonzero(np.frombuffer(text, np.int8) >= _LEAST_FIRST)
    return np.append(firsts, len(text))[places]


def _check_utf8(window: Window) -> None:
    if window.text.isascii():
        return
    try:
        window.text.decode()
    except UnicodeDecodeError as error:
        byte = window.offset + error.start
        raise UnreadablePart(f"the part is not UTF-8: {error.reason} at byte {byte}") from error


def _check_depth(window: Window, json_depth: int) -> None:
    if Structure.of(window.text).depth > json_depth - window.outside:
        raise UnreadablePart(f"the part is nested deeper than the limit of {json_depth}")


def is_deeper(text: Octets, json_depth: int) -> bool:
    """Whether one line, which is JSON, is nested deeper."""
    opened = text.count(b"{") + text.count(b"[")
    return opened > json_depth and Structure.of(text).depth > json_depth
