"""The events of a folder of archives, as frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline_core.errors import ConfigError, InputError
from pipeline_core.extract.event_values import event_values, feed_events
from pipeline_core.extract.feed_rules import FIELDS
from pipeline_core.frames.sound_parts import (
    SoundPart,
    SoundParts,
    find_sound_parts,
    sound_windows,
)
from pipeline_core.frames.tables import frame_of
from pipeline_core.framing.windows import Window
from pipeline_core.messages import Feed, Limits, Options, RejectReason, Unreadable
from pipeline_core.schemas import PRICE_MINOR, UNKNOWN_RETURN
from pipeline_core.settings import described_feed
from pipeline_core.transform.money import to_decimal

PLACE = ("archive", "day", "part", "position")
ITEM = "item"
PRICE = "price"
NOT_AN_OBJECT = "not_an_object"
# With a feed: what a run takes an event for before it looks anything up.
TAKEN_AS = "taken_as"
PURCHASE, NOT_A_PURCHASE = "purchase", "not_purchase"
INVALID_QUANTITY = RejectReason.INVALID_QUANTITY.value
_PREFIX = "event."
_REASONS = [reason.value for reason in RejectReason]
_MOST_FIELDS = 200
_MOST_LISTED = 1000
_MOST_BATCH_BYTES = 128 << 20
_LONG_EVENT_BYTES = 1 << 10

_Event = dict[str, object] | str


class _Placed(NamedTuple):
    """An event, or the JSON text of what is no object, and its place."""

    archive: str
    day: str
    part: str
    position: int
    event: _Event
    # Of FIELDS.
    ours: Sequence[object]
    item: int | None = None
    taken_as: str = ""
    price: Decimal | None = None


class EventExtractor:
    """Walks the archives of a folder (or of a storage's URI) by the rules of a run: what cannot be
    read is left out whole and told, and identical bytes count once.

    A frame has a row an event, purchases and all others, in the order of archives, days and parts:

    ==========================  ==============================================================
    archive, day, part          str: the file, and the entries' names in it
    position                    int64: counts the events of its part from 0
    event_type, customer_id,    object: the event's own values, as ``json.loads`` gives them;
    product_id, quantity        None where the field is missing or null
    any other field             the same; a name that is one of ours, or begins with ``event.``,
                                gets ``event.`` before it
    not_an_object               str: the JSON of an event that is no object, else None
    ==========================  ==============================================================

    ``feed`` are the settings of a shop's own names, by their names, as `run` takes them:
    ``{"fields": "customer_id=user.id", "items": "lines[]", "event_id": "messageId"}``. Then:

    ==========================  ==============================================================
    item                        object: with ``items``, the number of the item in its order, or
                                None; each item is a row, and has its order's fields and its own
    event_type, customer_id,    object: what stands at the feed's paths; ids and quantities that
    product_id, quantity        count are ``str`` and ``int``, whatever they are written as
    price                       with ``price_field``, what was paid for a unit: Decimal, or None
                                where that is no price
    any other field             the event's own, as above; one that is called like one of these,
                                and is not what the feed means, gets ``event.``, too
    taken_as                    str: ``purchase``, ``not_purchase``, or why it is neither:
                                ``not_an_object``, ``invalid_event_type``, ``duplicate_event``;
                                ``invalid_quantity`` of an event of ``return_types`` whose
                                quantity is not above 0: others of these have one below 0 here
    ==========================  ==============================================================

    ``fields`` names the other fields to keep, so that every batch has the same columns; without it
    a batch has those that its events have. The first question reads every archive once, to know
    what of it is sound; ``batches`` then reads it again, a window at a time, and holds a batch.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        feed: Mapping[str, object] | None = None,
        fields: Sequence[str] | None = None,
        limits: Limits | None = None,
        as_of: date | None = None,
        follow_links: bool = False,
    ) -> None:
        """``limits`` are the run's (SALES_MAX_...), ``as_of`` is its last date; ``follow_links``
        reads archives behind links that lead out of the folder. Raises ConfigError for a ``feed``
        that is none."""
        self._folder = str(folder)
        self._feed = None if feed is None else described_feed(feed)
        names = self._feed or Feed()
        # Those of our four fields that are an event's own, under that name.
        self._own = [name for name in FIELDS if getattr(names, name) == name]
        # Names of an event's own fields that would be taken for ours get a prefix.
        self._taken = {*PLACE, NOT_AN_OBJECT, "reason", *FIELDS} - {*self._own}
        self._taken |= set() if self._feed is None else {ITEM, TAKEN_AS}
        self._taken |= {PRICE} if names.price is not None else set()
        self._fields = fields
        self._options = Options(
            limits=limits or Limits(),
            as_of=as_of,
            follow_links=follow_links,
            most_listed=_MOST_LISTED,
            reject_rows=0,
            feed=names,
        )
        self._known: SoundParts | None = None

    @property
    def unreadable(self) -> list[Unreadable]:
        """The parts, days and archives that could not be read, the first thousand of them: archive,
        day, part and cause."""
        return list(self._sound_parts().unreadable)

    @property
    def ignored(self) -> dict[str, int]:
        """Files and entries that were passed over without being read, by their ending."""
        return dict(self._sound_parts().ignored)

    def batches(self, batch_size: int = 50_000) -> Iterator[pd.DataFrame]:
        """The events, ``batch_size`` at a time; the last batch has what is left. One of very long
        events ends earlier: behind the window with which its JSON passes 128 MiB, or a KiB for each
        event that it may have, whichever is more.

        Raises:
            ConfigError: there is no archive, or no such batch size.
            InputError: an archive changed meanwhile, or a batch has more fields than a frame bears.
            RetryableError: the storage does not answer.
        """
        if batch_size < 1:
            raise ConfigError(f"A batch of {batch_size} events is none.", "Take 1 or more.")
        most_bytes = max(_MOST_BATCH_BYTES, batch_size * _LONG_EVENT_BYTES)
        batch, held = list[_Placed](), 0
        for events, octets in self._windows(batch_size):
            held += octets
            for event in events:
                batch.append(event)
                if len(batch) == batch_size:
                    yield self._frame(batch)
                    batch, held = [], 0
            if held > most_bytes:
                yield self._frame(batch)
                batch, held = [], 0
        if batch:
            yield self._frame(batch)

    def to_frame(self) -> pd.DataFrame:
        """All events at once, for a shop that fits into memory. Raises as ``batches`` does."""
        windows = self._windows(self._options.batch_size)
        return self._frame([event for events, _ in windows for event in events])

    def _sound_parts(self) -> SoundParts:
        if self._known is None:
            self._known = find_sound_parts(self._folder, self._options)
        return self._known

    def _windows(self, batch_size: int) -> Iterator[tuple[Iterator[_Placed], int]]:
        """The events of one window after the other, and the bytes of their JSON."""
        depth = self._options.limits.json_depth
        for part in sound_windows(self._sound_parts(), batch_size):
            positions = count()
            for window in part.windows:
                if self._feed is not None:
                    events = _by_feed(part, window, depth, self._feed, positions)
                else:
                    events = (
                        _Placed(*part.place, next(positions), each, _values(each))
                        for each in event_values(window, depth)
                    )
                yield events, len(window.text)

    def _frame(self, batch: Sequence[_Placed]) -> pd.DataFrame:
        objects = [each.event if isinstance(each.event, dict) else {} for each in batch]
        columns: dict[str, list[object]] = {
            name: [getattr(each, name) for each in batch] for name in PLACE
        }
        if self._options.feed.items is not None:
            columns[ITEM] = [each.item for each in batch]
        for place, name in enumerate(FIELDS):
            columns[name] = [each.ours[place] for each in batch]
        if self._options.feed.price is not None:
            columns[PRICE] = [each.price for each in batch]
        for name in self._names(batch, objects):
            columns[self._column(name)] = [event.get(name) for event in objects]
        columns[NOT_AN_OBJECT] = [
            each.event if isinstance(each.event, str) else None for each in batch
        ]
        if self._feed is not None:
            columns[TAKEN_AS] = [each.taken_as for each in batch]
        return frame_of(columns, whole=("position",))

    def _names(self, batch: Sequence[_Placed], objects: Sequence[dict[str, object]]) -> list[str]:
        """Those of further fields."""
        names = dict.fromkeys((*self._own, *(self._fields or ())))
        for placed, event in zip(batch, objects, strict=True) if self._fields is None else ():
            names |= dict.fromkeys(event)
            if len(names) > _MOST_FIELDS:
                where = f"part {placed.part} of {placed.day} in {placed.archive}"
                raise InputError(
                    f"The events have more than {_MOST_FIELDS} different fields, by event "
                    f"{placed.position} of {where}.",
                    'Name those that you need: EventExtractor(folder, fields=["timestamp"]).',
                )
        return [name for name in names if name not in self._own]

    def _column(self, name: str) -> str:
        # JSON may name a field by half a character, which no text of pandas' can hold.
        text = name.encode(errors="backslashreplace").decode()
        is_plain = text == name and name not in self._taken and not name.startswith(_PREFIX)
        return name if is_plain else f"{_PREFIX}{text}"


