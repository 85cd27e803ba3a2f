"""What is said of a database that cannot be read: who can mend it, and nothing of a login.

A server that refuses a connection says so in words alone: psycopg2 has no SQLSTATE before there is
a connection. What it says in another language than English is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline_core.configuration.dimension_tables import DimensionTable
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
# What a server answers has its severity in front, and libpq 14 or newer the place before that:
# `connection to server at "db", port 5432 failed: FATAL:  sorry, too many clients already`.
_ANSWER = re.compile(r'(?:^FATAL|failed: [^:"]+):  ')
# Of SQLSTATE classes 28, 3D and 42501, and as PgBouncer says them; with the remedy of each.
_FOR_GOOD = (
    (
        re.compile(
            r"(?:password|peer|ident|certificate|SASL|SCRAM) authentication failed"
            r"|no password supplied|no such user|empty password|role .* does not exist"
            r"|role .* is not permitted to log in",
            re.IGNORECASE,
        ),
        f"Check {_LOGIN}.",
    ),
    (
        re.compile(r"database .* does not exist|no such database", re.IGNORECASE),
        "Check SALES_DB_NAME (or SALES_DATABASE_URL).",
    ),
    (
        re.compile(r"permission denied for database", re.IGNORECASE),
        "Grant its user CONNECT, or check SALES_DB_USER and SALES_DB_NAME (or SALES_DATABASE_URL).",
    ),
    (
        re.compile(r"no pg_hba\.conf entry|pg_hba\.conf rejects", re.IGNORECASE),
        f"Check {_SETTINGS}; pg_hba.conf of PostgreSQL says who may connect from where.",
    ),
)
# A host's name has no @: what a message quotes with one is a piece of a password.
_WITH_AT = re.compile(r'"[^"]*@[^"]*"')
_QUOTED_USER = re.compile(r'\b(user|role) "[^"]*"')
_PLAIN_NAME = re.compile(r"[\w.$-]*")
_NAME_BYTES = 63  # PostgreSQL cuts longer ones


def database_error(error: Exception, user: str | None, name: str | None) -> PipelineError:
    """The error of ours for one of pandas or SQLAlchemy. ``user`` and ``name`` (the database) are
    whom and what the connection named; whoever mistakes a setting for another has a password in
    one of them."""
    from sqlalchemy import exc

    cause = error if isinstance(error, exc.DBAPIError) else error.__cause__
    orig = cause.orig if isinstance(cause, exc.DBAPIError) else error
    lines = _masked(str(orig).strip(), user, name).splitlines() or [""]
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
    answers = [line.rstrip(".") for line in lines if _answers(line)]
    remedies = [_remedy_for_good(answer) for answer in answers]
    if answers and all(remedies):
        return ConfigError(f"The database refuses: {answers[-1]}.", remedies[-1] or "")
    if answers:
        waits = answers[remedies.index(None)]
        return RetryableError(
            f"The database refuses: {waits}.", f"Check {_SETTINGS}, and how PostgreSQL fares."
        )
    said = lines[0].rstrip(".")
    return RetryableError(
        f"The database does not answer: {said}.", f"Check {_SETTINGS}, and that PostgreSQL is up."
    )


def _answers(line: str) -> bool:
    """Whether it is the server's word, or libpq's of what the server asks for."""
    return bool(_ANSWER.search(line)) or "no password supplied" in line


def _remedy_for_good(answer: str) -> str | None:
    """The remedy of a refusal that trying again does not mend; None of another one."""
    return next((remedy for words, remedy in _FOR_GOOD if words.search(answer)), None)


def _masked(said: str, user: str | None, name: str | None) -> str:
    """Without the user, and without a database's name that is none: either may be a login that
    went to the wrong setting."""
    for each in filter(None, (user, name)):
        if not _PLAIN_NAME.fullmatch(each):
            cut = each.encode()[:_NAME_BYTES].decode(errors="ignore")
            said = said.replace(each, "***").replace(cut, "***")
    said = _QUOTED_USER.sub(r'\1 "***"', said)
    return _WITH_AT.sub('"***"', said)
