"""What is said of a PostgreSQL that a run cannot be delivered to, and whether to try again."""

from __future__ import annotations

from typing import Any

from pipeline_core.dimensions.refusals import Login, Refusal, masked, why_not_connected
from pipeline_core.errors import ConfigError, PipelineError, RetryableError

_WHERE = "SALES_DELIVER (or --to)"
_FOR_GOOD: dict[Refusal, str] = {
    "login": f"Correct user and password in {_WHERE}.",
    "database": f"Correct the database in {_WHERE}, or create it.",
    "connect": f"Grant the user of {_WHERE} CONNECT on the database.",
    "host": f"Correct {_WHERE}; pg_hba.conf of PostgreSQL says who may connect from where.",
    "tls": f"Correct what {_WHERE} asks for (sslmode, sslrootcert), or have PostgreSQL serve TLS "
    "with a certificate for that name.",
}
_NO_PRIVILEGE, _NO_LOCK, _READ_ONLY = "42501", "55P03", "25006"
# Classes of SQLSTATE that pass by themselves: connection, transaction, resources, operator, system.
_PASSING = ("08", "40", "53", "57", "58")


def delivery_error(error: Any, login: Login) -> PipelineError:
    """The error of ours for one of psycopg2."""
    text = masked(str(error).strip(), login)
    lines = text.splitlines() or [type(error).__name__]
    code = error.pgcode or ""
    if not code:
        return _not_connected(lines)
    said = lines[0].rstrip(".")
    if code == _NO_PRIVILEGE:
        return ConfigError(
            f"PostgreSQL refuses: {said}.",
            "Grant the user CREATE and TEMPORARY on the database, or let it own the schema; what "
            "else it needs is in docs/how-to/deliver.md.",
        )
    if code == _NO_LOCK:
        return RetryableError(
            f"PostgreSQL keeps it waiting: {said}.",
            "Somebody else writes to the tables, or delivers; pg_locks shows who.",
        )
    if code == _READ_ONLY:
        return RetryableError(
            f"PostgreSQL refuses: {said}.", f"It may be a standby: name the primary in {_WHERE}."
        )
    if code.startswith(_PASSING):
        return RetryableError(f"PostgreSQL stopped it: {said}.", "See how PostgreSQL fares.")
    return ConfigError(
        f"PostgreSQL does not take it: {said}.",
        "If somebody changed the delivered tables, drop them: they are made again.",
    )


def _not_connected(lines: list[str]) -> PipelineError:
    """Of what libpq says where there is no connection, or none any more."""
    said, refusal = why_not_connected(lines)
    if said.startswith("invalid "):  # an option of the URL, such as sslmode
        return ConfigError(f"PostgreSQL cannot be reached: {said}.", f"Correct {_WHERE}.")
    if refusal == "silent":
        return RetryableError(
            f"PostgreSQL does not answer: {said}.", f"Check {_WHERE}, and that PostgreSQL is up."
        )
    if refusal == "busy":
        return RetryableError(f"PostgreSQL refuses: {said}.", "See how PostgreSQL fares.")
    if refusal == "unknown host":  # a resolver that lost a name for a moment says the same
        return RetryableError(
            f"PostgreSQL's host is not known: {said}.",
            f"If it never was, correct the host in {_WHERE}.",
        )
    return ConfigError(f"PostgreSQL refuses: {said}.", _FOR_GOOD[refusal])
