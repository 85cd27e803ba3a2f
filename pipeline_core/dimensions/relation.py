"""What customers or products are read from in PostgreSQL: a table, a view or a SELECT.

A SELECT is somebody's SQL. PL/pgSQL opens its cursor: PostgreSQL itself then sees that it is one
statement that makes rows, and refuses a second one, which a driver would send along with it; the
transaction is read-only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline_core.configuration.dimension_tables import DimensionTable, shown_name, split_name
from pipeline_core.dimensions.database_errors import select_error
from pipeline_core.dimensions.source import find_columns
from pipeline_core.dimensions.table_lookup import check_privileges, found_table, quoted
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
            user may not read it, with what grants it; or the SELECT is refused.
    """
    return _select(connection, table) if table.is_select else _named(connection, table)


def _select(connection: Connection, table: DimensionTable) -> Relation:
    # A semicolon ends a statement, and would not stand in another one.
    query = table.named.rstrip().removesuffix(";")
    with opened(connection, table, query) as description:
        names = [column[0] for column in description]
    found = find_columns(names, table, f"The SELECT of {table.setting}")
    columns = {ours: quoted(names[at]) for ours, at in found.items()}
    return Relation(table, f"({query}\n) AS selected", columns)


def _named(connection: Connection, table: DimensionTable) -> Relation:
    try:
        schema, name = split_name(table.named)
    except ValueError as error:
        raise ConfigError(f"{table.setting}: {error}.", "Correct the setting.") from None
    there = found_table(connection, table, schema, name)
    found = find_columns(there.columns, table, f"The table {shown_name(schema, name)}")
    wanted = {ours: there.columns[at] for ours, at in found.items()}
    check_privileges(there, list(wanted.values()))
    sql = ".".join(quoted(each) for each in (schema, name) if each is not None)
    return Relation(table, sql, {ours: quoted(theirs) for ours, theirs in wanted.items()})


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
