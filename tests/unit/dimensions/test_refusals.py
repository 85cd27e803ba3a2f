"""Why a PostgreSQL was not connected with: what no new try mends is told apart from what passes."""

from __future__ import annotations

import pytest

from pipeline_core.delivery.postgresql_errors import delivery_error
from pipeline_core.dimensions.database_errors import database_error
from pipeline_core.dimensions.refusals import why_not_connected
from pipeline_core.errors import ConfigError, RetryableError

AT = 'connection to server at "db" (10.0.0.1), port 5432 failed: '
SILENT = f"{AT}Connection refused"
UNKNOWN = 'could not translate host name "db" to address: Name or service not known'
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
    from psycopg2 import OperationalError

    found = database_error(OperationalError(line), "u", "db")
    assert isinstance(found, ConfigError)
    assert said in found.message
    assert setting in found.remedy
    found = delivery_error(OperationalError(line), "u", "db")
    assert isinstance(found, ConfigError)
    assert said in found.message
    assert "SALES_DELIVER" in found.remedy


def test_a_server_that_is_away_is_tried_again() -> None:
    from psycopg2 import OperationalError

    assert isinstance(database_error(OperationalError(SILENT), "u", "db"), RetryableError)
    assert isinstance(delivery_error(OperationalError(SILENT), "u", "db"), RetryableError)
