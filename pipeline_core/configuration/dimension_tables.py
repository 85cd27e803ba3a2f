"""What a shop calls its tables of customers and products, and the columns of these."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

CUSTOMER_COLUMNS = ("customer_id", "segment")
_PRICE = "price"
PRODUCT_COLUMNS = ("product_id", "category", _PRICE)
# Of both, where a table has them.
VALIDITY_COLUMNS = ("valid_from", "valid_to")

# What begins like this is SQL: a table of that name has quotes around it.
_SELECT = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)
_PART = r'\s*(?:"((?:[^"]|"")+)"|([^".]*[^".\s]))\s*'
_NAME = re.compile(rf"(?:{_PART}\.)?{_PART}")


@dataclass(frozen=True)
class DimensionTable:
    """Customers or products, as the shop has them."""

    kind: Literal["customers", "products"]
    # Our columns that it has to have, in their order.
    ours: tuple[str, ...]
    # A table or view, a SELECT, or in a folder a file without its ending; as it was written.
    named: str
    # Theirs by ours, where they are not called the same.
    renamed: Mapping[str, str] = field(default_factory=dict)
    # Of products without a price, since events have it: its decimals.
    price_decimals: int | None = None

    @property
    def setting(self) -> str:
        """The setting that names it."""
        return f"SALES_{self.kind.upper()}"

    @property
    def columns_setting(self) -> str:
        """The setting that maps its columns."""
        return f"SALES_{self.kind.upper().removesuffix('S')}_COLUMNS"

    @property
    def is_select(self) -> bool:
        """Whether it is SQL, and no name."""
        return bool(_SELECT.match(self.named))

    def theirs(self) -> tuple[str, ...]:
        """The columns as the shop calls them, in the order of ours."""
        return tuple(self.renamed.get(each, each) for each in self.ours)

    def wanted(self, names: Sequence[str]) -> dict[str, str]:
        """Theirs by ours, VALIDITY_COLUMNS among them where they were renamed, or where they are
        among ``names`` and, by its new name, no column of ours that is none of dates. One that was
        not renamed may be written in other letter case, if just one of ``names`` is so."""
        wanted = {ours: self._named_in(names, ours) for ours in self.ours}
        others = set(wanted.values())
        for ours in VALIDITY_COLUMNS:
            name = self._named_in(names, ours)
            if ours in self.renamed or (name in names and name not in others):
                wanted[ours] = name
        return wanted

    def _named_in(self, names: Sequence[str], ours: str) -> str:
        """What it is called there."""
        if ours in self.renamed:
            return self.renamed[ours]
        alike = [name for name in names if name.casefold() == ours]
        return alike[0] if len(alike) == 1 else ours

    def called(self, named: str, renamed: Mapping[str, str]) -> DimensionTable:
        """The same of a shop that calls it, and some of its columns, so. Raises ValueError if one
        of these is none of ours."""
        for name in renamed:
            _check_ours(name, (*self.ours, *VALIDITY_COLUMNS))
        return replace(self, named=named, renamed=dict(renamed))

    def without_price(self, decimals: int) -> DimensionTable:
        """The same, whose price is not read: events have one of so many decimals."""
        ours = tuple(each for each in self.ours if each != _PRICE)
        renamed = {name: its for name, its in self.renamed.items() if name != _PRICE}
        return replace(self, ours=ours, renamed=renamed, price_decimals=decimals)

    @property
    def is_of_ours(self) -> bool:
        """Whether it and its columns are called as we call them."""
        return (self.named, self.renamed) == (self.kind, {})


CUSTOMERS = DimensionTable("customers", CUSTOMER_COLUMNS, "customers")
PRODUCTS = DimensionTable("products", PRODUCT_COLUMNS, "products")


def split_name(named: str) -> tuple[str | None, str]:
    """Schema, if there is one, and table, each as it is or in quotes as SQL has them. Raises
    ValueError if it is no such name."""
    found = _NAME.fullmatch(named)
    if found is None:
        raise ValueError('write table or schema.table; a name with a dot in it as "a.b"')
    quoted_schema, schema, quoted, plain = found.groups()
    return _unquoted(quoted_schema) or schema, _unquoted(quoted) or plain


def shown_name(schema: str | None, table: str) -> str:
    """What `split_name` splits."""
    return ".".join(_quoted(each) for each in (schema, table) if each is not None)


def _unquoted(name: str | None) -> str | None:
    return name.replace('""', '"') if name else None


def _quoted(name: str) -> str:
    is_plain = name == name.strip() and not _SELECT.match(name) and not {'"', "."} & {*name}
    return name if is_plain else '"{}"'.format(name.replace('"', '""'))


def parse_columns(text: str, ours: tuple[str, ...]) -> dict[str, str]:
    """Their columns by ours, of ``ours=theirs,ours=theirs``. An item with a comma in it stands in
    quotes. Raises ValueError if it is none, or names a column that is none of ``ours`` and of
    VALIDITY_COLUMNS."""
    ours, found = (*ours, *VALIDITY_COLUMNS), dict[str, str]()
    for item in filter(str.strip, next(csv.reader([text], skipinitialspace=True), [])):
        name, equals, theirs = (each.strip() for each in item.partition("="))
        if not equals or not theirs:
            raise ValueError(f"{item!r} is no pair; write {ours[0]}=their name")
        _check_ours(name, ours)
        if name in found:
            raise ValueError(f"{name} stands twice")
        found[name] = theirs
    return found


def _check_ours(name: str, ours: tuple[str, ...]) -> None:
    if name not in ours:
        raise ValueError(f"{name!r} is no column of ours; they are {', '.join(ours)}")
