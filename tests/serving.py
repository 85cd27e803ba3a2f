"""``sales-pipeline serve`` as a real process, and plain HTTP to it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import Any

from tests.starting import started


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

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """One request on a connection of its own; the path goes out as it stands."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request(method, path, headers=headers)
            return _answer(connection.getresponse())

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
def site(env: Mapping[str, str], *arguments: str) -> Iterator[Site]:
    """Serves on a free port while the context is open; then it must stop well when told to."""
    process = started(
        "console.command",
        "serve",
        "--port",
        "0",
        *arguments,
        env={**env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.search(r":(\d+)/$", first)
        assert found, first + process.communicate(timeout=10)[1]
        yield Site(int(found[1]), process)
        process.terminate()
        _, errors = process.communicate(timeout=15)
        assert process.returncode == 0, errors
        assert "Traceback" not in errors
    finally:
        process.kill()
        process.communicate()


def _answer(response: HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