def _values(event: _Event) -> Sequence[object]:
    return [event.get(name) for name in FIELDS] if isinstance(event, dict) else [None] * len(FIELDS)


def _by_feed(
    part: SoundPart, window: Window, json_depth: int, feed: Feed, positions: Iterator[int]
) -> Iterator[_Placed]:
    """The events of a window as a run takes them; ``positions`` are those of its orders."""
    position = 0
    for events, candidates in feed_events(window, json_depth, feed):
        marked = part.marking.marked(candidates).to_pylist()
        taken = {candidate["position"]: candidate for candidate in marked}
        for row, (item, ours, value) in enumerate(events):
            if not item:  # it is the first of its order, or none
                position = next(positions)
            candidate = taken.get(row)
            values, taken_as = ours, NOT_A_PURCHASE
            if candidate is not None:
                kind, customer, product, quantity = ours
                found = candidate["quantity"]
                values = (
                    kind,
                    _id(candidate["customer_id"], customer),
                    _id(candidate["product_id"], product),
                    quantity if found in (0, UNKNOWN_RETURN) else found,
                )
                taken_as = _taken_as(candidate)
            minor = None if candidate is None else candidate.get(PRICE_MINOR.name)
            price = None if minor is None else to_decimal(minor, feed.price_decimals)
            yield _Placed(*part.place, position, value, values, item, taken_as, price)


def _taken_as(candidate: Mapping[str, int]) -> str:
    if candidate["defect"]:
        return _REASONS[candidate["defect"] - 1]
    # Below 0, its own quantity would be that of a return among purchases.
    return INVALID_QUANTITY if candidate["quantity"] == UNKNOWN_RETURN else PURCHASE


def _id(found: bytes | None, value: object) -> object:
    return value if found is None else found.decode("utf-8", "surrogatepass")
