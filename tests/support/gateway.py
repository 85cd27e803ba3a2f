"""A store that is less than an S3: a proxy in front of one, which takes something away."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, NamedTuple
from urllib.parse import unquote_to_bytes

Fault = Literal[
    "ignores conditions",
    "refuses conditions",
    "has weak tags",
    "has no tags",
    "refuses long keys",
    "may be read",
    "none",
]

_CONDITIONS = {"if-match", "if-none-match"}
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "keep-alive"}
_REFUSAL = (
    b"<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that "
    b"is not implemented</Message></Error>"
)
_LONGEST_KEY = 1024
_LISTED_TAG = re.compile(rb"<ETag>[^<]*</ETag>")
_LISTED_SECOND = re.compile(rb"(<LastModified>[\dT:-]+)[.\d]*Z<")


class Asked(NamedTuple):
    """A request: its method, its path, and the conditions it had."""

    method: str
    path: str
    conditions: frozenset[str]


@dataclass
class Gateway:
    """What a proxy does, and what it was asked. ``fault`` may be changed while it runs."""

    endpoint: str
    fault: Fault
    asked: list[Asked] = field(default_factory=list)
    # Each request takes so many seconds more, and is noted with when it came and was answered.
    delay: float = 0.0
    times: list[tuple[float, float]] = field(default_factory=list)

    def longest_chain(self) -> int:
        """Of the requests in ``times``, how many began one after the other ended at most."""
        ended, chain = 0.0, 0
        for begin, end in sorted(self.times, key=lambda each: each[1]):
            if begin >= ended:
                ended, chain = end, chain + 1
        return chain


@contextmanager
def gateway(behind: str, fault: Fault = "none") -> Iterator[Gateway]:
    """A store in front of the S3 at the endpoint ``behind``.

    - "ignores conditions": it writes whatever If-None-Match says, as one that never heard of it.
    - "refuses conditions": it answers 501 NotImplemented to them.
    - "has weak tags": what is read has tags that begin with W/ in every second answer, as a proxy
      makes them that compresses some; a weak one never fulfils If-Match (RFC 9110, 13.1.1).
    - "refuses long keys": those of more than 1024 bytes, as Amazon's does.
    - "may be read": whoever writes or removes is denied access, as by a user's rights.
    - "has no tags": neither objects that are read nor lists have any, and lists a finer time.
    """
    with _Server(behind.removeprefix("http://"), fault) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.gateway
        finally:
            server.shutdown()
            thread.join()


def _key(path: str) -> bytes:
    """The key in a path of /bucket/key?query."""
    return unquote_to_bytes(path.partition("?")[0]).removeprefix(b"/").partition(b"/")[2]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behind: str, fault: Fault) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.gateway = Gateway(f"http://127.0.0.1:{self.server_port}", fault)
        self.turns = itertools.count()

    def handle_error(self, *_: object) -> None:
        """A client that has enough hangs up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def answer(self) -> None:
        began = time.monotonic()
        time.sleep(self.server.gateway.delay)
        self._answer()
        self.server.gateway.times.append((began, time.monotonic()))

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        conditions = frozenset(_CONDITIONS & headers.keys())
        fault = self.server.gateway.fault
        self.server.gateway.asked.append(Asked(self.command, self.path, conditions))
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if conditions and fault == "refuses conditions":
            self._send(501, {}, _REFUSAL)
            return
        if fault == "has weak tags" and headers.get("if-match", "").startswith("W/"):
            self._send(412, {}, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        if fault == "may be read" and self.command not in {"GET", "HEAD"}:
            self._send(403, {}, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if fault == "refuses long keys" and len(_key(self.path)) > _LONGEST_KEY:
            self._send(400, {}, b"<Error><Code>KeyTooLongError</Code></Error>")
            return
        if fault == "ignores conditions":
            headers = {name: value for name, value in headers.items() if name not in _CONDITIONS}
        with closing(HTTPConnection(self.server.behind)) as connection:
            connection.request(self.command, self.path, body, headers)
            found = connection.getresponse()
            given = {name.lower(): value for name, value in found.getheaders()}
            content = found.read()
        if self.command in {"GET", "HEAD"}:
            content = self._spoil(fault, given, content)
        self._send(found.status, given, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    def _spoil(self, fault: Fault, headers: dict[str, str], content: bytes) -> bytes:
        if fault == "has weak tags" and next(self.server.turns) % 2:
            if "etag" in headers:
                headers["etag"] = f"W/{headers['etag']}"
            return content.replace(b"<ETag>", b"<ETag>W/")
        if fault == "has no tags":
            headers.pop("etag", None)
            return _LISTED_SECOND.sub(rb"\1.123Z<", _LISTED_TAG.sub(b"", content))
        return content

    def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name not in _NOT_PASSED_ON:
                self.send_header(name, value)
        length = headers.get("content-length", "0") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Not a line for every request."""
