"""Customers and products as frames, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa

from pipeline_core.configuration.dimension_tables import (
    CUSTOMER_COLUMNS,
    CUSTOMERS,
    PRODUCTS,
    VALIDITY_COLUMNS,
)
from pipeline_core.dimensions.database import read_database
from pipeline_core.dimensions.files import read_folder
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import located_snapshot
from pipeline_core.dimensions.source_table import Located
from pipeline_core.frames.tables import arrow_table, frame_of
from pipeline_core.schemas import NO_PRICE
from pipeline_core.transform.money import to_decimal
from pipeline_core.valid_ranges import is_dated

# Decimals of prices and revenue: pandas keeps it with a frame, also with one that has no row.
_SCALE = "scale"


class DimensionLoader:
    """Customers and products of a postgresql:// URL, or of a folder with ``customers`` and
    ``products`` (.csv or .parquet), both as of one moment: that of the first question. The tables
    are called as SALES_CUSTOMERS and SALES_PRODUCTS call them, their columns (theirs by ours) as
    SALES_CUSTOMER_COLUMNS and SALES_PRODUCT_COLUMNS."""

    def __init__(
        self,
        place: str | Path,
        *,
        customers: str = "customers",
        products: str = "products",
        customer_columns: Mapping[str, str] = MappingProxyType({}),
        product_columns: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._place = place
        self._customers = CUSTOMERS.called(customers, customer_columns)
        self._products = PRODUCTS.called(products, product_columns)

    def customers(self) -> pd.DataFrame:
        """Columns customer_id and segment, sorted by id; of a table with rows that are not always
        valid also valid_from and valid_to (datetime.date, or None).

        Raises:
            ConfigError: a table, a file or a column is missing, or of a type that cannot be used.
            InputError: a row cannot be used.
            RetryableError: the database does not answer, or a file cannot be read now.
        """
        table = self._snapshot.customers
        return frame_of(
            {
                "customer_id": [each.decode() for each in table["customer_id"].to_pylist()],
                "segment": table["segment"].to_pylist(),
                **_validity(table),
            }
        )

    def products(self) -> pd.DataFrame:
        """Columns product_id, category and price, sorted by id, and valid_from and valid_to as
        ``customers`` has them; every price has the same number of decimals, that of the reports,
        and is None where it is missing.
        Raises as ``customers`` does."""
        table, scale = self._snapshot.products, self._snapshot.scale
        frame = frame_of(
            {
                "product_id": [each.decode() for each in table["product_id"].to_pylist()],
                "category": table["category"].to_pylist(),
                "price": [
                    None if each == NO_PRICE else to_decimal(each, scale)
                    for each in table["price_minor"].to_pylist()
                ],
                **_validity(table),
            }
        )
        frame.attrs[_SCALE] = scale
        return frame

    @cached_property
    def _snapshot(self) -> Snapshot:
        place = str(self._place)
        if "://" in place:
            return read_database(place, self._customers, self._products)
        return read_folder(Path(place), self._customers, self._products)


def snapshot_of(
    customers: pd.DataFrame, products: pd.DataFrame, price_decimals: int | None = None
) -> Snapshot:
    """The checked snapshot of frames as `DimensionLoader` makes them, or of anybody's own; without
    the prices of products where those of events have so many decimals.

    Raises:
        ConfigError: a column is missing, or of a type that cannot be used.
        InputError: an id is missing, or stands twice for one day, or a price or a date is not one.
    """
    of_products = PRODUCTS if price_decimals is None else PRODUCTS.without_price(price_decimals)
    scale = products.attrs.get(_SCALE) if price_decimals is None else price_decimals
    return located_snapshot(
        Located(
            arrow_table(customers, _columns(customers, CUSTOMER_COLUMNS), "customers"),
            "customers",
            lambda row: str(customers.index[row]),
        ),
        Located(
            arrow_table(products, _columns(products, of_products.ours), "products"),
            "products",
            lambda row: str(products.index[row]),
        ),
        scale,
    )


def _validity(table: pa.Table) -> dict[str, list[Any]]:
    return {name: table[name].to_pylist() for name in VALIDITY_COLUMNS} if is_dated(table) else {}


def _columns(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    return [*columns, *(name for name in VALIDITY_COLUMNS if name in frame.columns)]
