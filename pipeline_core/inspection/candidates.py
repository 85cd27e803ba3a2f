"""Candidates for each of our fields, by name and by evidence, for one view of the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline_core.catalog.tables import Mapped, rows_found
from pipeline_core.catalog.words import NEUTRAL, likeness, purchase_likeness
from pipeline_core.framing.field_paths import MISSING
from pipeline_core.inspection.rows import View, id_text, kind_of, quantity

# Of each field, that are tried together.
MOST = 3
# That a field of types holds at most, and that it may hold however few events there are.
_MOST_TYPES, _FEW_TYPES = 60, 8
_SEEN = 0.3  # share of rows that a field of events is in at least
_MOSTLY = 0.9
# Share of a type's rows that have what a purchase has, also where its name says nothing.
_CARRIED, _MOSTLY_CARRIED = 0.3, 0.7
_LEVELS = 0.35  # types of so much lower a likeness are no purchases beside the likeliest
_FOUND, _COVERED, _INNER, _SMALL, _APART = 2.0, 0.5, 0.3, 0.3, 0.5
_UNLIKELY = 0.4
_SMALL_QUANTITY = 1000


@dataclass(frozen=True)
class Scored:
    """A field, and how much speaks for it; of ids also the table that they stand in."""

    path: str
    score: float
    mapped: Mapped | None = None


@dataclass(frozen=True)
class TypeScored:
    """A field that tells purchases from the rest, by ``values`` of it. ``likeness`` is what their
    names alone say for it, ``score`` all that does."""

    path: str
    score: float
    likeness: float
    values: tuple[str, ...]


class Candidates:
    """What may be what in a view. ``customers`` and ``products`` are tables with columns that may
    be ours, with how much speaks for each."""

    def __init__(
        self,
        view: View,
        customers: Sequence[tuple[float, Mapped]],
        products: Sequence[tuple[float, Mapped]],
    ) -> None:
        self.view = view
        self._customers, self._products = customers, products

    @cached_property
    def customers(self) -> list[Scored]:
        """Fields that may say who bought, the likeliest first."""
        return self._ids("customer_id", self._customers)

    @cached_property
    def products(self) -> list[Scored]:
        """Fields that may say what was bought, the likeliest first."""
        found = self._ids("product_id", self._products)
        # Each item of an order has its own product: else it is no list of items.
        inner = self.view.inner
        return [each for each in found if not inner or each.path in inner]

    def _ids(self, meaning: str, tables: Sequence[tuple[float, Mapped]]) -> list[Scored]:
        found: list[Scored] = []
        for path, values in self.view.columns.items():
            texts = Counter(text for value in values if (text := id_text(value)) is not None)
            if not texts or not is_writable(path):
                continue
            name = likeness(path, meaning)
            best = Scored(path, name)
            for fits, mapped in tables:
                column = mapped.table[mapped.columns[meaning]]
                rows, distinct = rows_found(texts, column)
                if not rows:
                    continue
                share = rows / texts.total()
                cover = distinct / max(1, min(len(texts), len(column.ids)))
                score = name + fits * _COVERED + _FOUND * share + _COVERED * cover
                if best.mapped is None or score > best.score:
                    best = Scored(path, score, mapped)
            if name > 0 or best.score > _UNLIKELY + (best.mapped is not None):
                found.append(best)
        return _best(found)

    @cached_property
    def quantities(self) -> list[Scored]:
        """Fields that may say how many, the likeliest first."""
        found = []
        for path, values in self.view.columns.items():
            there = [value for value in values if value is not MISSING and value is not None]
            units = [n for value in there if (n := quantity(value)) is not None]
            name = likeness(path, "quantity")
            if not is_writable(path) or len(units) < len(there) * _SEEN or not units:
                continue
            small = sum(n <= _SMALL_QUANTITY for n in units) / len(units)
            score = name + _SMALL * small + _INNER * (path in self.view.inner)
            if self.view.inner and path not in self.view.inner:
                score -= _INNER
            if name > 0 or (name == 0 and small > _MOSTLY and max(units) > min(units)):
                found.append(Scored(path, score))
        return _best(found)

    def types(self, product: str, quantity_path: str | None) -> list[TypeScored]:
        """Fields that may tell purchases from the rest, the likeliest first; with the values that
        are purchases if these are what was bought and how many."""
        found = []
        for path, values in self.view.columns.items():
            texts = [value for value in values if isinstance(value, str)]
            there = sum(value is not MISSING for value in values)
            if not is_writable(path) or len(texts) < max(there, self.view.rows) * _SEEN:
                continue
            counts = Counter(texts)
            if len(counts) > min(_MOST_TYPES, max(_FEW_TYPES, len(texts) // 2)) or path == product:
                continue
            found.append(self._types_of(path, counts, product, quantity_path))
        return sorted(
            (each for each in found if each.values), key=lambda each: (-each.score, each.path)
        )[:MOST]

    def _types_of(
        self, path: str, counts: Counter[str], product: str, quantity_path: str | None
    ) -> TypeScored:
        carried = self._carried(path, product, quantity_path)
        levels = {
            value: level
            for value in counts
            if (level := purchase_likeness(value)) > 0
            and is_writable(value)
            and carried[value] >= counts[value] * (_CARRIED if level > NEUTRAL else _MOSTLY_CARRIED)
            and (quantity_path is not None or level > NEUTRAL)
        }
        best = max(levels.values(), default=0.0)
        chosen = sorted(value for value, level in levels.items() if level >= best - _LEVELS)
        score = named = likeness(path, "event_type") + best
        if quantity_path is not None and 0 < len(chosen) < len(counts):
            # All others have no quantity: just what tells a purchase.
            others = sum(carried[value] for value in counts if value not in chosen)
            score += _APART * (1 - others / max(1, carried.total()))
        return TypeScored(path, score, named, tuple(chosen))

    def _carried(self, path: str, product: str, quantity_path: str | None) -> Counter[str]:
        """Rows that have a product and a quantity, by type."""
        columns = self.view.columns
        units = columns[quantity_path] if quantity_path else [1] * self.view.rows
        return Counter(
            value
            for value, item, many in zip(columns[path], columns[product], units, strict=True)
            if isinstance(value, str) and id_text(item) and quantity(many)
        )


def is_writable(path: str) -> bool:
    """Whether a setting can name it: commas and equals signs stand between names there."""
    return path.isprintable() and not set(",=") & set(path) and path.strip() == path != ""


def _best(found: list[Scored]) -> list[Scored]:
    return sorted(found, key=lambda each: (-each.score, each.path))[:MOST]


def has_kind(values: Sequence[object], kind: str) -> int:
    """How many of the values are of a type of JSON."""
    return sum(value is not MISSING and kind_of(value) == kind for value in values)
