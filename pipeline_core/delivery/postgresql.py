"""A run's rows into tables of a PostgreSQL, in one transaction that no reader waits for.

The tables stay: TRUNCATE, DROP and RENAME show an empty table, without an error, to whoever has an
older snapshot or waits for the swap, and lose grants and views. Rows that differ are updated, new
ones inserted, and those that are gone deleted, so that every reader has the old rows until the
commit, and all new ones from then on. What the old rows took is free for the next ones after a
VACUUM.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.sql import SQL, Composable, Identifier

from pipeline_core.configuration.destinations import Destination
from pipeline_core.delivery.postgresql_errors import delivery_error
from pipeline_core.delivery.rows import PublishedRows, Row, Standing
from pipeline_core.delivery.tables import (
    FACTS,
    MARK,
    RUNS,
    TABLES,
    VIEWS,
    DeliveredTable,
    created_view,
    names,
)
from pipeline_core.dimensions.database import with_psycopg2
from pipeline_core.dimensions.refusals import Login
from pipeline_core.errors import ConfigError
from pipeline_core.logs import get_logger

log = get_logger()

_LEAST_VERSION = 15  # the first one that has MERGE
_CONNECTING: dict[str, Any] = {
    "application_name": "sales-pipeline",
    "client_encoding": "utf8",
    "connect_timeout": 10,
    # A network that is gone says nothing.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_LOCK_TIMEOUT, _STATEMENT_TIMEOUT = "10s", "300s"
_RELATIONS = """
    SELECT c.relname, c.relkind, obj_description(c.oid, 'pg_class')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = ANY(%s)
