"""What every source of customers and products ends in: a checked snapshot."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.dimensions.columns import ids, labels, some
from pipeline_core.dimensions.prices import minor_units, price_column
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import InputError
from pipeline_core.schemas import CUSTOMERS, PRODUCTS

CUSTOMER_COLUMNS = tuple(CUSTOMERS.names)
PRODUCT_COLUMNS = ("product_id", "category", "price")
_CORRECT = "Correct that row."


def as_text(table: pa.Table, place: str) -> pa.Table:
    """``table``, which has CUSTOMER_COLUMNS or PRODUCT_COLUMNS of any type, in that order: ids
    and labels as text, prices as they are. ``place`` is for messages.

    Raises:
        ConfigError: a type that cannot be used; the message names the column.
        InputError: bytes that are not UTF-8; the message names column and row.
    """
    name, label, *_ = table.schema.names
    columns = {
        name: ids(table[name], name, place),
        label: labels(table[label], label, place),
    }
    if "price" in table.schema.names:
        columns["price"] = price_column(table["price"], place)
    return pa.table(columns)


def make_snapshot(
    *, customers: pa.Table, products: pa.Table, place: str, scale: int | None = None
) -> Snapshot:
    """A checked snapshot of tables that have CUSTOMER_COLUMNS and PRODUCT_COLUMNS, of any type
    that has a text (see `as_text`); ``scale`` is the price column's number of decimals where its
    source declares one and its type does not say.

    Raises:
        ConfigError: a type that cannot be used.
        InputError: an id is missing or stands twice, or a price is not one.
    """
    at_customers, at_products = f"{place}, customers", f"{place}, products"
    customers = as_text(customers.select(CUSTOMER_COLUMNS), at_customers)
    products = as_text(products.select(PRODUCT_COLUMNS), at_products)
    minor, decimals = minor_units(
        products["product_id"].to_pylist(), products["price"], at_products, scale
    )
    priced = products.set_column(2, "price_minor", pa.array(minor, pa.int64()))
    return Snapshot(
        customers=_sorted(customers, CUSTOMERS, at_customers),
        products=_sorted(priced, PRODUCTS, at_products),
        scale=decimals,
    )


def _sorted(table: pa.Table, schema: pa.Schema, place: str) -> pa.Table:
    name = schema.names[0]
    empty = pc.fill_null(pc.equal(table[name], ""), fill_value=True).to_pylist()
    missing = [row for row, is_empty in enumerate(empty, start=1) if is_empty]
    if missing:
        raise InputError(f"{place}: no {name} in row {some(missing)}.", _CORRECT)
    table = table.cast(schema).sort_by(name)
    column = table[name]
    if len(column) > 1:
        twice = column.slice(1).filter(pc.equal(column.slice(1), column.slice(0, len(column) - 1)))
        if len(twice):
            found = [value.decode() for value in twice.unique().to_pylist()]
            raise InputError(f"{place}: {name} {some(found)} stands twice.", _CORRECT)
    return table.combine_chunks()
