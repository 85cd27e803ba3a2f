"""What every source of customers and products ends in: a checked snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    PRODUCT_COLUMNS,
    VALIDITY_COLUMNS,
    DimensionTable,
)
from pipeline_core.dimensions.columns import correct, ids, labels, some
from pipeline_core.dimensions.prices import minor_units, price_column
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source_table import Located
from pipeline_core.dimensions.validity import check_ranges, date_column, order_of
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.schemas import CUSTOMERS, PRODUCTS
from pipeline_core.valid_ranges import with_validity


def check_names(
    names: Sequence[str], columns: Sequence[str], place: object, hint: str = ""
) -> None:
    """Raises ConfigError, with ``hint``, unless ``names``, those of ``place``, hold each column
    once: it has all that are missing, and all that stand there twice."""
    missing = [each for each in columns if each not in names]
    twice = [each for each in columns if names.count(each) > 1]
    faults = [f"no column {_listed(missing)}"] if missing else []
    faults += [f"two columns {each}" for each in twice]
    if faults:
        # Those of dates, by their own names, are asked for where they are there.
        needed = ", ".join(each for each in columns if each not in VALIDITY_COLUMNS)
        raise ConfigError(
            f"{place} has {' and '.join(faults)}.",
            f"It needs the columns {needed}, and has {', '.join(names)}.{hint}",
        )


def _listed(names: Sequence[str]) -> str:
    """``a``, ``a and no b``, ``a, no b and no c``."""
    *others, last = names
    return f"{', no '.join(others)} and no {last}" if others else last


def find_columns(names: Sequence[str], table: DimensionTable, place: object) -> dict[str, int]:
    """Where each of our columns that is there stands in ``names``, those of ``place``, blanks
    around these aside.

    Raises:
        ConfigError: a column is not there, or there twice, or two of ours are one of theirs.
    """
    names = [name.strip() for name in names]
    wanted = table.wanted(names)
    theirs = list(wanted.values())
    for name in theirs:
        if theirs.count(name) > 1:
            both = " and ".join(ours for ours, each in wanted.items() if each == name)
            raise ConfigError(
                f"{table.columns_setting}: {both} are one column, {name}.",
                f"Give each its own; {place} has {', '.join(names)}.",
            )
    pairs = ",".join(f"{ours}=..." for ours, theirs in wanted.items() if theirs not in names)
    example = f"{table.columns_setting}={pairs}" if pairs else table.columns_setting
    hint = f" {example} says which is which; `sales-pipeline inspect` proposes it."
    check_names(names, theirs, place, hint)
    return {ours: names.index(name) for ours, name in wanted.items()}


def as_text(at: Located) -> Located:
    """``at``, which has CUSTOMER_COLUMNS or PRODUCT_COLUMNS of any type, in that order, and may
    have VALIDITY_COLUMNS behind them, with ids and labels as text, prices as they are and dates as
    date32.

    Raises:
        ConfigError: a type that cannot be used; the message names the column.
        InputError: bytes that are not UTF-8, or what is no date; the message names column and row.
    """
    name, label, *others = at.table.schema.names
    columns = {name: ids(at, name), label: labels(at, label)}
    if "price" in others:
        columns["price"] = price_column(at)
    for each in VALIDITY_COLUMNS:
        if each in others:
            columns[each] = date_column(at, each)
    return replace(at, table=pa.table(columns))


def make_snapshot(
    *, customers: pa.Table, products: pa.Table, place: str, scale: int | None = None
) -> Snapshot:
    """A checked snapshot of tables that have CUSTOMER_COLUMNS and PRODUCT_COLUMNS, of any type
    that has a text (see `as_text`), and may have VALIDITY_COLUMNS; ``scale`` is the price column's
    number of decimals where its source declares one and its type does not say, or of products
    without a price, that of the prices of events. ``place`` is the source, for messages.

    Raises:
        ConfigError: a type that cannot be used.
        InputError: an id is missing, or stands twice for one day, or a price or a date is not one.
    """
    return located_snapshot(
        Located(_ours(customers, CUSTOMER_COLUMNS), f"{place}, customers"),
        Located(_ours(products, PRODUCT_COLUMNS), f"{place}, products"),
        scale,
    )


def _ours(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    names = table.schema.names
    return table.select([each for each in (*columns, *VALIDITY_COLUMNS) if each in names])


def located_snapshot(customers: Located, products: Located, scale: int | None = None) -> Snapshot:
    """As `make_snapshot`, of tables with these very columns; messages name the rows."""
    customers, products = as_text(customers), as_text(products)
    priced, decimals = _priced(products, scale)
    return Snapshot(
        customers=_sorted(customers, customers.table, CUSTOMERS),
        products=_sorted(products, priced, PRODUCTS),
        scale=decimals,
    )


def _priced(products: Located, scale: int | None) -> tuple[pa.Table, int]:
    """The products with ``price_minor``, which is 0 where they have no price, and its decimals."""
    table, names = products.table, products.table.schema.names
    if "price" in names:
        minor, scale = minor_units(products, scale)
        table = table.drop_columns(["price"])
    else:
        minor = [0] * table.num_rows
    return table.append_column("price_minor", pa.array(minor, pa.int64())), scale or 0


def check_ended_prices(snapshot: Snapshot, place: str) -> None:
    """Raises InputError if a row of ``place`` that has ended has no price: none that products have
    later would take its place."""
    ended = snapshot.products.filter(pc.is_valid(snapshot.products["valid_to"]))
    if unpriced := replace(snapshot, products=ended).unpriced:
        raise InputError(
            f"{place}: no price for {some(unpriced, repr)}, in a row that has ended.",
            "Give it one: only that of a row without valid_to may come later.",
        )


def _sorted(at: Located, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """``table``, which has the rows of ``at``, by its first column, the ids, and valid_from."""
    name = schema.names[0]
    empty = pc.fill_null(pc.equal(table[name], ""), fill_value=True).to_pylist()
    missing = [index for index, is_empty in enumerate(empty) if is_empty]
    if missing:
        raise InputError(f"{at.place}: no {name} in {some(missing, at.row)}.", correct(missing))
    table = with_validity(table).select(schema.names).cast(schema)
    order = order_of(table)
    table = table.take(order).combine_chunks()
    check_ranges(at, table, order.to_numpy())
    return table
