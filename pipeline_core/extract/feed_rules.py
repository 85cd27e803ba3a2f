"""What a feed says of one event: which of its values count, and as what."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, Struct

from pipeline_core.extract.event_key import event_key
from pipeline_core.extract.paid_prices import paid_price
from pipeline_core.extract.scan import INVALID_EVENT_TYPE, NOT_AN_OBJECT, Names
from pipeline_core.framing.field_paths import MISSING, items_of, lookup
from pipeline_core.framing.kernel import Octets, kernel
from pipeline_core.framing.strict_json import LONGEST_INT, MAX_QUANTITY, WRITTEN, Digits
from pipeline_core.messages import Condition, Feed
from pipeline_core.schemas import UNKNOWN_RETURN, candidates_schema

_WHOLE_TEXT = re.compile(r"(-?)([0-9]+)(?:\.0*)?")
# In a path: leads into objects, or is escaped in JSON.
_ODD = re.compile(r'[.\\"\x00-\x1f\ud800-\udfff]')
_INTEGER = re.compile(r"-?[0-9]+")
_LITERALS = {True: "true", False: "false", None: "null"}


class Event(Struct, gc=False):
    """What is asked of an event: any JSON value, or UNSET."""

    event_type: Any = UNSET
    """What it is, such as a purchase."""
    customer_id: Any = UNSET
    """Who bought."""
    product_id: Any = UNSET
    """What was bought."""
    quantity: Any = UNSET
    """How many of it, in units."""
    price: Any = UNSET
    """What was paid for a unit, a number being Raw or Digits."""


class KeyedEvent(Event, gc=False):
    """The same, with the key by which it is known if it is sent twice."""

    key: bytes | None = None
    """SHA-256 of what tells it from all others; None if it has nothing of that."""


# An event's fields that count in every feed.
FIELDS = ("event_type", "customer_id", "product_id", "quantity")

NO_OBJECT = Event()
# No purchase, whatever it is.
ANOTHER = Event(event_type="")
_NO_ORDER: Mapping[str, object] = {}


class Reading:
    """Reads events by the names and rules of a feed."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._paths: dict[str, str] = {name: getattr(feed, name) for name in FIELDS}
        if feed.price is not None:
            self._paths["price"] = feed.price
        self.schema = candidates_schema(
            is_priced=feed.price is not None, is_keyed=bool(feed.event_id)
        )
        self._types = frozenset(feed.taken_types)
        self._returns = frozenset(feed.return_types)
        self._any_ids = feed.ids == "any"
        # The paths that lead from one list of an order's items to the next; none if it has none.
        lists = [] if feed.items is None else feed.items.removesuffix("[]").split("[]")
        self.steps = tuple(step.removeprefix(".") for step in lists)
        # Values are read as they stand in the event, by msgspec; else by what the feed says.
        self.is_plain = not (
            feed.items
            or feed.only
            or feed.numbers != "integer"
            or feed.missing_quantity is not None
            or feed.event_id
            or any(map(_ODD.search, self._paths.values()))
        )
        kind: Any = msgspec.defstruct(
            "RenamedEvent",
            [(name, Raw if name == "price" else Any, UNSET) for name in self._paths],
            rename=self._paths if self.is_plain else None,
            gc=False,
        )
        self._event = msgspec.json.Decoder(kind)
        self._kind = None if _ODD.search(feed.event_type) else _kind_decoder(feed.event_type)
        # An order's first list has a key that ends so, unless it is written with escapes.
        self._list_key = _octets(self.steps[0].rpartition(".")[2] + '"') if self.steps else b""
        self._events = msgspec.json.Decoder(list[kind])
        self._raws = msgspec.json.Decoder(list[Raw])

    @cached_property
    def names(self) -> Names | None:
        """What the kernel takes; None if it does not take such a feed."""
        if kernel is None:
            return None
        if not self.is_plain or len(self._types) > kernel.MOST_TYPES:
            return None
        fields = tuple(_octets(path) for path in self._paths.values())
        bought = len(set(self._feed.purchase_types))
        types = tuple(map(_octets, dict.fromkeys(self._feed.taken_types)))
        return Names(fields, types, bought, self._any_ids, self._feed.price_decimals)

    def plain_events(self, text: Octets) -> list[Any] | None:
        """The events of an array, if values are read as they stand, and msgspec takes them."""
        if not self.is_plain:
            return None
        try:
            try:
                found: list[Any] = self._events.decode(text)
            except msgspec.ValidationError:  # some item is not an object: one by one
                return [self.event(bytes(raw)) for raw in self._raws.decode(text)]
        except (msgspec.DecodeError, RecursionError):
            return None
        return found

    def plain_event(self, text: Octets) -> Any:
        """One event, if values are read as they stand, and msgspec takes it; else None."""
        if not self.is_plain:
            return None
        try:
            return self._event.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None

    def raw_events(self, text: Octets) -> list[Raw] | None:
        """The texts of an array's items, if msgspec takes it."""
        try:
            return self._raws.decode(text)
        except (msgspec.DecodeError, RecursionError):
            return None

    def is_another(self, text: Octets) -> bool:
        """Whether msgspec takes the text for an object that is no purchase, whatever else is in it:
        most of a feed is, and need not become Python's values. False where it cannot tell."""
        if self._kind is None:
            return False
        if self.steps and (self._list_key in text or b"\\" in text):
            return False  # its items count one by one
        try:
            kind = self._kind.decode(text).event_type
        except (msgspec.DecodeError, RecursionError):
            return False
        return type(kind) is str and kind not in self._types

    def event(self, text: Octets) -> Any:
        """One event, known to be legal JSON; msgspec takes no lone surrogates, and no number
        beyond a double."""
        if not text.startswith(b"{"):
            return NO_OBJECT
        found = self.plain_event(text)
        return self.event_of(WRITTEN.decode(text.decode())) if found is None else found

    def events_of(self, value: object) -> list[tuple[int | None, Event]]:
        """What counts as an event: the items of an order, by their numbers, or the value itself;
        numbers are Digits, and ANOTHER stands for any event that is no purchase."""
        if not self.steps or not isinstance(value, dict):
            return [(None, self.event_of(value))]
        items = items_of(value, self.steps)
        if items:
            return [(number, self._item(item, value)) for number, item in enumerate(items)]
        return [(None, self._without_item(value, NO_OBJECT if items is None else ANOTHER))]

    def _item(self, item: object, order: Mapping[str, object]) -> Event:
        if isinstance(item, dict):
            return self.event_of(item, order)
        return self._without_item(order, NO_OBJECT)

    def _without_item(self, order: Mapping[str, object], in_purchase: Event) -> Event:
        """Nothing, or something else, in place of an item: ``in_purchase`` if that is what the
        order is; one whose type is no text is an event by itself."""
        event = self.event_of(order)
        if type(event.event_type) is not str:
            return event
        return in_purchase if event.event_type in self._types else ANOTHER

    def event_of(self, value: object, order: Mapping[str, object] = _NO_ORDER) -> Event:
        """An event by its value, and by its ``order`` where that says nothing, with Digits."""
        if not isinstance(value, dict):
            return ANOTHER if value is ANOTHER else NO_OBJECT

        def at(path: str) -> object:
            found = lookup(value, path)
            return lookup(order, path) if found is MISSING else found

        if not all(_is_met(each, at(each.path)) for each in self._feed.only):
            return ANOTHER
        values = {name: at(path) for name, path in self._paths.items()}
        event = KeyedEvent(
            key=event_key([at(path) for path in self._feed.event_id]),
            **{name: each for name, each in values.items() if each is not MISSING},
        )
        event.quantity = self._quantity(event.quantity)
        return event

    def candidates(self, events: Sequence[Any]) -> pa.Table:
        """Those that claim, or may claim, to be purchases, with prices and keys (candidates_schema)
        if the feed says where these are; positions count ``events``."""
        positions: list[int] = []
        defects: list[int] = []
        guests: list[bool] = []
        customers: list[bytes | None] = []
        products: list[bytes | None] = []
        quantities: list[int] = []
        prices: list[int | None] = []
        keys: list[bytes | None] = []
        for position, event in enumerate(events):
            kind = event.event_type
            if type(kind) is str:
                if kind not in self._types:
                    continue
                defect = 0
            else:
                defect = NOT_AN_OBJECT if event is NO_OBJECT else INVALID_EVENT_TYPE
            customer, quantity = event.customer_id, event.quantity
            positions.append(position)
            defects.append(defect)
            guests.append(customer is UNSET or customer is None or customer == "")
            customers.append(self._identifier(customer))
            products.append(self._identifier(event.product_id))
            quantities.append(_units(quantity, is_return=not defect and kind in self._returns))
            if self._feed.price is not None:
                prices.append(paid_price(event.price, self._feed.price_decimals))
            keys.append(None if defect else getattr(event, "key", None))
        columns = {
            "position": positions,
            "item": [None] * len(positions),
            "defect": defects,
            "guest": guests,
            "customer_id": customers,
            "product_id": products,
            "quantity": quantities,
            "price_minor": prices,
            "event_key": keys,
        }
        arrays = [pa.array(columns[field.name], field.type) for field in self.schema]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _identifier(self, value: object) -> bytes | None:
        if type(value) is str and value:
            return _octets(value)
        if not self._any_ids:
            return None
        if type(value) is int:
            return str(value).encode()
        if isinstance(value, Digits) and _INTEGER.fullmatch(value):
            return b"0" if value == "-0" else value.encode()
        return None

    def _quantity(self, value: object) -> object:
        """An integer, if it counts as one."""
        if value is UNSET or value is None:
            return value if self._feed.missing_quantity is None else self._feed.missing_quantity
        if isinstance(value, Digits):
            if _INTEGER.fullmatch(value):
                return int(value) if len(value) <= LONGEST_INT else MAX_QUANTITY + 1
            return _whole_number(value) if self._feed.numbers == "number" else value
        if self._feed.numbers == "number" and isinstance(value, str):
            found = _WHOLE_TEXT.fullmatch(value)
            digits = found[2].lstrip("0") or "0" if found else ""
            if found and len(digits) <= LONGEST_INT:
                return int(found[1] + digits)
        return value


