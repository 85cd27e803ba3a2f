"""Columns of tables: what their values look like, and which ids of the events stand in them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pipeline_core.catalog.words import likeness
from pipeline_core.configuration.dimension_tables import (
    VALIDITY_COLUMNS,
    DimensionTable,
    shown_name,
    split_name,
)
from pipeline_core.containers.cut import cut
from pipeline_core.messages.inspection import ColumnFound, Difference, Looks, Match, TableFound

_DECIMAL = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[ T].*)?|-?infinity", re.ASCII)
_BLANKS, _ZEROS = re.compile(r"\s+"), re.compile(r"(?<!\d)0+(?=\d)")
_PREFIX = re.compile(r"^[^\d]+(?=\d)")
_EXAMPLES = 3
_LONGEST_EXAMPLE = 40
_MOST = 0.9
_FEW = 0.5
_LIKELY = 0.5


@dataclass(frozen=True)
class Column:
    """A column as text, NULL being None: ``sample`` are the first rows, ``ids`` the values by which
    events are looked up (all, or at least those that the sampled events hold)."""

    name: str
    type: str
    sample: tuple[str | None, ...]
    ids: frozenset[str]

    @cached_property
    def looks(self) -> Looks:
        """By its values, and where these leave it open by its name."""
        there = [text for text in self.sample if text]
        if not there:
            return "other"
        if _share(there, _DATE) > _MOST:
            return "date"
        if self.type == "money":
            return "price"
        distinct = len(set(there))
        if _share(there, _DECIMAL) > _MOST:
            is_price = any("." in text for text in there) or likeness(self.name, "price") > 0
            return "price" if is_price else "id" if distinct == len(there) else "other"
        is_named = any(likeness(self.name, each) > 0 for each in ("segment", "category"))
        if distinct == len(there) and not is_named:
            return "id"
        return "label" if is_named or distinct <= max(len(there) * _FEW, 1) else "other"

    @property
    def distinct(self) -> int:
        """Different values of the sample."""
        return len({text for text in self.sample if text})

    def found(self) -> ColumnFound:
        """What is shown of it."""
        texts = dict.fromkeys(text for text in self.sample if text)
        examples = [cut(text, _LONGEST_EXAMPLE) for text in list(texts)[:_EXAMPLES]]
        return ColumnFound(self.name, self.type, self.looks, len(texts), examples)


def _share(texts: Sequence[str], form: re.Pattern[str]) -> float:
    return sum(form.fullmatch(text.strip()) is not None for text in texts) / len(texts)


@dataclass(frozen=True)
class Table:
    """A table that may hold customers or products; ``name`` is what its setting would call it."""

    name: str
    columns: tuple[Column, ...]

    def found(self) -> TableFound:
        """What is shown of it."""
        rows = max((len(column.sample) for column in self.columns), default=0)
        return TableFound(self.name, rows, [column.found() for column in self.columns])

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class Mapped:
    """A table as customers or products: our columns by theirs (``segment`` to ``tier``)."""

    table: Table
    columns: Mapping[str, str]


def asked_for(tables: Sequence[Table], table: DimensionTable) -> Sequence[Table]:
    """The one that a setting names, if it is there; else all of them."""
    if table.named == table.kind:
        return tables
    return [each for each in tables if _is_named(each, table.named)] or tables


def _is_named(table: Table, named: str) -> bool:
    if table.name == named:
        return True
    try:
        return table.name == shown_name(*split_name(named))
    except ValueError:  # a SELECT, or a file's name
        return False


def mappings(tables: Sequence[Table], ours: Sequence[str]) -> list[tuple[float, Mapped]]:
    """Tables whose columns could be ``ours`` (an id, a label and perhaps a price), with how much
    speaks for each by names and looks alone, the best first. One a table and id column; where its
    ids stand several times, with the columns that say when a row is valid."""
    found = []
    for table in tables:
        for column in table.columns:
            validity = _validity(table, column)
            rest = [
                each
                for each in table.columns
                if each is not column and each.name not in validity.values()
            ]
            mapped, score = {ours[0]: column.name}, _as_id(column, ours[0], validity)
            for name in ours[1:]:
                best = max(rest, key=lambda each: (_as_value(each, name), each.name), default=None)
                if best is None or _as_value(best, name) <= 0:
                    break
                rest.remove(best)
                mapped[name] = best.name
                score += _as_value(best, name)
            if len(mapped) == len(ours):
                score += _LIKELY * likeness(f"{table.name}.id", ours[0])
                found.append((score, Mapped(table, mapped | validity)))
    return sorted(found, key=lambda item: (-item[0], item[1].table.name, *item[1].columns.values()))


def _validity(table: Table, column: Column) -> dict[str, str]:
    """Columns of dates by VALIDITY_COLUMNS, if with them no value of ``column`` stands twice, and
    without them one does."""
    if len(set(column.sample)) == len(column.sample):
        return {}
    found: dict[str, Column] = {}
    for name in VALIDITY_COLUMNS:
        dates = [
            each
            for each in table.columns
            if each is not column and each not in found.values() and _may_be_dates(each)
        ]
        best = max(dates, key=lambda each: (likeness(each.name, name), each.name), default=None)
        if best is not None and likeness(best.name, name) > 0:
            found[name] = best
    rows = list(zip(column.sample, *(each.sample for each in found.values()), strict=True))
    return {ours: each.name for ours, each in found.items()} if len({*rows}) == len(rows) else {}


def _may_be_dates(column: Column) -> bool:
    return column.looks == "date" or not any(column.sample)


def _as_id(column: Column, name: str, validity: Mapping[str, str]) -> float:
    there = [text for text in column.sample if text]
    is_unique = len(there) == len(column.sample) > 0 and (
        bool(validity) or len(set(there)) == len(there)
    )
    return likeness(column.name, name) + (_LIKELY if column.looks == "id" or is_unique else -1)


def _as_value(column: Column, name: str) -> float:
    looks = column.looks
    if name == "price":
        return likeness(column.name, name) + 1 if looks == "price" or _is_number(column) else -1
    if looks in ("date", "price"):
        return -1
    by_looks = {"label": 1.0, "other": 0.5, "id": 0.2}[looks]
    return max(likeness(column.name, name) + by_looks, 0.1 if looks != "id" else 0.01)


def _is_number(column: Column) -> bool:
    there = [text for text in column.sample if text]
    return bool(there) and _share(there, _DECIMAL) > _MOST


def match(field: str, ids: Iterable[str], table: str, column: Column, *, numbers: bool) -> Match:
    """How many different ids of a field stand in a column, and what tells the others from those;
    ``numbers`` says whether they are numbers in the events."""
    distinct = list(dict.fromkeys(ids))
    found = [each for each in distinct if each in column.ids]
    difference: Difference | None = None
    example = ""
    if len(found) < len(distinct) * _FEW:
        difference, example = _difference(distinct, column.ids)
    elif numbers:
        difference, example = "numbers", found[0]
    return Match(field, table, column.name, len(found), len(distinct), difference, example)


# What is left of an id without what it may differ in.
_FORMS: Mapping[Difference, Callable[[str], str]] = {
    "blanks": lambda text: _BLANKS.sub("", text),
    "padded": lambda text: _ZEROS.sub("", text),
    "case": str.casefold,
    "prefixed": lambda text: _PREFIX.sub("", text),
}


def _difference(ids: Sequence[str], column: frozenset[str]) -> tuple[Difference | None, str]:
    """The first way of writing in which alone most ids differ from the column's."""
    for name, bare in _FORMS.items():
        known = {bare(text): text for text in sorted(column, reverse=True)}
        alike = [each for each in ids if bare(each) in known]
        if ids and len(alike) >= len(ids) * _FEW:
            return name, f"{alike[0]} / {known[bare(alike[0])]}"
    return None, ""


def rows_found(ids: Counter[str], column: Column) -> tuple[int, int]:
    """Rows, and different ids, of a field that stand in a column."""
    known = [text for text in ids if text in column.ids]
    return sum(ids[text] for text in known), len(known)
