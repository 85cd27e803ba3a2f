"""Why a PostgreSQL was not connected with: what no new try mends is told apart from what passes."""

from __future__ import annotations

import pytest
from psycopg2 import OperationalError

from pipeline_core.delivery.postgresql_errors import delivery_error
from pipeline_core.dimensions.database_errors import database_error
from pipeline_core.dimensions.refusals import Login, why_not_connected
from pipeline_core.errors import ConfigError, RetryableError

AT = 'connection to server at "db" (10.0.0.1), port 5432 failed: '
SILENT = f"{AT}Connection refused"
UNKNOWN = 'could not translate host name "db" to address: Name or service not known'
SHOP = Login("u", "p", "db")
LOGIN = f'{AT}FATAL:  password authentication failed for user "u"'


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([UNKNOWN], "unknown host"),
        ([UNKNOWN.replace("Name or service not known", "Name does not resolve")], "unknown host"),
        ([UNKNOWN, SILENT, "\tIs the server running on that host?"], "silent"),
        ([UNKNOWN, LOGIN], "login"),
        ([UNKNOWN.replace("Name or service not known", "Temporary failure")], "silent"),
        ([UNKNOWN.replace("Name or service not known", "Non-recoverable failure")], "silent"),
        ([f"{AT}server does not support SSL, but SSL was required"], "tls"),
        ([f"{AT}SSL error: certificate verify failed"], "tls"),
        ([f"{AT}SSL error: tlsv1 alert unknown ca"], "tls"),
        ([f'{AT}server certificate for "other" does not match host name "db"'], "tls"),
        ([f'{AT}root certificate file "/x/root.crt" does not exist'], "tls"),
        ([f"{AT}SSL SYSCALL error: EOF detected"], "silent"),
        ([f"{AT}SSL error: unexpected eof while reading"], "silent"),
        ([f"{AT}SSL error: certificate verify failed", LOGIN], "login"),
        ([f"{AT}FATAL:  sorry, too many clients already", UNKNOWN], "busy"),
        ([f"{AT}FATAL:  the database system is starting up"], "busy"),
        ([SILENT], "silent"),
        ([""], "silent"),
    ],
)
def test_what_libpq_says_is_told_apart(lines: list[str], kind: str) -> None:
    assert why_not_connected(lines)[1] == kind


@pytest.mark.parametrize(
    ("line", "said", "setting"),
    [
        (UNKNOWN, "has no such host", "SALES_DB_HOST"),
        (f"{AT}SSL error: certificate verify failed", "refuses", "sslrootcert"),
    ],
)
def test_neither_is_said_to_be_silence(line: str, said: str, setting: str) -> None:
    found = database_error(OperationalError(line), SHOP)
    assert isinstance(found, ConfigError)
    assert said in found.message
    assert setting in found.remedy


def test_a_delivery_waits_for_a_name_that_may_come_back() -> None:
    """A resolver that is away for a moment says of a name what it says of one that never was."""
    found = delivery_error(OperationalError(UNKNOWN), SHOP)
    assert isinstance(found, RetryableError)
    assert 'host is not known: could not translate host name "db"' in found.message
    assert "SALES_DELIVER" in found.remedy
    found = delivery_error(OperationalError(f"{AT}SSL error: certificate verify failed"), SHOP)
    assert isinstance(found, ConfigError)
    assert "sslrootcert" in found.remedy


def test_a_server_that_is_away_is_tried_again() -> None:
    assert isinstance(database_error(OperationalError(SILENT), SHOP), RetryableError)
    assert isinstance(delivery_error(OperationalError(SILENT), SHOP), RetryableError)


@pytest.mark.parametrize(
    ("login", "shown"),
    [
        (Login("u", "p", "db"), "u"),
        (Login("u", "u", "db"), "***"),
        (Login("u", None, "db"), "***"),
        (Login("u", "", "db"), "***"),
        (Login("another", "p", "db"), "***"),
    ],
)
def test_a_refused_user_is_named_but_for_one_that_may_be_a_password(
    login: Login, shown: str
) -> None:
    for error in database_error, delivery_error:
        found = error(OperationalError(LOGIN), login)
        assert f'authentication failed for user "{shown}"' in found.message


def test_what_is_no_plain_name_is_hidden_wherever_it_stands() -> None:
    odd = LOGIN.replace('"u"', '"p#w"') + " p#w"
    assert "p#w" not in database_error(OperationalError(odd), Login("p#w", "p", "d")).message
