"""An S3 that runs inside the tests."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from threading import Lock
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

SECRET = "not-to-be-seen-in-any-message"


class _OneWriteAtATime:
    """As a store does it. moto looks whether there is such a key, and writes it a moment later: now
    and then two are the first."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET":
            return self._application(environ, start_response)
        with self._lock:
            return self._application(environ, start_response)


def one_write_at_a_time(server: ThreadedMotoServer) -> None:
    """Makes of a server that was started one that creates a key once."""
    assert server._server is not None
    server._server.app = _OneWriteAtATime(server._server.app)


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    one_write_at_a_time(server)
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of a new, empty bucket, for which the environment is set."""
    use_endpoint(monkeypatch, s3_endpoint)
    bucket = f"bucket-{secrets.token_hex(4)}"
    put(s3_endpoint, f"/{bucket}")
    return f"s3://{bucket}"


def s3_environment(endpoint: str) -> dict[str, str]:
    """What makes obstore use a server of the tests."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": f"key-{SECRET}",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def use_endpoint(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    for name, value in s3_environment(endpoint).items():
        monkeypatch.setenv(name, value)


def put(endpoint: str, path: str) -> None:
    """Make a bucket, or an empty object of any key, as a foreign program would."""
    with closing(HTTPConnection(endpoint.removeprefix("http://"))) as connection:
        connection.request("PUT", path, b"")
        assert connection.getresponse().status == 200
