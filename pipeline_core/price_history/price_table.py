"""A price list, as it is counted with and as it is kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipeline_core.dimensions.columns import MEANT_PLACES
from pipeline_core.dimensions.prices import CURRENCY_PLACES
from pipeline_core.errors import InputError
from pipeline_core.schemas import NO_PRICE, PRODUCTS, VALIDITY
from pipeline_core.transform.money import MAX_PRICE_MINOR, to_decimal, to_text


@dataclass(frozen=True)
class PriceTable:
    """Rows of products (schema PRODUCTS) in minor units of ``scale`` decimals."""

    rows: pa.Table
    scale: int


def kept_scale(prices: PriceTable) -> int:
    """Its decimals, as a products file of it has them: of more than are meant, zeros at the end are
    none, but for the currency's."""
    minor, scale = prices.rows["price_minor"].to_numpy(), prices.scale
    minor = minor[minor != NO_PRICE]
    if scale <= MEANT_PLACES:
        return scale
    while scale > CURRENCY_PLACES and not np.any(minor % 10):
        minor, scale = minor // 10, scale - 1
    return scale


def at_scale(prices: PriceTable, scale: int) -> pa.Table:
    """The rows in minor units of so many decimals, which hold every price. Raises InputError if
    there are more than a price may be."""
    if scale == prices.scale:
        return prices.rows
    minor = prices.rows["price_minor"].to_numpy()
    is_missing = minor == NO_PRICE
    if scale < prices.scale:
        minor = minor // 10 ** (prices.scale - scale)
    else:
        factor = 10 ** (scale - prices.scale)
        if int(minor.max(initial=0)) * factor > MAX_PRICE_MINOR:
            raise InputError(
                f"Prices and their history have {scale} decimals, and one of them is over "
                f"{to_text(MAX_PRICE_MINOR, scale)}, the most at scale {scale}.",
                "Correct that row of products.",
            )
        minor = minor * factor
    minor = np.where(is_missing, NO_PRICE, minor)
    place = PRODUCTS.names.index("price_minor")
    return prices.rows.set_column(place, PRODUCTS.field(place), pa.array(minor, pa.int64()))


def table_of(prices: PriceTable) -> pa.Table:
    """The rows as they are kept: text, and prices as decimals, null where one is missing."""
    rows, scale = prices.rows, prices.scale
    minor = rows["price_minor"].to_pylist()
    price = [None if each == NO_PRICE else to_decimal(each, scale) for each in minor]
    return pa.table(
        {
            "product_id": rows["product_id"].cast(pa.large_string()),
            "category": rows["category"],
            "price": pa.array(price, pa.decimal128(38, scale)),
            **{field.name: rows[field.name] for field in VALIDITY},
        }
    )


def prices_of(kept: pa.Table) -> PriceTable:
    """What `table_of` kept."""
    scale = kept.schema.field("price").type.scale
    prices = kept["price"].to_pylist()
    minor = [NO_PRICE if each is None else int(each.scaleb(scale)) for each in prices]
    columns = [
        kept["product_id"].cast(pa.large_binary()),
        kept["category"],
        pa.array(minor, pa.int64()),
        *(kept[field.name] for field in VALIDITY),
    ]
    return PriceTable(pa.Table.from_arrays(columns, schema=PRODUCTS), scale)