def _kind_decoder(name: str) -> msgspec.json.Decoder[Any]:
    fields = [("event_type", Any, UNSET)]
    kind = msgspec.defstruct("Kind", fields, rename={"event_type": name}, gc=False)
    return msgspec.json.Decoder(kind)


@lru_cache(maxsize=64)
def reading_of(feed: Feed) -> Reading:
    """The reading by a feed, made once."""
    return Reading(feed)


def _units(quantity: object, *, is_return: bool) -> int:
    """Of a candidate: below 0 of what came back, 0 of no quantity."""
    units = 0
    if type(quantity) is int and -MAX_QUANTITY <= quantity <= MAX_QUANTITY:
        units = quantity
    if is_return:
        return -units if units > 0 else UNKNOWN_RETURN
    return units


def _whole_number(digits: str) -> object:
    """An integer, if that is what a number with a fraction or an exponent is."""
    try:
        number = Decimal(digits)
    except InvalidOperation:  # an exponent beyond all bounds
        return digits
    is_near = number.is_zero() or 0 <= number.adjusted() < LONGEST_INT
    return int(number) if is_near and number == int(number) else digits


def _is_met(condition: Condition, value: object) -> bool:
    if value is MISSING:
        return not condition.is_equal
    text = value if isinstance(value, str) else None
    if isinstance(value, bool) or value is None:
        text = _LITERALS[value]
    return (text in condition.values) is condition.is_equal


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
