"""A broker that refuses for good is not said to be away."""

from __future__ import annotations

import socket
import ssl

import pytest
from kombu.exceptions import OperationalError
from redis import exceptions
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from pipeline_core.errors import ConfigError, RetryableError, UnknownHost
from workers.sending import broker
from workers.sending.broker import answers, broker_error


def wrapped(cause: Exception) -> Exception:
    """As kombu has what redis-py raised from what the system said."""
    error = OperationalError(str(cause))
    inner = exceptions.ConnectionError(str(cause))
    inner.__context__ = cause
    error.__cause__ = inner
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (AuthenticationError("invalid username-password pair or user is disabled."), "refuses"),
        (NoPermissionError("this user has no permissions to run the 'info' command"), "refuses"),
        (OperationalError("WRONGPASS invalid username-password pair"), "user and password"),
        (OperationalError("Authentication required: NOAUTH"), "user and password"),
        (ResponseError("DB index is out of range"), "database's number"),
        (wrapped(socket.gaierror(socket.EAI_NONAME, "Name or service not known")), "no such host"),
        (wrapped(ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")), "no TLS"),
        (wrapped(ssl.SSLCertVerificationError(1, "certificate verify failed")), "no TLS"),
    ],
)
def test_what_no_new_try_mends(error: Exception, said: str) -> None:
    found = broker_error(error)
    assert isinstance(found, UnknownHost if said == "no such host" else ConfigError)
    assert said in str(found)
    assert "SALES_BROKER_URL" in found.remedy


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("Error 111 connecting to 127.0.0.1:6379. Connection refused."),
        wrapped(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")),
        wrapped(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        exceptions.ConnectionError("Connection closed by server."),
    ],
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert isinstance(broker_error(error), RetryableError)


def _asked(*_: object, **__: object) -> dict[str, dict[str, object]]:
    """In place of a fleet: when a worker that is leaving has no pool any more is a matter of
    milliseconds."""
    there: dict[str, object] = {"pool": {"max-concurrency": 2}}
    return {"worker-1@host": there, "worker-2@host": {"total": {}, "pid": 7}}


def test_a_worker_that_is_leaving_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "ask", _asked)
    assert {name: each.processes for name, each in answers().items()} == {"worker-1@host": 2}
