"""The feed that would count most: small combinations of candidates, counted and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product as combinations
from typing import Literal

import msgspec

from pipeline_core.catalog.tables import Mapped, Table, asked_for, mappings
from pipeline_core.catalog.words import likeness, words
from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.configuration.feed import OURS
from pipeline_core.framing.field_paths import MISSING, lookup
from pipeline_core.inspection.candidates import Candidates, Scored, TypeScored, has_kind
from pipeline_core.inspection.rows import (
    View,
    id_text,
    items_of,
    kind_of,
    lists_of,
    quantity,
    view_of,
)
from pipeline_core.messages import Condition, Feed

# Customers and products as they are configured.
Asked = tuple[DimensionTable, DimensionTable]
_Mappings = list[tuple[float, Mapped]]
CUSTOMER = ("customer_id", "segment")
PRODUCT = ("product_id", "category", "price")
# Combinations that are counted by the product's own judge.
MOST_JUDGED = 6
_MOST_LISTS = 6
_DEFAULT = Feed()
# Of the events, that have a field of types at least; and of what another proposal explains: what
# only a few strange events have is no shop's way.
_STRANGE, _NEXT_TO_NOTHING = 0.01, 0.1
# Below such a share of the purchases, another way of writing is a slip and not the shop's way.
_A_SLIP, _OFTEN_MISSING = 0.05, 0.1
_COUNTED = 2.0
_NO_LIST = frozenset(
    ["recommendations", "recommended", "related", "viewed", "wishlist", "similar", "params"]
)
_TESTS = frozenset(["test", "sandbox", "debug", "dry", "internal", "staging"])


@dataclass(frozen=True)
class Proposal:
    """A feed, tables of customers and products (None: not known), and how much speaks for them by
    names and evidence, ``likeness`` what the names of its types alone say. ``purchases`` are the
    rows of its view that would be purchases, ``complete`` how many of them have everything."""

    feed: Feed
    customers: Mapped | None
    products: Mapped | None
    score: float
    likeness: float
    view: View
    purchases: tuple[int, ...]
    complete: int

    def rank(self, counted: int) -> float:
        """How much speaks for it if so many of its purchases count."""
        return self.score + _COUNTED * min(1.0, counted / max(1, len(self.purchases)))


def proposals(
    events: Sequence[object],
    tables: Sequence[Table],
    base: Feed = _DEFAULT,
    asked: Asked = (CUSTOMERS, PRODUCTS),
) -> list[Proposal]:
    """The likeliest, best first; at most MOST_JUDGED. None that few events alone speak for, where
    another explains many, and no other table than one that is ``asked`` for by its name. What
    ``base`` says of parts, and what it leaves out, stays so."""
    customers, products = _mapped(tables, asked)
    found: list[Proposal] = []
    for items in (None, *lists_of(events)[:_MOST_LISTS]):
        if items is not None and _NO_LIST & set(words(items)):
            continue
        candidates = Candidates(view_of(events, items), customers, products)
        usual = cache(partial(_is_usual, events, items))
        found += (each for each in _of_view(candidates, base) if usual(each.feed.event_type))
    found = [each for each in found if not _is_outdone(each, found)]
    found.sort(key=lambda each: -each.rank(each.complete))
    return found[:MOST_JUDGED]


def _is_usual(events: Sequence[object], items: str | None, path: str) -> bool:
    """Whether more than a few strange events have the field, or one of their items has it."""
    orders = [event for event in events if isinstance(event, dict)]
    seen = sum(
        any(lookup(each, path) is not MISSING for each in (order, *_inside(order, items)))
        for order in orders
    )
    return seen >= len(orders) * _STRANGE


def _inside(order: Mapping[str, object], items: str | None) -> list[dict[str, object]]:
    return items_of(order, items) if items is not None else []


def _is_outdone(proposal: Proposal, others: Sequence[Proposal]) -> bool:
    """Whether another one, of types that are called no less like purchases, explains so much more
    that this one explains next to nothing."""
    return any(
        proposal.complete < other.complete * _NEXT_TO_NOTHING
        and proposal.likeness <= other.likeness
        for other in others
    )


def _of_view(candidates: Candidates, base: Feed) -> Iterator[Proposal]:
    quantities: list[Scored | None] = [*candidates.quantities] or [None]
    for who, what, many in combinations(candidates.customers, candidates.products, quantities):
        quantity_path = many.path if many else _DEFAULT.quantity
        for kind in candidates.types(what.path, many.path if many else None):
            # Each field is asked for one thing.
            if len({kind.path, who.path, what.path, quantity_path}) == len(OURS):
                yield _proposal(candidates, who, what, many, kind, base)


def _proposal(
    candidates: Candidates,
    who: Scored,
    what: Scored,
    many: Scored | None,
    kind: TypeScored,
    base: Feed,
) -> Proposal:
    view = candidates.view
    columns = view.columns
    values = set(kind.values)
    purchases = [row for row, value in enumerate(columns[kind.path]) if _is_in(value, values)]
    numbers, missing = _numbers(view, purchases, many)
    only = [each for each in _conditions(view, purchases) if each not in base.only]
    feed = msgspec.structs.replace(
        base,
        event_type=kind.path,
        customer_id=who.path,
        product_id=what.path,
        quantity=many.path if many else _DEFAULT.quantity,
        purchase_types=kind.values,
        ids=_ids(view, purchases, who.path, what.path),
        numbers=numbers,
        missing_quantity=missing,
        items=view.items,
        only=(*base.only, *only),
    )
    complete = sum(_is_complete(view, row, who, what, many, feed) for row in purchases)
    score = sum(each.score for each in (who, what, many, kind) if each is not None)
    return Proposal(
        feed, who.mapped, what.mapped, score, kind.likeness, view, tuple(purchases), complete
    )


def _is_in(value: object, values: set[str]) -> bool:
    return isinstance(value, str) and value in values


def _is_complete(
    view: View, row: int, who: Scored, what: Scored, many: Scored | None, feed: Feed
) -> bool:
    columns = view.columns
    for each, name in ((who, "customer_id"), (what, "product_id")):
        text = id_text(columns[each.path][row])
        if text is None:
            return False
        if each.mapped and text not in each.mapped.table[each.mapped.columns[name]].ids:
            return False
    if many is None:
        return feed.missing_quantity is not None
    value = columns[many.path][row]
    if value is MISSING or value is None:
        return feed.missing_quantity is not None
    return quantity(value) is not None


def _ids(view: View, rows: Sequence[int], *paths: str) -> Literal["text", "any"]:
    for path in paths:
        values = [view.columns[path][row] for row in rows]
        if has_kind(values, "integer") > len(values) * _A_SLIP:
            return "any"
    return "text"


def _numbers(
    view: View, rows: Sequence[int], many: Scored | None
) -> tuple[Literal["integer", "number"], int | None]:
    """How quantities are written, and what a missing one counts as."""
    if many is None:
        return "number", 1
    values = [view.columns[many.path][row] for row in rows]
    missing = sum(value is MISSING or value is None for value in values)
    if missing and missing >= len(values) * _OFTEN_MISSING:
        return "number", 1
    others = sum(kind_of(value) != "integer" and quantity(value) is not None for value in values)
    return ("number" if others > len(values) * _A_SLIP else "integer"), None


def _conditions(view: View, rows: Sequence[int]) -> tuple[Condition, ...]:
    """Leaves out what a boolean field calls a test."""
    found = []
    for path, values in view.columns.items():
        if not _TESTS & set(words(path.rpartition(".")[2])):
            continue
        there = [value for row in rows if (value := values[row]) is not MISSING]
        if len(there) <= len(rows) * _A_SLIP:
            continue
        if any(value is True for value in there) and any(value is False for value in there):
            found.append(Condition(path, is_equal=False, values=("true",)))
    return tuple(found)


def _mapped(tables: Sequence[Table], asked: Asked) -> tuple[_Mappings, _Mappings]:
    customers, products = (asked_for(tables, each) for each in asked)
    return mappings(customers, CUSTOMER), mappings(products, PRODUCT)


def closest_tables(tables: Sequence[Table], asked: Asked) -> tuple[Mapped | None, Mapped | None]:
    """Customers and products by names and looks alone, of those that are ``asked`` for."""
    customers, products = _mapped(tables, asked)
    return customers[0][1] if customers else None, products[0][1] if products else None


def lacking(events: Sequence[object], tables: Sequence[Table]) -> str | None:
    """The first of our ids that nothing in the events looks like."""
    customers, products = mappings(tables, CUSTOMER), mappings(tables, PRODUCT)
    seen = Candidates(view_of(events, None), customers, products)
    found = {"customer_id": seen.customers, "product_id": seen.products}
    missing = next((name for name, fields in found.items() if not fields), None)
    paths = {each.path for fields in found.values() for each in fields}
    if missing is None and len(paths) == 1:  # one field for both
        missing = min(found, key=lambda name: likeness(min(paths), name))
    return missing


def likeliest_type(view: View) -> str | None:
    """The field that is called most like one of types, whatever it holds."""
    found = [path for path in view.columns if likeness(path, "event_type") > 0]
    return max(found, key=lambda path: likeness(path, "event_type"), default=None)
