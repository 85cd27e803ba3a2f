"""One JSON array of events to candidate purchases, exactly as ``json.loads`` would see them.

Two tiers with the same results. The fast one (``scan.py``) leaves to the general one what it is
not certain of: a whole window, or single events. In the general tier msgspec does the work.
What it refuses although it may be legal JSON (numbers beyond a double, lone surrogates) goes to
the standard library's decoder, made strict; what that refuses too is not JSON. Duplicate keys:
the last one counts, in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from msgspec import UNSET, Raw, Struct
from numpy.typing import NDArray

from pipeline_core.containers.cut import cut_bytes
from pipeline_core.errors import UnreadablePart
from pipeline_core.extract.kernel import Octets, kernel
from pipeline_core.extract.scan import INVALID_EVENT_TYPE, NOT_AN_OBJECT, Scanned, scan
from pipeline_core.extract.strict import MAX_QUANTITY, STRICT, strict_items
from pipeline_core.extract.windows import Structure, Window, windows
from pipeline_core.schemas import CANDIDATES

_SHORT_EVENT_BYTES = 16
_PIECE_BYTES = 1 << 20

_BLANK_BYTES = b" \t\n\r"
_STRING_OR_BLANKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\n\r]+')


class _Event(Struct, gc=False):
    """What is asked of an event: any JSON value, or UNSET."""

    event_type: Any = UNSET
    """What it is, such as a purchase."""
    customer_id: Any = UNSET
    """Who bought."""
    product_id: Any = UNSET
    """What was bought."""
    quantity: Any = UNSET
    """How many of it, in units."""


# An event's fields that count.
FIELDS = _Event.__struct_fields__

_NOT_AN_OBJECT = _Event()
_events = msgspec.json.Decoder(list[_Event])
_event = msgspec.json.Decoder(_Event)
_raws = msgspec.json.Decoder(list[Raw])


@dataclass(frozen=True)
class Decoded:
    """``seen`` consecutive events of a window, from its ``first`` on. ``not_purchase`` are
    something else; ``candidates`` has the rest, in order, positions counted from ``first``.
    ``spans``, int64 of shape (candidates, 2), are their places in the window's text, None if
    nobody knows them yet. ``general`` events were decoded by the general tier."""

    window: Window
    first: int
    seen: int
    not_purchase: int
    candidates: pa.Table
    spans: NDArray[np.int64] | None
    general: int


def decode(window: Window, json_depth: int, most_rows: int) -> Iterator[Decoded]:
    """Candidate purchases of one window, about ``most_rows`` at once.

    Raises:
        UnreadablePart: not UTF-8, not a JSON array, or nested deeper than ``json_depth``.
    """
    seen, start = 0, 0
    while True:
        scanned = scan(window.text, start, most_rows, json_depth)
        if scanned is None:
            yield from _without_first(seen, decode_generally(window, json_depth))
            return
        yield _decide(window, seen, scanned)
        seen, start = seen + scanned.seen, scanned.next
        if not start:
            return


def decode_generally(window: Window, json_depth: int) -> Iterator[Decoded]:
    """As ``decode``, by the general tier alone."""
    return (_decode_at_once(piece, json_depth) for piece in pieces(window))


def pieces(window: Window) -> Iterable[Window]:
    """The window, or several of one with very short events: an object is made of each, and not of
    too many at once."""
    text = window.text
    if len(text) > _PIECE_BYTES and text.count(b",") * _SHORT_EVENT_BYTES > len(text):
        return windows([text], _PIECE_BYTES, len(text), window.offset)
    return [window]


def _decode_at_once(window: Window, json_depth: int) -> Decoded:
    text = window.text
    _check_utf8(window)
    try:
        events = _decode_text(text)
    except (msgspec.DecodeError, RecursionError):
        _check_depth(text, json_depth)
        events = [_from_value(value) for value, _ in strict_items(window)]
    candidates = _candidates(events)
    # Flat objects have one brace each, so a part of them is never scanned for its depth.
    defects = candidates["defect"].to_numpy()
    objects = len(events) - int(np.count_nonzero(defects == NOT_AN_OBJECT))
    if text.count(b"{") + text.count(b"[") - objects >= json_depth:
        _check_depth(text, json_depth)
    count = len(events)
    return Decoded(window, 0, count, count - len(candidates), candidates, None, count)


def _without_first(count: int, decoded: Iterator[Decoded]) -> Iterator[Decoded]:
    """Leaves out the first ``count`` events: they were decoded already."""
    for each in decoded:
        left_out = min(count, each.seen)
        count -= left_out
        positions = each.candidates["position"].to_numpy()
        kept = int(np.searchsorted(positions, left_out))
        candidates = each.candidates.slice(kept)
        yield Decoded(
            each.window,
            left_out,
            each.seen - left_out,
            each.not_purchase - (left_out - kept),
            candidates.set_column(
                0, CANDIDATES.field("position"), pa.array(positions[kept:] - left_out)
            ),
            None,
            each.general - left_out,
        )


def event_texts(
    decoded: Decoded, rows: NDArray[np.int64], most_bytes: int | None = None
) -> list[str]:
    """The JSON of some candidates, blanks outside strings removed, everything else verbatim
    (so it stays one line); of one that is still longer than ``most_bytes`` the beginning, marked
    with the bytes that it has in its part."""
    return [in_one_line(text, most_bytes) for text in _raw_texts(decoded, rows)]


def in_one_line(text: bytes, most_bytes: int | None = None) -> str:
    """JSON without the blanks that are outside of strings, cut off as in ``event_texts``."""
    if most_bytes is not None and len(text) > most_bytes:
        return cut_bytes(_beginning(text, most_bytes), most_bytes, len(text))
    if len(text.translate(None, _BLANK_BYTES)) == len(text):
        return text.decode()
    return _STRING_OR_BLANKS.sub(lambda found: found[1] or b"", text).decode()


def _beginning(text: bytes, most_bytes: int) -> bytes:
    """More than ``most_bytes`` without blanks outside strings, or all that there is."""
    found, place = bytearray(), 0
    for each in _STRING_OR_BLANKS.finditer(text):
        found += text[place : each.start()]
        found += each[1] or b""
        place = each.end()
        if len(found) > most_bytes:
            return bytes(found)
    return bytes(found + text[place:])


def candidate_texts(decoded: Decoded) -> tuple[bytes, NDArray[np.int64]]:
    """The JSON of every candidate, verbatim, behind each other, and the length of each one."""
    if decoded.spans is not None and kernel is not None:
        spans = np.ascontiguousarray(decoded.spans)
        return kernel.gather(decoded.window.text, spans), spans[:, 1] - spans[:, 0]
    texts = list(_raw_texts(decoded, np.arange(decoded.candidates.num_rows)))
    return b"".join(texts), np.fromiter(map(len, texts), np.int64, len(texts))


def _raw_texts(decoded: Decoded, rows: NDArray[np.int64]) -> Iterator[bytes]:
    text = decoded.window.text
    if decoded.spans is not None:
        return (bytes(text[start:end]) for start, end in decoded.spans[rows].tolist())
    texts = item_texts(decoded.window)
    positions = decoded.first + decoded.candidates["position"].to_numpy()[rows]
    return (bytes(texts[position]) for position in positions.tolist())


def item_texts(window: Window) -> list[Any]:
    """The JSON of every event, of which ``bytes`` are made."""
    try:
        return _raws.decode(window.text)
    except msgspec.DecodeError:  # lone surrogates
        return [item.encode() for _, item in strict_items(window)]


def _decide(window: Window, first: int, scanned: Scanned) -> Decoded:
    """Puts what the general tier says of undecided events in their places."""
    seen, not_purchase = scanned.seen, scanned.not_purchase
    candidates, spans, undecided = scanned.candidates, scanned.spans, scanned.undecided
    if len(undecided):
        places = spans[undecided].tolist()
        decided = _candidates([_decode_alone(window.text[start:end]) for start, end in places])
        not_purchase += len(undecided) - len(decided)
        rows = undecided[decided["position"].to_numpy()]
        decided = decided.set_column(
            0, CANDIDATES.field("position"), candidates["position"].take(pa.array(rows))
        )
        kept = np.setdiff1d(np.arange(len(candidates)), undecided)
        order = np.argsort(np.concatenate([kept, rows]))
        candidates = pa.concat_tables([candidates.take(pa.array(kept)), decided])
        candidates = candidates.take(pa.array(order))
        spans = np.concatenate([spans[kept], spans[rows]])[order]
    return Decoded(window, first, seen, not_purchase, candidates, spans, len(undecided))


def candidates_by_values(events: Iterable[tuple[object, ...] | None]) -> pa.Table:
    """Candidates (schema CANDIDATES) of events by the values of FIELDS, a missing field being
    None; None in place of the values is an event that is no object. Positions count them all."""
    return _candidates([_NOT_AN_OBJECT if each is None else _Event(*each) for each in events])


def _candidates(events: Sequence[_Event]) -> pa.Table:
    """Those that claim, or may claim, to be purchases; positions count ``events``."""
    positions: list[int] = []
    defects: list[int] = []
    guests: list[bool] = []
    customers: list[bytes | None] = []
    products: list[bytes | None] = []
    quantities: list[int] = []
    for position, event in enumerate(events):
        kind = event.event_type
        if kind == "purchase":
            defect = 0
        elif event is _NOT_AN_OBJECT:
            defect = NOT_AN_OBJECT
        elif type(kind) is not str:
            defect = INVALID_EVENT_TYPE
        else:
            continue
        customer, quantity = event.customer_id, event.quantity
        positions.append(position)
        defects.append(defect)
        guests.append(customer is UNSET or customer is None or customer == "")
        customers.append(_identifier(customer))
        products.append(_identifier(event.product_id))
        valid = type(quantity) is int and 1 <= quantity <= MAX_QUANTITY
        quantities.append(quantity if valid else 0)
    columns = [positions, defects, guests, customers, products, quantities]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, CANDIDATES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=CANDIDATES)


def _identifier(value: object) -> bytes | None:
    return value.encode("utf-8", "surrogatepass") if type(value) is str and value else None


def _decode_text(text: Octets) -> list[_Event]:
    try:
        return _events.decode(text)
    except msgspec.ValidationError:  # some item is not an object: one by one
        return [_decode_one(raw) for raw in _raws.decode(text)]


def _decode_one(raw: Raw) -> _Event:
    text = bytes(raw)
    return _decode_alone(text) if text.startswith(b"{") else _NOT_AN_OBJECT


def _decode_alone(text: Octets) -> _Event:
    """One object, known to be legal JSON."""
    try:
        return _event.decode(text)
    except msgspec.DecodeError:  # lone surrogates, or a number beyond a double
        return _from_value(STRICT.decode(text.decode()))


def _from_value(value: object) -> _Event:
    if not isinstance(value, dict):
        return _NOT_AN_OBJECT
    return _Event(**{name: value[name] for name in _Event.__struct_fields__ if name in value})


def _check_utf8(window: Window) -> None:
    if window.text.isascii():
        return
    try:
        window.text.decode()
    except UnicodeDecodeError as error:
        byte = window.offset + error.start
        raise UnreadablePart(f"the part is not UTF-8: {error.reason} at byte {byte}") from error


def _check_depth(text: Octets, json_depth: int) -> None:
    if Structure.of(text).depth > json_depth:
        raise UnreadablePart(f"the part is nested deeper than the limit of {json_depth}")
