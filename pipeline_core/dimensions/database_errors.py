"""What is said of a database that cannot be read: who can mend it, and nothing of a login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline_core.configuration.dimension_tables import DimensionTable
from pipeline_core.dimensions.refusals import Refusal, masked, why_not_connected
from pipeline_core.dimensions.source_table import shortened
from pipeline_core.errors import ConfigError, InputError, PipelineError, RetryableError

URL_FORM = "Write postgresql://user:password@host:5432/database."
_SETTINGS = (
    "SALES_DB_HOST, SALES_DB_PORT, SALES_DB_USER, SALES_DB_PASSWORD and SALES_DB_NAME "
    "(or SALES_DATABASE_URL)"
)
_LOGIN = "SALES_DB_USER and SALES_DB_PASSWORD (or SALES_DATABASE_URL)"
_NO_PRIVILEGE = "42501"  # SQLSTATE insufficient_privilege
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
}


def database_error(error: Exception, user: str | None, name: str | None) -> PipelineError:
    """The error of ours for one of pandas or SQLAlchemy. ``user`` and ``name`` (the database) are
    whom and what the connection named; whoever mistakes a setting for another has a password in
    one of them."""
    from sqlalchemy import exc

    cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
    orig = cause.orig if isinstance(cause, exc.DBAPIError) else error
    lines = masked(str(orig).strip(), user, name).splitlines() or [""]
    said = lines[0].rstrip(".")
    if said.startswith("invalid "):  # an option of the URL, such as sslmode
        return ConfigError(f"The database URL cannot be used: {said}.", URL_FORM)
    if getattr(orig, "pgcode", None) == _NO_PRIVILEGE:
        return ConfigError(
            f"The database refuses: {said}.",
            "Grant its user (SALES_DB_USER) SELECT on customers and products, or on what "
            "SALES_CUSTOMERS and SALES_PRODUCTS name, and USAGE on the schema.",
        )
    if isinstance(cause, exc.ProgrammingError):
        return ConfigError(
            f"The database cannot be used: {said}.",
            "Correct the view or the table, or name others by SALES_CUSTOMERS and SALES_PRODUCTS.",
        )
    if isinstance(cause, exc.DataError):
        return InputError(
            f"The database cannot read its customers and products: {said}.", "Correct that value."
        )
    return _no_connection(lines)


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
    return ConfigError(f"The database refuses: {said}.", _REMEDIES[refusal])