"""
# What COPY reads in its text format.
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def deliver_rows(destination: Destination, published: PublishedRows) -> str | None:
    """Replaces the rows of every table by those of a run; does nothing, and returns the id of the
    newer run, if one stands there.

    Raises:
        ConfigError: PostgreSQL refuses for good, or a table is not ours.
        RetryableError: it does not answer, or cannot now.
    """
    with _connected(destination) as connection:
        with connection, connection.cursor() as cursor:
            _begin(cursor, destination.schema)
            _make_missing(cursor, destination.schema)
            _lock(cursor, destination.schema)
            standing = _standing(cursor, destination.schema)
            if standing is not None and standing.is_newer_than(published.order):
                return standing.run_id
            for table in FACTS:
                _replace(cursor, destination.schema, table, published.tables[table.name])
            _add_run(cursor, destination.schema, published)
        _vacuum(connection, destination.schema)
    return None


def try_out_tables(destination: Destination) -> str:
    """Whether a run could be delivered, without changing anything: what would be made is made, and
    taken back. Returns what was found, for people. Raises as ``deliver_rows``."""
    schema = destination.schema
    with _connected(destination) as connection, connection.cursor() as cursor:
        _begin(cursor, schema)
        made = _make_missing(cursor, schema)
        _check_privileges(cursor, schema)
        standing = _standing(cursor, schema)
        connection.rollback()
        version = connection.info.parameter_status("server_version").partition(" ")[0]
    found = f"PostgreSQL {version} takes reports"
    if standing is not None:
        return f"{found}; run {standing.run_id} stands there"
    return f"{found}; the tables are made by the first one" if made else f"{found}; none is there"


@contextmanager
def _connected(destination: Destination) -> Iterator[Any]:
    """A connection, closed at the end: what is not committed is taken back then."""
    url = with_psycopg2(destination.url)
    arguments, options = url.get_dialect()().create_connect_args(url)
    try:
        connection = psycopg2.connect(*arguments, **{**_CONNECTING, **options})
        try:
            _check_version(connection.server_version)
            yield connection
        finally:
            connection.close()
    except psycopg2.Error as error:
        # A traceback would show what the sentence leaves out.
        password = None if url.password is None else str(url.password)
        raise delivery_error(error, Login(url.username, password, url.database)) from None


def _check_version(number: int) -> None:
    if number // 10_000 < _LEAST_VERSION:
        raise ConfigError(
            f"PostgreSQL {number // 10_000} is too old to deliver to.",
            f"Name a server of version {_LEAST_VERSION} or newer.",
        )


def _begin(cursor: Any, schema: str) -> None:
    """Names mean what they say, nobody is waited for without an end, and two that make the tables
    do so one after the other."""
    cursor.execute(
        "SELECT set_config('search_path', 'pg_catalog, pg_temp', true), "
        "set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
        (_LOCK_TIMEOUT, _STATEMENT_TIMEOUT),
    )
    cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"{MARK}: {schema}",))


def _make_missing(cursor: Any, schema: str) -> bool:
    """Makes the schema, tables and views that are not there; says whether tables were.

    Raises:
        ConfigError: something else has the name of one of them.
    """
    wanted = {table.name: "r" for table in TABLES} | dict.fromkeys(VIEWS, "v")
    cursor.execute(_RELATIONS, (schema, list(wanted)))
    there = {name: (kind, comment or "") for name, kind, comment in cursor.fetchall()}
    strange = sorted(
        name
        for name, (kind, comment) in there.items()
        if kind != wanted[name] or not comment.startswith(MARK)
    )
    if strange:
        raise ConfigError(
            f"{', '.join(strange)} of the schema {schema} "
            f"{'is' if len(strange) == 1 else 'are'} not of sales-pipeline, which touches nothing "
            "of others.",
            "Deliver to another schema (?schema=…), or give them other names.",
        )
    cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NULL", (schema,))
    if cursor.fetchone()[0]:
        cursor.execute(SQL("CREATE SCHEMA {}").format(Identifier(schema)))
    missing = [table for table in TABLES if table.name not in there]
    for table in missing:
        cursor.execute(table.created(schema))
    for name in VIEWS:
        if name not in there:
            cursor.execute(created_view(schema, name))
    return bool(missing)


def _lock(cursor: Any, schema: str) -> None:
    """Against whoever else writes; readers go on."""
    tables = SQL(", ").join(table.named(schema) for table in TABLES)
    cursor.execute(SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(tables))


def _check_privileges(cursor: Any, schema: str) -> None:
    for table in TABLES:
        cursor.execute(
            "SELECT string_agg(each, ', ') FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', "
            "'DELETE']) AS each WHERE NOT has_table_privilege(%s, each)",
            (table.named(schema).as_string(cursor),),
        )
        if missing := cursor.fetchone()[0]:
            raise ConfigError(
                f"PostgreSQL refuses: the user may not {missing} {schema}.{table.name}.",
                "Grant it, or let the user own the table.",
            )
    cursor.execute("CREATE TEMPORARY TABLE sales_pipeline_tried () ON COMMIT DROP")


def _standing(cursor: Any, schema: str) -> Standing | None:
    query = SQL("SELECT run_id, as_of FROM {} WHERE is_current").format(RUNS.named(schema))
    cursor.execute(query)
    found = cursor.fetchone()
    return None if found is None else Standing(*found)


def _replace(cursor: Any, schema: str, table: DeliveredTable, rows: Sequence[Row]) -> None:
    """Makes a table have these rows and no others."""
    new = _copied(cursor, schema, table, rows)
    gone = SQL(
        "DELETE FROM {table} AS old WHERE NOT EXISTS (SELECT FROM {new} AS new WHERE {same})"
    )
    cursor.execute(gone.format(table=table.named(schema), new=new, same=_same_key(table)))
    _merge(cursor, schema, table, new)


def _add_run(cursor: Any, schema: str, published: PublishedRows) -> None:
    ended = SQL("UPDATE {} SET is_current = false WHERE is_current AND run_id <> %s")
    cursor.execute(ended.format(RUNS.named(schema)), (published.run_id,))
    new = _copied(cursor, schema, RUNS, published.tables[RUNS.name])
    _merge(cursor, schema, RUNS, new)


def _copied(cursor: Any, schema: str, table: DeliveredTable, rows: Sequence[Row]) -> Composable:
    """A temporary table of the rows, as SQL."""
    new = Identifier("pg_temp", f"new_{table.name}")
    made = SQL("CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WHERE false")
    columns = names([*table.columns])
    cursor.execute(made.format(Identifier(f"new_{table.name}"), columns, table.named(schema)))
    copy = SQL("COPY {} ({}) FROM STDIN").format(new, columns)
    cursor.copy_expert(copy, io.StringIO("".join(map(_copy_line, rows))))
    cursor.execute(SQL("ANALYZE {}").format(new))
    return new


def _copy_line(row: Row) -> str:
    return "\t".join("\\N" if value is None else value.translate(_ESCAPES) for value in row) + "\n"


def _merge(cursor: Any, schema: str, table: DeliveredTable, new: Composable) -> None:
    """Inserts what is new, and updates what differs, the decimals of money included."""
    columns = [*table.columns]
    old_values, new_values = (
        SQL(", ").join(SQL("{}::text").format(Identifier(side, name)) for name in columns)
        for side in ("old", "new")
    )
    cursor.execute(
        SQL("""
            MERGE INTO {table} AS old USING {new} AS new ON {same}
            WHEN MATCHED AND ROW({old_values}) IS DISTINCT FROM ROW({new_values})
                THEN UPDATE SET {changes}
            WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({inserted})
        """).format(
            table=table.named(schema),
            new=new,
            same=_same_key(table),
            old_values=old_values,
            new_values=new_values,
            changes=SQL(", ").join(
                SQL("{} = {}").format(Identifier(name), Identifier("new", name))
                for name in columns
                if name not in table.key
            ),
            columns=names(columns),
            inserted=SQL(", ").join(Identifier("new", name) for name in columns),
        )
    )


def _same_key(table: DeliveredTable) -> Composable:
    """A join that PostgreSQL can hash, also where a date may be NULL."""
    either = SQL("coalesce({}, '-infinity')")
    return SQL(" AND ").join(
        SQL("{} = {}").format(
            *(
                either.format(Identifier(side, name))
                if name in table.optional
                else Identifier(side, name)
                for side in ("old", "new")
            )
        )
        for name in table.key
    )


def _vacuum(connection: Any, schema: str) -> None:
    """Frees what old rows took; the tables are never cut shorter, which would lock readers out. The
    run is delivered, whatever becomes of this."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        for table in TABLES:
            try:
                cursor.execute(
                    SQL("VACUUM (ANALYZE, TRUNCATE false, SKIP_LOCKED) {}").format(
                        table.named(schema)
                    )
                )
            except psycopg2.Error as error:
                log.warning("not_vacuumed", table=table.name, cause=str(error).splitlines()[0])
                return
