"""Where a table or view is in PostgreSQL, and what is said if it is not, or may not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from pipeline_core.configuration.dimension_tables import DimensionTable, shown_name
from pipeline_core.dimensions.columns import some
from pipeline_core.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Tables, views, materialized views, foreign and partitioned tables.
_READ = "relkind IN ('r', 'v', 'm', 'f', 'p')"
_FOUND = f"""
    SELECT c.oid, quote_ident(nspname), quote_ident(relname), quote_ident(current_user),
        quote_ident(pg_get_userbyid(relowner)), has_schema_privilege(n.oid, 'USAGE')
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_READ} AND relname = CAST(:name AS name) AND CASE
        WHEN CAST(:schema AS text) IS NULL THEN pg_table_is_visible(c.oid)
        ELSE nspname = CAST(:schema AS name) END
"""  # noqa: S608  (a part of it is a constant)
_COLUMNS = """
    SELECT attname, quote_ident(attname), has_column_privilege(attrelid, attnum, 'SELECT')
    FROM pg_attribute WHERE attrelid = :table AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# As they are to be written, and what to grant where the user may not look into their schema.
_OTHERS = f"""
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN NULL ELSE nspname END, relname,
        CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN NULL
        ELSE 'GRANT USAGE ON SCHEMA ' || quote_ident(nspname) || ' TO ' || quote_ident(current_user)
        END
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE {_READ} AND nspname <> 'information_schema' AND nspname NOT LIKE 'pg\\_%'
    ORDER BY 1 NULLS FIRST, 2
"""  # noqa: S608
_LOOKED_IN = "SELECT current_database(), array_to_string(current_schemas(false), ', ')"


@dataclass(frozen=True)
class FoundTable:
    """A table or view that is there; names but those of columns are as SQL has them."""

    schema: str
    name: str
    # Who reads, and who may grant it to them.
    user: str
    owner: str
    # Whether the user may look into the schema.
    is_usable: bool
    columns: list[str]
    # Of each column, its name as SQL has it if the user may not read it, else None.
    refused: list[str | None]


class _Other(NamedTuple):
    """A table that is there instead."""

    shown: str
    # SQL, where the user may not look into its schema.
    grant: str | None


def found_table(
    connection: Connection, table: DimensionTable, schema: str | None, name: str
) -> FoundTable:
    """What there is of ``table``, which is called so; without a schema it is looked for in the
    search path. Raises ConfigError if there is no such table, with those that there are."""
    from sqlalchemy import text

    found = connection.execute(text(_FOUND), {"schema": schema, "name": name}).first()
    if found is None:
        raise _no_table(connection, table, schema, name)
    oid, where, called, user, owner, is_usable = found
    columns = [tuple(row) for row in connection.execute(text(_COLUMNS), {"table": oid})]
    return FoundTable(
        schema=where,
        name=called,
        user=user,
        owner=owner,
        is_usable=is_usable,
        columns=[plain for plain, _, _ in columns],
        refused=[None if may else sql for _, sql, may in columns],
    )


def check_privileges(found: FoundTable, wanted: Sequence[str]) -> None:
    """Raises ConfigError, with what grants it, if the user may not read those columns."""
    place = f"{found.schema}.{found.name}"
    refused = [found.refused[found.columns.index(name)] for name in wanted]
    missing = ", ".join(each for each in refused if each is not None)
    of_columns = f" ({missing})" if missing and None in found.refused else ""
    grants = [] if found.is_usable else [f"GRANT USAGE ON SCHEMA {found.schema} TO {found.user};"]
    if missing:
        grants.append(f"GRANT SELECT{of_columns} ON {place} TO {found.user};")
    if grants:
        raise ConfigError(
            f"The database refuses: its user {found.user} may not read {place}{of_columns}.",
            f"Its owner, {found.owner}, or a superuser lets it: {' '.join(grants)}",
        )


def _no_table(
    connection: Connection, table: DimensionTable, schema: str | None, name: str
) -> ConfigError:
    """The refusal, with where it was looked for and the names that are most like it."""
    from sqlalchemy import text

    database, path = connection.execute(text(_LOOKED_IN)).one()
    others = [
        _Other(shown_name(where, called), grant)
        for where, called, grant in connection.execute(text(_OTHERS))
    ]
    near = _nearest(others, table.named) or others
    there = f"It has {some([other.shown for other in near], str)}" if near else "It has none at all"
    grants = [other.grant for other in near if other.grant and other.shown.endswith(name)]
    may_not = f" Its user may not look there before: {grants[0]};" if grants else ""
    looked_in = f"the schema {schema}" if schema else f"its search_path ({path or 'no schema'})"
    return ConfigError(
        f"The database {database} has no table or view {table.named} in {looked_in}.",
        f"{there}.{may_not} {table.setting} names yours, with its schema if that is not in the "
        "search_path, exactly as it is written there, or is a SELECT; SALES_DB_NAME (or "
        "SALES_DATABASE_URL) names another database; sql/tables.sql makes empty tables.",
    )


def _nearest(others: Sequence[_Other], named: str) -> list[_Other]:
    """Those whose names are most like it."""
    whole = {other.shown.lower(): other for other in others}
    plain = {name.rpartition(".")[2]: other for name, other in whole.items()} | whole
    wanted = named.strip().lower()
    near = [*get_close_matches(wanted, plain), *get_close_matches(wanted.rpartition(".")[2], plain)]
    return list(dict.fromkeys(plain[name] for name in near))


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))
