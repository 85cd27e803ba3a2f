"""Sales of a part by sums of whole numbers; what is not plainly one is judged as any event is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from operator import itemgetter

from pipeline_core.messages import Feed, Options
from pipeline_core.reread.certain import Event, certain_events
from pipeline_core.reread.fields import Record
from pipeline_core.reread.json_text import Number
from pipeline_core.verify.counts import Amount, Count, Judged, Place
from pipeline_core.verify.judge import Rules, is_dated, judge
from pipeline_core.verify.known import Known

_MOST_UNITS = 2**31 - 1
# What is no integer is no quantity, id or type, however it is written.
_NO_INTEGER = Number("0.5")


def is_plain(feed: Feed) -> bool:
    """Whether events are purchases of their own, by names of one key, and no number is looked at
    but for the integer that it is."""
    names = feed.event_type, feed.customer_id, feed.product_id, feed.quantity
    is_whole = feed.items is None and not feed.only and not feed.event_id
    is_integer = feed.price is None and feed.numbers == "integer" and feed.ids == "text"
    return is_whole and is_integer and not any("." in name for name in names)


class _Cell:
    """What a category sold to a segment in a part, in minor units of money."""

    __slots__ = ("customers", "events", "revenue", "units")

    def __init__(self) -> None:
        self.events = self.units = self.revenue = 0
        self.customers: set[str] = set()


class CertainSales:
    """Adds up purchases of what is known; any other event is judged by itself."""

    def __init__(self, rules: Rules, options: Options) -> None:
        feed = rules.feed
        self._rules, self._options = rules, options
        self._names = feed.event_type, feed.customer_id, feed.product_id, feed.quantity
        self._returns = frozenset(feed.return_types)
        self._purchases = frozenset(feed.purchase_types) - self._returns
        self._known = Known.on(rules, "")
        self._is_dated = any(map(is_dated, rules.products.values()))
        self._is_dated = self._is_dated or any(map(is_dated, rules.customers.values()))

    def count(self, content: bytes, place: Place, sold_on: str) -> Count:
        """What a part comes to. Raises Uncertain."""
        count = Count(self._options.reject_rows, parts_read=1)
        cells: dict[str, dict[str, _Cell]] = defaultdict(lambda: defaultdict(_Cell))
        if self._is_dated and sold_on != self._known.date:
            self._known = Known.on(self._rules, sold_on)
        for events in certain_events(content, self._options.limits):
            for number in self._add(events, cells, count):
                record = self._record(count.seen + number, events[number])
                found = judge(record, sold_on, self._rules)
                if found is None:
                    count.not_purchase += 1
                else:
                    count.take(Judged(place, sold_on, record.position, found))
            count.seen += len(events)
        for category, segments in cells.items():
            for segment, cell in segments.items():
                revenue = Decimal(cell.revenue).scaleb(-self._rules.scale)
                amount = Amount(cell.events, cell.units, revenue)
                count.add(sold_on, (category, segment), amount, cell.customers)
        return count

    def _add(
        self, events: list[Event], cells: dict[str, dict[str, _Cell]], count: Count
    ) -> list[int]:
        """Adds sales to their cells; gives the numbers of events to be judged, in order."""
        kinds, judged = self._kinds(events), list[int]()
        for kind in set(kinds) - self._purchases:
            if kind is None or kind in self._returns:
                judged += _places(kinds, kind)
        bought = sorted(place for kind in self._purchases for place in _places(kinds, kind))
        count.not_purchase += len(events) - len(bought) - len(judged)
        _, customer_name, product_name, quantity_name = self._names
        products, customers = self._known.products, self._known.customers
        for number in bought:
            event = events[number]
            try:
                price, category = products[event[product_name]]
                segment, customer = customers[event[customer_name]]
                units = event[quantity_name]
            except (KeyError, TypeError):  # it is not there, not known, or no text
                judged.append(number)
                continue
            if units.__class__ is not int or not 0 < units <= _MOST_UNITS:
                judged.append(number)
                continue
            cell = cells[category][segment]
            cell.events += 1
            cell.units += units
            cell.revenue += units * price
            cell.customers.add(customer)
        return sorted(judged)

    def _kinds(self, events: list[Event]) -> list[str | None]:
        """Their types; None of one that is no text."""
        name = self._names[0]
        try:
            kinds = list(map(itemgetter(name), events))
            if {type(kind) for kind in set(kinds)} <= {str}:
                return kinds
        except (KeyError, TypeError):  # it is not there, or a list
            kinds = [event.get(name) for event in events]
        return [kind if isinstance(kind, str) else None for kind in kinds]

    def _record(self, number: int, event: Event) -> Record:
        """An event as `events_of` has it, but for what nobody looks at."""
        seen = {name: _as_read(event[name]) for name in self._names if name in event}
        return Record(str(number), seen, seen)


def _as_read(value: object) -> object:
    if isinstance(value, float):
        return _NO_INTEGER
    return Number(str(value)) if type(value) is int else value


def _places(kinds: list[str | None], kind: str | None) -> Iterator[int]:
    """Where it is, in order."""
    place = -1
    for _ in range(kinds.count(kind)):
        place = kinds.index(kind, place + 1)
        yield place
