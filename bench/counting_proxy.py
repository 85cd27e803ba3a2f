"""An S3 on loopback, and before it a proxy that counts what comes by and lets it wait: every
request takes a chosen round trip, as of a store that is far away."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import click

from console.stack.processes import HOST, kill_tree

_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_START_SECONDS = 30
_START_PAUSE = 0.1


class Passed(NamedTuple):
    """A request that came by: its method, LIST among them, its path, the answer's status, the bytes
    that it and its answer held, and when (seconds of ``time.monotonic``)."""

    method: str
    path: str
    status: int
    size: int
    at: float


class CountingProxy(ThreadingHTTPServer):
    """``delay`` is in seconds; it and what ``passed`` so far may be changed at any time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, behind: str) -> None:
        super().__init__((HOST, 0), _Handler)
        self.behind = behind
        self.delay = 0.0
        self.passed: list[Passed] = []

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.server_port}"

    def since(self, number: int) -> list[Passed]:
        """What passed after so many requests."""
        return self.passed[number:]

    def handle_error(self, *_: object) -> None:
        """A client that has enough hangs up."""


def by_method(passed: list[Passed]) -> dict[str, int]:
    """How many requests there were of each kind, the most first."""
    return dict(Counter(each.method for each in passed).most_common())


@contextmanager
def counted_store(folder: Path) -> Iterator[CountingProxy]:
    """A proxy before an empty S3, moto's, which is a process of its own. Raises ClickException if
    that does not start."""
    with closing(socket.socket()) as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with (folder / "store.log").open("wb") as log:
        start = f"from moto.server import main; main(['-H', {HOST!r}, '-p', '{port}'])"
        store = subprocess.Popen([sys.executable, "-c", start], stdout=log, stderr=log)
    try:
        _wait_for(port)
        with CountingProxy(f"{HOST}:{port}") as proxy:
            thread = threading.Thread(target=proxy.serve_forever)
            thread.start()
            try:
                yield proxy
            finally:
                proxy.shutdown()
                thread.join()
    finally:
        kill_tree(store)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection((HOST, port)):
            return
        time.sleep(_START_PAUSE)
    raise click.ClickException("moto's S3 does not start; `make setup` installs it.")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: CountingProxy

    def setup(self) -> None:
        super().setup()
        self._behind = HTTPConnection(self.server.behind)

    def finish(self) -> None:
        self._behind.close()
        super().finish()

    def answer(self) -> None:
        at, body = time.monotonic(), self.rfile.read(int(self.headers.get("content-length", 0)))
        time.sleep(self.server.delay)
        headers = dict(self.headers.items())
        try:
            self._behind.request(self.command, self.path, body, headers)
            found = self._behind.getresponse()
            content = found.read()
        except (OSError, HTTPException):  # as if the store had hung up
            self.close_connection = True
            self._behind.close()
            return
        size = len(body) + len(content)
        passed = Passed(self._kind(), self.path, found.status, size, at)
        self.server.passed.append(passed)
        self.send_response(found.status)
        for name, value in found.getheaders():
            if name.lower() not in _NOT_PASSED_ON:
                self.send_header(name, value)
        length = found.getheader("content-length", "0") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    def _kind(self) -> str:
        """By which stores set prices: a list is dearer than a GET, a copy is a PUT."""
        if self.command == "GET" and "list-type" in parse_qs(urlsplit(self.path).query):
            return "LIST"
        return self.command

    def log_message(self, *_: object) -> None:
        """Not a line for every request."""
