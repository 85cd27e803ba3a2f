"""Reads customers and products from PostgreSQL or from files into a snapshot."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, InputError, PipelineError, RetryableError
from pipeline_core.schemas import CUSTOMERS, PRODUCTS

# Prices stay below 2**53 minor units, so that two limbs carry any revenue; transform/money.py.
_MAX_PRICE_MINOR = 2**53 - 1
_CORRECT = "Correct that row."
_MAX_DIGITS = 15
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")
_SHOWN = 5
_CHUNK_ROWS = 100_000
_CUSTOMERS_SQL = "SELECT CAST(customer_id AS text) AS customer_id, segment FROM customers"
_PRODUCTS_SQL = "SELECT CAST(product_id AS text) AS product_id, category, price FROM products"
_SCALE_SQL = """
    SELECT format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass('products') AND attname = 'price'
"""


def read_database(url: str) -> Snapshot:
    """Customers and products as of one moment: one read-only, repeatable-read transaction.

    Raises:
        RetryableError: the database does not answer.
        ConfigError: a table or a column is missing.
        InputError: a row cannot be used.
    """
    import pandas as pd
    from sqlalchemy import create_engine, exc, text

    try:
        engine = create_engine(
            url, isolation_level="REPEATABLE READ", connect_args={"connect_timeout": 10}
        )
    except (exc.ArgumentError, ModuleNotFoundError, ValueError) as error:  # a port that is none
        raise ConfigError(
            "The database URL cannot be used.", "Write postgresql+psycopg2://user:…@host/db."
        ) from error

    def read(query: str) -> pd.DataFrame:
        # Decimals must stay decimals: coerce_float would make floats of them.
        chunks = pd.read_sql(
            text(query), connection, coerce_float=False, chunksize=_CHUNK_ROWS, dtype=object
        )
        return pd.concat(chunks, ignore_index=True)

    try:
        with engine.connect().execution_options(
            postgresql_readonly=True, stream_results=True
        ) as connection:
            customers, products = read(_CUSTOMERS_SQL), read(_PRODUCTS_SQL)
            price_types = read(_SCALE_SQL)["type"].tolist()
    except (pd.errors.DatabaseError, exc.DBAPIError) as error:
        raise _database_error(error) from error
    finally:
        engine.dispose()

    place = "database"
    return make_snapshot(
        customers=_columns(customers, CUSTOMERS.names),
        products=_columns(products, ["product_id", "category", "price"]),
        place=place,
        scale=_declared_scale(price_types),
    )


def _database_error(error: Exception) -> PipelineError:
    from sqlalchemy import exc

    cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
    said = _first_line(cause.orig if isinstance(cause, exc.DBAPIError) else error)
    if isinstance(cause, exc.ProgrammingError):
        return ConfigError(
            f"The database cannot be used: {said}.", "sql/init.sql makes the tables that it needs."
        )
    return RetryableError(
        f"The database does not answer: {said}.",
        "Check SALES_DB_HOST, SALES_DB_PORT, SALES_DB_USER, SALES_DB_PASSWORD and SALES_DB_NAME "
        "(or SALES_DATABASE_URL), and that PostgreSQL is up.",
    )


def read_folder(folder: Path) -> Snapshot:
    """Customers and products from ``.csv`` or ``.parquet`` files of a folder.

    Raises:
        ConfigError: a file or a column is missing.
        InputError: a row cannot be used.
    """
    customers = _read_file(folder, "customers", CUSTOMERS.names)
    products = _read_file(folder, "products", ["product_id", "category", "price"])
    price = products.schema.field("price").type
    return make_snapshot(
        customers=customers.to_pydict(),
        products=products.to_pydict(),
        place=str(folder),
        scale=price.scale if pa.types.is_decimal(price) else None,
    )


def make_snapshot(
    *,
    customers: dict[str, list[Any]],
    products: dict[str, list[Any]],
    place: str,
    scale: int | None,
) -> Snapshot:
    """A checked snapshot of columns as they were read; ``scale`` is the price column's number
    of decimals if its type says so, else the most that any price shows.

    Raises:
        InputError: an id is missing or stands twice, or a price is not one.
    """
    prices = _prices(products["product_id"], products["price"], f"{place}, products")
    decimals = [-int(price.as_tuple().exponent) for price in prices]
    scale = max([0, *decimals]) if scale is None else max([scale, *decimals])
    minor = [int(price.scaleb(scale)) for price in prices]
    if max([0, *minor]) > _MAX_PRICE_MINOR:
        raise InputError(
            f"{place}, products: a price has more than {_MAX_DIGITS} digits.", _CORRECT
        )
    return Snapshot(
        customers=_sorted_table(
            CUSTOMERS, [customers["customer_id"], customers["segment"]], f"{place}, customers"
        ),
        products=_sorted_table(
            PRODUCTS, [products["product_id"], products["category"], minor], f"{place}, products"
        ),
        scale=scale,
    )


def _sorted_table(schema: pa.Schema, columns: list[list[Any]], place: str) -> pa.Table:
    ids = [_text(value) for value in columns[0]]
    missing = [row for row, value in enumerate(ids, start=1) if not value]
    if missing:
        raise InputError(f"{place}: no {schema.names[0]} in row {_some(missing)}.", _CORRECT)
    encoded = pa.array([value.encode() for value in ids if value], pa.large_binary())
    labels = pa.array([_text(value) for value in columns[1]], pa.string())
    rest = [pa.array(column, schema.types[2]) for column in columns[2:]]
    table = pa.Table.from_arrays([encoded, labels, *rest], schema=schema)
    table = table.sort_by(schema.names[0])
    column = table[schema.names[0]]
    if len(column) > 1:
        twice = column.slice(1).filter(pc.equal(column.slice(1), column.slice(0, len(column) - 1)))
        if len(twice):
            found = [value.decode() for value in twice.unique().to_pylist()]
            raise InputError(f"{place}: {schema.names[0]} {_some(found)} stands twice.", _CORRECT)
    return table.combine_chunks()


def _prices(ids: Iterable[Any], values: Iterable[Any], place: str) -> list[Decimal]:
    prices, bad = [], []
    for product, value in zip(ids, values, strict=True):
        text = repr(value) if isinstance(value, float) else str(value).strip()
        price = Decimal(text if _NUMBER.fullmatch(text) else "NaN")
        if not _is_price(price):
            bad.append(f"{_text(product)!r} ({value!r})")
        prices.append(price)
    if bad:
        raise InputError(f"{place}: no valid price for {_some(bad)}.", _CORRECT)
    return prices


def _is_price(price: Decimal) -> bool:
    """Finite, not negative, and with few enough digits on both sides of the point."""
    if not price.is_finite() or price < 0:
        return False
    return price.adjusted() <= _MAX_DIGITS and -int(price.as_tuple().exponent) <= _MAX_DIGITS


def _read_file(folder: Path, name: str, columns: list[str]) -> pa.Table:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    csv_path, parquet_path = folder / f"{name}.csv", folder / f"{name}.parquet"
    path = parquet_path if parquet_path.is_file() and not csv_path.is_file() else csv_path
    try:
        if path == parquet_path:
            table = pq.read_table(path, use_threads=False)
        else:
            with path.open("rb") as file:
                header = pacsv.open_csv(file, parse_options=_quoted_newlines()).schema.names
            table = pacsv.read_csv(
                path,
                parse_options=_quoted_newlines(),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
                ),
            )
        return table.select(columns)
    except FileNotFoundError:
        raise ConfigError(
            f"{folder} has neither {name}.csv nor {name}.parquet.",
            "Set SALES_DIMENSIONS (--dimensions) to the folder that has them.",
        ) from None
    except (KeyError, pa.ArrowInvalid) as error:
        raise ConfigError(
            f"{path} cannot be used: {_first_line(error)}.",
            f"It needs the columns {', '.join(columns)}.",
        ) from error
    except OSError as error:
        raise RetryableError(
            f"{path} cannot be read: {error}.", "Check that it exists, and that this user may."
        ) from error


def _quoted_newlines() -> Any:
    import pyarrow.csv as pacsv

    return pacsv.ParseOptions(newlines_in_values=True)


def _declared_scale(types: list[str]) -> int | None:
    """Decimals of ``numeric(10,2)``; None where the type does not say."""
    digits = types[0].partition(",")[2].removesuffix(")") if types else ""
    return int(digits) if digits.isdigit() else None


def _columns(frame: Any, names: list[str]) -> dict[str, list[Any]]:
    return {name: frame[name].tolist() for name in names}


def _text(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):  # pandas' NULLs
        return None
    return value.decode() if isinstance(value, bytes) else str(value)


def _some(values: list[Any]) -> str:
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN} more"


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
