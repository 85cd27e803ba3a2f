"""``sales-pipeline serve`` as a real process, and plain HTTP to it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from tests.support.starting import started

# What it adds to the pages of reports.
SERVED_LINKS = re.compile('<nav class="about" aria-label="This server">.*</nav>\n')


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Site:
    """A server that runs."""

    port: int
    process: subprocess.Popen[str]
    log_file: Path

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request on a connection of its own; the path goes out as it stands."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, headers=headers)
            return _answer(connection.getresponse())

    @staticmethod
    def without_links(page: bytes) -> bytes:
        """As the file has it."""
        return SERVED_LINKS.sub("", page.decode()).encode() if b"<html" in page else page

    def log(self) -> str:
        """What it has said so far."""
        return self.log_file.read_text()

    def connect(self) -> socket.socket:
        """A connection that says nothing yet."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def progress(self) -> dict[str, Any]:
        """What the live page shows."""
        answer = self.ask("/api/progress")
        assert answer.status == 200, answer
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def states(self) -> dict[str, str]:
        """State of every archive, by name."""
        return {each["name"]: each["state"] for each in self.progress()["archives"]}


@contextmanager
def site(env: Mapping[str, str], *arguments: str, open_files: int | None = None) -> Iterator[Site]:
    """Serves on a free port while the context is open; then it must stop well when told to.
    ``open_files`` is how many it may have open."""
    environment = {**env, "PYTHONUNBUFFERED": "1"}
    command = ["console.command", "serve", "--port", "0", *arguments]
    log = tempfile.NamedTemporaryFile("w+", prefix="serve-", suffix=".log")  # noqa: SIM115
    if open_files is None:
        process = started(*command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    else:
        process = subprocess.Popen(
            ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(open_files)]
            + [sys.executable, "-m", *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r":(\d+)/$", first)
        running = Site(int(found[1]) if found else 0, process, Path(log.name))
        assert found, first + running.log()
        yield running
        process.terminate()
        process.communicate(timeout=15)
        assert process.returncode == 0, running.log()
        assert "Traceback" not in running.log(), running.log()
    finally:
        process.kill()
        process.communicate()
        log.close()


def _answer(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
