"""What is said of a database that cannot be read: who can mend it, and nothing of a login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.dimensions.refusals import Login, Refusal, masked, why_not_connected
from pipeline_core.dimensions.source_table import shortened
from pipeline_core.dimensions.table_lookup import quoted
from pipeline_core.errors import ConfigError, InputError, PipelineError, RetryableError, UnknownHost

URL_FORM = "Write postgresql://user:password@host:5432/database."
_SETTINGS = (
    "SALES_DB_HOST, SALES_DB_PORT, SALES_DB_USER, SALES_DB_PASSWORD and SALES_DB_NAME "
    "(or SALES_DATABASE_URL)"
)
_LOGIN = "SALES_DB_USER and SALES_DB_PASSWORD (or SALES_DATABASE_URL)"
_NO_PRIVILEGE = "42501"  # SQLSTATE insufficient_privilege
_DENIED = re.compile(r"permission denied for (?P<kind>[a-z ]+) (?P<name>.+)")
# What reads it, by what PostgreSQL calls it; all others are read by SELECT.
_GRANTS = {"schema": "USAGE ON SCHEMA", "function": "EXECUTE ON FUNCTION"}
_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_READ_ONLY = "25006"  # SQLSTATE read_only_sql_transaction: a view or a function writes
# Classes of SQLSTATE that are of what was asked: what is not supported, cardinality, data, the
# state of cursor and transaction (read-only is one), names and syntax, exceptions of functions.
_OF_VALUES = "22"
_OF_THE_QUERY = ("0A", "21", _OF_VALUES, "24", "25", "34", "42", "P0")
_REMEDIES: dict[Refusal, str] = {
    "login": f"Check {_LOGIN}.",
    "database": "Check SALES_DB_NAME (or SALES_DATABASE_URL).",
    "connect": "Grant its user CONNECT, or check SALES_DB_USER and SALES_DB_NAME (or "
    "SALES_DATABASE_URL).",
    "host": f"Check {_SETTINGS}; pg_hba.conf of PostgreSQL says who may connect from where.",
    "unknown host": "Check SALES_DB_HOST (or SALES_DATABASE_URL): no such name is known here.",
    "tls": "Check what SALES_DATABASE_URL asks for (sslmode, sslrootcert), or have PostgreSQL "
    "serve TLS with a certificate for that name.",
}


def database_error(error: Exception, login: Login, reader: str | None = None) -> PipelineError:
    """The error of ours for one of pandas or SQLAlchemy. ``reader`` is who is connected, as SQL has
    the name, if there is a connection."""
    from sqlalchemy import exc

    cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
    orig = cause.orig if isinstance(cause, exc.DBAPIError) else error
    lines = masked(str(orig).strip(), login).splitlines() or [""]
    said, code = lines[0].rstrip("."), getattr(orig, "pgcode", None) or ""
    if said.startswith("invalid "):  # an option of the URL, such as sslmode
        return ConfigError(f"The database URL cannot be used: {said}.", URL_FORM)
    if code == _NO_PRIVILEGE:
        return ConfigError(f"The database refuses: {said}.", _to_grant(said, reader))
    if isinstance(cause, exc.ProgrammingError) or code == _READ_ONLY:
        return ConfigError(
            f"The database cannot be used: {said}.",
            "Correct the view or the table, or name others by SALES_CUSTOMERS and SALES_PRODUCTS.",
        )
    if isinstance(cause, exc.DataError):
        return InputError(
            f"The database cannot read its customers and products: {said}.", "Correct that value."
        )
    if code:
        return RetryableError(f"The database stopped it: {said}.", "See how PostgreSQL fares.")
    return _no_connection(lines)


def _to_grant(said: str, reader: str | None) -> str:
    """What lets the reader read what PostgreSQL says it may not."""
    to, found = reader or "its user (SALES_DB_USER)", _DENIED.search(said)
    if found is None:  # in another language
        return (
            f"Whoever owns it, or a superuser, lets it: GRANT SELECT ON the tables TO {to}; "
            f"GRANT USAGE ON SCHEMA their schema TO {to};"
        )
    name = found["name"] if _PLAIN_NAME.fullmatch(found["name"]) else quoted(found["name"])
    what = _GRANTS.get(found["kind"], "SELECT ON")
    return f"Its owner, or a superuser, lets it: GRANT {what} {name} TO {to};"


@contextmanager
def select_error(table: DimensionTable) -> Iterator[None]:
    """What PostgreSQL has against the SELECT of ``table``, which is told with its setting; all
    other errors pass."""
    import pandas as pd
    from sqlalchemy import exc

    try:
        yield
    except (pd.errors.DatabaseError, exc.DBAPIError) as error:
        cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
        orig = cause.orig if isinstance(cause, exc.DBAPIError) else None
        code = getattr(orig, "pgcode", None) or ""
        if not table.is_select or not code.startswith(_OF_THE_QUERY) or code == _NO_PRIVILEGE:
            raise
        raise _refused_select(table, getattr(orig, "diag", None)) from None


def _refused_select(table: DimensionTable, said: Any) -> PipelineError:
    """``said`` is psycopg2's ``Diagnostics``."""
    place = ""
    if said.internal_position and said.internal_query:
        at = int(said.internal_position) - 1
        line = said.internal_query.count("\n", 0, at) + 1
        rest, *_ = said.internal_query[at:].split("\n")
        place = f" in line {line} at {shortened(rest)!r}" if rest else " at its end"
    kind = InputError if said.sqlstate.startswith(_OF_VALUES) else ConfigError
    return kind(
        f"{table.setting}: PostgreSQL refuses the SELECT{place}: {said.message_primary}.",
        f"Write one SELECT that changes nothing, with the columns {', '.join(table.theirs())}.",
    )


def _no_connection(lines: list[str]) -> PipelineError:
    """Of what libpq says, a line for each address or way that it tried."""
    said, refusal = why_not_connected(lines)
    if refusal == "silent":
        return RetryableError(
            f"The database does not answer: {said}.",
            f"Check {_SETTINGS}, and that PostgreSQL is up.",
        )
    if refusal == "busy":
        return RetryableError(
            f"The database refuses: {said}.", f"Check {_SETTINGS}, and how PostgreSQL fares."
        )
    if refusal == "unknown host":
        return UnknownHost(f"The database has no such host: {said}.", _REMEDIES[refusal])
    return ConfigError(f"The database refuses: {said}.", _REMEDIES[refusal])
