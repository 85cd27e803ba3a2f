"""Every table of a database that may hold customers or products, and that we may read."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline_core.catalog.folder import MOST_TABLES, SAMPLE_ROWS
from pipeline_core.catalog.tables import Column, Table
from pipeline_core.catalog.words import likeness
from pipeline_core.configuration.dimension_tables import DimensionTable, shown_name
from pipeline_core.dimensions.database import connected
from pipeline_core.dimensions.relation import opened
from pipeline_core.dimensions.table_lookup import quoted
from pipeline_core.errors import PipelineError

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LONGEST_QUERY = "20s"
# Tables, views, materialized views, foreign and partitioned tables that the role may read.
_TABLES = """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE nspname END, nspname, relname, c.oid
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'v', 'm', 'f', 'p') AND nspname <> 'information_schema'
        AND nspname NOT LIKE 'pg\\_%' AND NOT relispartition
        AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
    ORDER BY 2, 3
"""
_COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
    WHERE attrelid = :table AND attnum > 0 AND NOT attisdropped
        AND has_column_privilege(attrelid, attnum, 'SELECT')
    ORDER BY attnum
"""


def database_tables(
    url: str, wanted: frozenset[str], asked: Sequence[DimensionTable] = ()
) -> list[Table]:
    """The first rows of each, the SELECTs that are ``asked`` for first, which are called by their
    text, then those called like customers or products; of columns that look like ids the ``wanted``
    ones are kept, wherever they stand. What cannot be read, or not in some seconds, is left out.

    Raises:
        RetryableError: the database does not answer.
        ConfigError: it refuses the user, or has no such database.
    """
    from sqlalchemy import exc, text

    found = []
    with connected(url) as connection:
        connection.execute(text(f"SET LOCAL statement_timeout = '{_LONGEST_QUERY}'"))
        tables = [(tuple(row)) for row in connection.execute(text(_TABLES))]
        tables.sort(key=lambda table: -_fits(table[2]))
        for each in asked:
            if each.is_select:
                with suppress(exc.DBAPIError, PipelineError), connection.begin_nested():
                    found.append(_selected(connection, each, wanted))
        for shown_schema, schema, name, oid in tables[:MOST_TABLES]:
            with suppress(exc.DBAPIError), connection.begin_nested():
                columns = [tuple(row) for row in connection.execute(text(_COLUMNS), {"table": oid})]
                place = f"{quoted(schema)}.{quoted(name)}"
                found.append(
                    _table(connection, shown_name(shown_schema, name), place, columns, wanted)
                )
    return found


def _selected(connection: Connection, table: DimensionTable, wanted: frozenset[str]) -> Table:
    """The table that a SELECT makes, which is one, and changes nothing: it was opened as such."""
    from sqlalchemy import text

    query = table.named.rstrip().removesuffix(";")
    with opened(connection, table, query) as description:
        kinds = [(column[0], column[1]) for column in description]
    typed = text("SELECT format_type(:kind, NULL)")
    columns = [(name, str(connection.scalar(typed, {"kind": kind}))) for name, kind in kinds]
    return _table(connection, table.named, f"({query}\n) AS selected", columns, wanted)


def _fits(name: str) -> float:
    return max(likeness(f"{name}.id", each) for each in ("customer_id", "product_id"))


def _table(
    connection: Connection,
    name: str,
    place: str,
    columns: Sequence[tuple[str, str]],
    wanted: frozenset[str],
) -> Table:
    texts = ", ".join(f"CAST({quoted(each)} AS text)" for each, _ in columns)
    query = f"SELECT {texts} FROM {place} LIMIT {SAMPLE_ROWS}"  # noqa: S608  (names are quoted)
    rows = [tuple(row) for row in connection.exec_driver_sql(_literal(query))]
    values = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    sampled = [
        Column(each, kind, sample, frozenset(filter(None, sample)))
        for (each, kind), sample in zip(columns, values, strict=True)
    ]
    if len(rows) == SAMPLE_ROWS:
        sampled = [_with_ids(connection, place, column, wanted) for column in sampled]
    return Table(name, tuple(sampled))


def _with_ids(connection: Connection, place: str, column: Column, wanted: frozenset[str]) -> Column:
    """The column with the wanted ids that stand behind its first rows."""
    fits = max(likeness(column.name, each) for each in ("customer_id", "product_id"))
    if column.looks != "id" and fits <= 0:
        return column
    name = f"CAST({quoted(column.name)} AS text)"
    query = _literal(f"SELECT DISTINCT {name} FROM {place} WHERE {name}")  # noqa: S608
    found = connection.exec_driver_sql(f"{query} = ANY(%(wanted)s)", {"wanted": sorted(wanted)})
    return replace(column, ids=column.ids | frozenset(found.scalars()))


def _literal(query: str) -> str:
    """SQL in which no name is a driver's parameter."""
    return query.replace("%", "%%")
