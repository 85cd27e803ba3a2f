"""What customers or products are read from in PostgreSQL: a table, a view or a SELECT.

A SELECT is somebody's SQL. PL/pgSQL opens its cursor: PostgreSQL itself then sees that it is one
statement that makes rows, and refuses a second one, which a driver would send along with it; the
transaction is read-only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pipeline_core.configuration.dimension_tables import DimensionTable, shown_name, split_name
from pipeline_core.dimensions.columns import some
from pipeline_core.dimensions.database_errors import select_error
from pipeline_core.dimensions.source import find_columns
from pipeline_core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

_CHUNK_ROWS = 100_000
_CURSOR = "sales_rows"
_KEEP_QUERY = "SELECT set_config('sales.query', :query, true)"
_OPEN_QUERY = f"""
    DO $$ DECLARE opened refcursor := '{_CURSOR}';
    BEGIN OPEN opened FOR EXECUTE current_setting('sales.query'); END $$
"""
_COLUMNS_OF = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass(:named) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# Tables, views, materialized views, foreign and partitioned tables, as they are to be written.
_TABLES = """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE nspname END, relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'v', 'm', 'f', 'p') AND nspname <> 'information_schema'
        AND nspname NOT LIKE 'pg\\_%'
    ORDER BY 1 NULLS FIRST, 2
"""


@dataclass(frozen=True)
class Relation:
    """A table, a view or a SELECT that is there and has our columns."""

    table: DimensionTable
    # What stands behind FROM.
    sql: str
    # SQL of each of our columns.
    columns: Mapping[str, str]

    def select(self, columns: Mapping[str, str]) -> str:
        """A query of those columns, SQL by name."""
        named = ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
        return f"SELECT {named} FROM {self.sql}"  # noqa: S608  (every name is quoted)


def found_relation(connection: Connection, table: DimensionTable) -> Relation:
    """Where ``table`` and its columns are.

    Raises:
        ConfigError: there is no such table, view or column, with the names that there are; or the
            SELECT is refused.
    """
    if table.is_select:
        # A semicolon ends a statement, and would not stand in another one.
        query = table.named.rstrip().removesuffix(";")
        with opened(connection, table, query) as description:
            names = [column[0] for column in description]
        sql, place = f"({query}\n) AS selected", f"The SELECT of {table.setting}"
    else:
        try:
            schema, name = split_name(table.named)
        except ValueError as error:
            raise ConfigError(f"{table.setting}: {error}.", "Correct the setting.") from None
        sql = ".".join(quoted(each) for each in (schema, name) if each is not None)
        names = _columns_of(connection, sql)
        place = f"The table {shown_name(schema, name)}"
        if not names:
            raise _no_table(connection, table)
    found = find_columns(names, table, place)
    columns = {ours: quoted(names[at]) for ours, at in found.items()}
    return Relation(table, sql, columns)


@contextmanager
def opened(
    connection: Connection, table: DimensionTable, query: str
) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows of ``query``, which is or has the SELECT of ``table``, for `fetched`; their
    description as DB-API has it. Raises ConfigError if PostgreSQL refuses the SELECT."""
    from sqlalchemy import text

    with select_error(table):
        if table.is_select:
            connection.execute(text(_KEEP_QUERY), {"query": query})
            connection.exec_driver_sql(_OPEN_QUERY)
        else:
            declared = f"DECLARE {_CURSOR} NO SCROLL CURSOR FOR {query}"
            connection.exec_driver_sql(declared, execution_options={"no_parameters": True})
        with connection.exec_driver_sql(f"FETCH 0 FROM {_CURSOR}") as result:
            description = result.cursor.description
    yield description
    connection.exec_driver_sql(f"CLOSE {_CURSOR}")


def fetched(connection: Connection, table: DimensionTable) -> Iterator[pd.DataFrame]:
    """The rows of the query that is opened, in blocks, the last of which is empty."""
    import pandas as pd
    from sqlalchemy import text

    next_rows = text(f"FETCH {_CHUNK_ROWS} FROM {_CURSOR}")
    block = None
    while block is None or len(block):
        with select_error(table):
            block = pd.read_sql(next_rows, connection, dtype=object)
        yield block


def _columns_of(connection: Connection, sql: str) -> list[str]:
    from sqlalchemy import text

    return list(connection.scalars(text(_COLUMNS_OF), {"named": sql}))


def _no_table(connection: Connection, table: DimensionTable) -> ConfigError:
    """The refusal, with the names that are most like it."""
    from sqlalchemy import text

    names = [shown_name(schema, name) for schema, name in connection.execute(text(_TABLES))]
    plain = {name.lower(): name for name in names}
    plain = {name.rpartition(".")[2]: whole for name, whole in plain.items()} | plain
    wanted = table.named.strip().lower()
    near = [*get_close_matches(wanted, plain), *get_close_matches(wanted.rpartition(".")[2], plain)]
    told = list(dict.fromkeys(plain[name] for name in near)) or names
    there = f"It has {some(told, str)}" if told else "It has none at all"
    return ConfigError(
        f"The database has no table or view {table.named}.",
        f"{there}. {table.setting} names yours, exactly as it is written there, or is a SELECT; "
        "sql/init.sql makes sample tables in an empty database.",
    )


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))
