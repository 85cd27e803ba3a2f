"""Reads customers and products from PostgreSQL, which writes every value as text itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline_core.configuration.dimension_tables import CUSTOMERS, PRODUCTS, DimensionTable
from pipeline_core.dimensions.database_errors import URL_FORM, database_error
from pipeline_core.dimensions.prices import inexact, no_number
from pipeline_core.dimensions.refusals import Login
from pipeline_core.dimensions.relation import Relation, fetched, found_relation, opened
from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.dimensions.source import located_snapshot
from pipeline_core.dimensions.source_table import Located
from pipeline_core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import URL, Connection

_PLACE = "database"
_ZONE = re.compile(r"%25(?=.)")  # RFC 6874
# How PostgreSQL spells values must not depend on who connects; psycopg2 does this for DateStyle.
# And who did connect, as SQL has the name.
# lc_monetary is left as it is: a stored 100 of money is 1.00 or 100 by it.
_PINNED = """
    SELECT set_config('TimeZone', 'UTC', true), set_config('IntervalStyle', 'postgres', true),
        set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),
        quote_ident(current_user)
"""
_REAL, _MONEY, _BYTEA, _UUID = 700, 790, 17, 2950  # pg_type.oid
# pg_type.typcategory of what is no number, whatever its values are: arrays, booleans, composites,
# dates and times, geometry, addresses, ranges, intervals, bits.
_NO_NUMBERS = "ABCDGIRTV"


def read_database(
    url: str, customers: DimensionTable = CUSTOMERS, products: DimensionTable = PRODUCTS
) -> Snapshot:
    """Customers and products as of one moment: one read-only, repeatable-read transaction.

    Raises:
        RetryableError: the database does not answer, or refuses for now.
        ConfigError: it refuses the user or a SELECT, or has no such database; a table or a column
            is missing, or a column's type cannot be used.
        InputError: a row cannot be used.
    """
    with connected(url) as connection:
        priced = found_relation(connection, products)
        price, scale = "", products.price_decimals
        if scale is None:
            price, scale = _price(connection, priced)
        bought_by = _read(connection, found_relation(connection, customers))
        bought = _read(connection, priced, price)
        return located_snapshot(
            Located(bought_by, _place(customers)), Located(bought, _place(products)), scale
        )


def _place(table: DimensionTable) -> str:
    """The table, and the setting that names it, for messages."""
    if table.is_select:
        return f"{_PLACE}, the SELECT of {table.setting}"
    named = "" if table.named == table.kind else f" ({table.setting})"
    return f"{_PLACE}, {table.named}{named}"


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """One read-only, repeatable-read transaction, in which values are spelt whoever connects.

    Raises:
        RetryableError, ConfigError: as ``read_database``.
    """
    import pandas as pd
    from sqlalchemy import create_engine, exc, text

    try:
        engine = create_engine(
            with_psycopg2(url),
            isolation_level="REPEATABLE READ",
            connect_args={"connect_timeout": 10, "client_encoding": "utf8"},
        )
    except (exc.ArgumentError, ModuleNotFoundError, ValueError) as error:  # a port that is none
        raise ConfigError("The database URL cannot be used.", URL_FORM) from error

    reader = None
    try:
        with engine.connect().execution_options(postgresql_readonly=True) as connection:
            *_, reader = connection.execute(text(_PINNED)).one()
            yield connection
    except (pd.errors.DatabaseError, exc.DBAPIError) as error:
        # A traceback would show what the sentence leaves out.
        raise database_error(error, _login(engine.url), reader) from None
    finally:
        engine.dispose()


def with_psycopg2(url: str) -> URL:
    """Raises ConfigError if it is of another database; else as sqlalchemy's make_url."""
    from sqlalchemy import make_url

    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.get_backend_name() != "postgresql":
        raise ConfigError("The database URL cannot be used: it is not of PostgreSQL.", URL_FORM)
    # SQLAlchemy passes the host on as it stands.
    return parsed.set(host=_ZONE.sub("%", parsed.host)) if parsed.host else parsed


def _login(url: URL) -> Login:
    """The database is named in its path or as an option."""
    named = url.query.get("dbname", url.database)
    database = named if isinstance(named, str) else None
    return Login(url.username, None if url.password is None else str(url.password), database)


def _price(connection: Connection, products: Relation) -> tuple[str, int | None]:
    """SQL of the price as a number, and the decimals that a numeric's type declares, domains looked
    through. Raises ConfigError for a type that cannot hold a price."""
    from sqlalchemy import text

    price = products.columns["price"]
    with opened(connection, products.table, products.select({"price": price})) as description:
        _, kind, _, _, _, scale, _ = description[0]
    if kind == _REAL:
        raise inexact("real", _place(products.table))
    named = text("SELECT typcategory, format_type(oid, NULL) FROM pg_type WHERE oid = :kind")
    category, name = connection.execute(named, {"kind": kind}).one()
    if category in _NO_NUMBERS or kind in {_BYTEA, _UUID}:
        raise no_number(name, _place(products.table))
    if kind == _MONEY:
        return f"CAST({price} AS numeric)", None
    return price, scale  # more than can be, where none or one below 0 is declared


def _read(connection: Connection, relation: Relation, price: str = "") -> pa.Table:
    """Our columns of it (binary), each as text, of which pandas infers nothing."""
    from sqlalchemy import text

    columns = dict(relation.columns)
    if price:
        columns["price"] = price
    texts = {each: f"CAST({column} AS text)" for each, column in columns.items()}
    if connection.scalar(text("SHOW server_encoding")) == "SQL_ASCII":
        # Its text is any bytes; the server would refuse them without saying where they are.
        texts = {each: f"convert_to({value}, 'SQL_ASCII')" for each, value in texts.items()}
    with opened(connection, relation.table, relation.select(texts)):
        return pa.concat_tables(map(_arrow, fetched(connection, relation.table)))


def _arrow(chunk: pd.DataFrame) -> pa.Table:
    return pa.table({name: pa.array(map(_raw, chunk[name]), pa.binary()) for name in chunk})


def _raw(value: object) -> str | bytes | None:
    """Text, or bytes of a SQL_ASCII database; whatever else pandas has stands for NULL."""
    if isinstance(value, memoryview):
        return value.tobytes()
    return value if isinstance(value, str) else None
