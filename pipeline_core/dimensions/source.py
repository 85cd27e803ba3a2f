"""What every source of customers and products ends in: a checked snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    PRODUCT_COLUMNS,
    DimensionTable,
)
from pipeline_core.dimensions.columns import ids, labels, some
from pipeline_core.dimensions.prices import minor_units, price_column
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source_table import Located
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.schemas import CUSTOMERS, PRODUCTS

_CORRECT = "Correct that row."


def check_names(
    names: Sequence[str], columns: Sequence[str], place: object, hint: str = ""
) -> None:
    """Raises ConfigError, with ``hint``, unless ``names``, those of ``place``, hold each column
    once."""
    for column in columns:
        if names.count(column) != 1:
            raise ConfigError(
                f"{place} has {'two columns' if column in names else 'no column'} {column}.",
                f"It needs the columns {', '.join(columns)}, and has {', '.join(names)}.{hint}",
            )


def find_columns(names: Sequence[str], table: DimensionTable, place: object) -> list[int]:
    """Where the columns of ``table`` stand in ``names``, those of ``place``, blanks around these
    aside.

    Raises:
        ConfigError: a column is not there, or there twice, or two of ours are one of theirs.
    """
    names, theirs = [name.strip() for name in names], table.theirs()
    for name in theirs:
        if theirs.count(name) > 1:
            both = " and ".join(table.ours[n] for n, each in enumerate(theirs) if each == name)
            raise ConfigError(
                f"{table.columns_setting}: {both} are one column of {place}, {name}.",
                f"Give each its own; there are {', '.join(names)}.",
            )
    hint = f" {table.columns_setting} says which is which; `sales-pipeline inspect` proposes it."
    check_names(names, theirs, place, hint)
    return [names.index(name) for name in theirs]


def as_text(at: Located) -> Located:
    """``at``, which has CUSTOMER_COLUMNS or PRODUCT_COLUMNS of any type, in that order, with ids
    and labels as text and prices as they are.

    Raises:
        ConfigError: a type that cannot be used; the message names the column.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    name, label, *_ = at.table.schema.names
    columns = {name: ids(at, name), label: labels(at, label)}
    if "price" in at.table.schema.names:
        columns["price"] = price_column(at)
    return replace(at, table=pa.table(columns))


def make_snapshot(
    *, customers: pa.Table, products: pa.Table, place: str, scale: int | None = None
) -> Snapshot:
    """A checked snapshot of tables that have CUSTOMER_COLUMNS and PRODUCT_COLUMNS, of any type
    that has a text (see `as_text`); ``scale`` is the price column's number of decimals where its
    source declares one and its type does not say. ``place`` is the source, for messages.

    Raises:
        ConfigError: a type that cannot be used.
        InputError: an id is missing or stands twice, or a price is not one.
    """
    return located_snapshot(
        Located(customers.select(CUSTOMER_COLUMNS), f"{place}, customers"),
        Located(products.select(PRODUCT_COLUMNS), f"{place}, products"),
        scale,
    )


def located_snapshot(customers: Located, products: Located, scale: int | None = None) -> Snapshot:
    """As `make_snapshot`, of tables with these very columns; messages name the rows."""
    customers, products = as_text(customers), as_text(products)
    minor, decimals = minor_units(products, scale)
    priced = products.table.set_column(2, "price_minor", pa.array(minor, pa.int64()))
    return Snapshot(
        customers=_sorted(customers, customers.table, CUSTOMERS),
        products=_sorted(products, priced, PRODUCTS),
        scale=decimals,
    )


def _sorted(at: Located, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table``, which has the rows of ``at``, by its first column, the ids."""
    name = schema.names[0]
    empty = pc.fill_null(pc.equal(table[name], ""), fill_value=True).to_pylist()
    missing = [index for index, is_empty in enumerate(empty) if is_empty]
    if missing:
        raise InputError(f"{at.place}: no {name} in {some(missing, at.row)}.", _CORRECT)
    table = table.cast(schema)
    order = pc.sort_indices(table[name])
    table = table.take(order)
    ids = table[name]
    if len(ids) > 1:
        is_again = pc.equal(ids.slice(1), ids.slice(0, len(ids) - 1))
        if pc.any(is_again).as_py():
            raise _repeated(at, name, ids, order, is_again)
    return table.combine_chunks()


def _repeated(
    at: Located, name: str, ids: pa.ChunkedArray, order: pa.Array, is_again: pa.ChunkedArray
) -> InputError:
    """The refusal of ids that stand more than once; ``ids`` are sorted and ``order`` says where
    they were, ``is_again`` which of them, from the second on, are like the one before."""
    rows: dict[bytes, list[int]] = {}
    for place in pc.indices_nonzero(is_again).to_pylist():
        found = rows.setdefault(ids[place].as_py(), [order[place].as_py()])
        found.append(order[place + 1].as_py())

    def told(one: bytes) -> str:
        return f"{one.decode()} stands twice ({some(rows[one], at.row)})"

    return InputError(f"{at.place}: {name} {some(list(rows), told)}.", _CORRECT)
