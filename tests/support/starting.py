"""Starts ``python -m module`` without its imports: as a forked child of a process that has them.

A command takes three times as long to import what it needs as to run a small shop, and the tests
start hundreds. What a process reads of its environment, arguments and folder it still reads after
the fork, and so it does what stands in further folders of PYTHONPATH: it ends as any other does.
But for where our own modules come from it is a real process. Who tests just that, or memory, or
what `ps` shows, starts an interpreter of its own.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.support import PROJECT
from tests.support.forkserver import NUMBER, Request

# What libraries read when they are imported.
_READ_BY_IMPORTS = ("REMAP_SIGTERM",)


class Forked(subprocess.Popen[Any]):
    """A child of the server, for whoever takes a Popen."""

    def __init__(
        self, request: Request, told: int, out: IO[Any] | None, err: IO[Any] | None
    ) -> None:
        self.args = [request.module, *request.arguments]
        self.stdin, self.stdout, self.stderr = None, out, err
        self.returncode: Any = None
        self._said: tuple[Any, Any] | None = None
        self._told = told
        self.pid = self._next_number()

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def communicate(self, _input: None = None, timeout: float | None = None) -> tuple[Any, Any]:
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._said is not None:
            return self._said
        said: dict[Any, bytes] = {each: b"" for each in (self.stdout, self.stderr) if each}
        with selectors.DefaultSelector() as streams:
            for stream in said:
                streams.register(stream, selectors.EVENT_READ)
            while streams.get_map():
                ready = streams.select(_left(deadline))
                if not ready:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0)
                for key, _ in ready:
                    block = os.read(key.fd, 65_536)
                    said[key.fileobj] += block
                    if not block:
                        streams.unregister(key.fileobj)
        self.wait(_left(deadline))
        out, err = (each and _closed(each, said[each]) for each in (self.stdout, self.stderr))
        self._said = out, err
        return self._said

    def _ended(self, timeout: float | None) -> int | None:
        """The exit code as soon as the server tells it."""
        if self.returncode is None:
            with selectors.DefaultSelector() as telling:
                telling.register(self._told, selectors.EVENT_READ)
                if not telling.select(timeout):
                    return None
            self.returncode = self._next_number()
            os.close(self._told)
        code: int = self.returncode
        return code

    def _next_number(self) -> int:
        number = os.read(self._told, NUMBER.size)
        assert number, "the fork server has died"
        found: int = NUMBER.unpack(number)[0]
        return found


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _closed(stream: IO[Any], said: bytes) -> str | bytes:
    stream.close()
    return said if "b" in stream.mode else said.decode()


class Server:
    """The running server of this process."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forkserver", str(theirs.fileno())],
                env=os.environ | {"PYTHONPATH": str(PROJECT)},
                cwd=PROJECT,
                pass_fds=[theirs.fileno()],
            )

    def start(
        self,
        request: Request,
        *,
        stdin: int | None = None,
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        text: bool = False,
    ) -> Forked:
        """As Popen does: descriptors, files or ``subprocess.PIPE``; None is what we have."""
        close: list[int] = []
        try:
            ours_out, theirs_out = _stream(stdout, 1, close, text=text)
            ours_err, theirs_err = _stream(stderr, 2, close, text=text)
            told, tell = os.pipe()
            close.append(tell)
            with tempfile.TemporaryFile() as file:
                file.write(json.dumps(request).encode())
                file.seek(0)
                sent = [file.fileno(), 0 if stdin is None else stdin, theirs_out, theirs_err, tell]
                with self._lock:
                    socket.send_fds(self._ours, [b"+"], sent)
        finally:
            for each in close:
                os.close(each)
        return Forked(request, told, ours_out, ours_err)

    def close(self) -> None:
        self._ours.close()
        self._process.wait(10)


def _stream(
    wanted: int | IO[Any] | None, number: int, close: list[int], *, text: bool
) -> tuple[IO[Any] | None, int]:
    """Our end, if any, and the child's descriptor."""
    if wanted == subprocess.PIPE:
        read, write = os.pipe()
        close.append(write)
        return os.fdopen(read, "r" if text else "rb"), write
    if wanted == subprocess.DEVNULL:
        close.append(os.open(os.devnull, os.O_WRONLY))
        return None, close[-1]
    if wanted is None:
        return None, number
    return None, wanted if isinstance(wanted, int) else wanted.fileno()


def started(
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: int | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
    text: bool = False,
    start_new_session: bool = False,
    own_interpreter: bool = False,
) -> subprocess.Popen[Any]:
    """``python -m module``, forked unless its interpreter is the subject, or is told things that it
    reads while it starts."""
    if own_interpreter or not _is_plain(env):
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=text,
            start_new_session=start_new_session,
        )
    folder = str(cwd or Path.cwd())
    asked = Request(module, list(arguments), dict(env), folder, start_new_session)
    return _server().start(asked, stdin=stdin, stdout=stdout, stderr=stderr, text=text)


def _is_plain(env: Mapping[str, str]) -> bool:
    """Whether an interpreter with it would find the same modules, and these the same at first."""
    paths = env.get("PYTHONPATH", "").split(os.pathsep)
    return str(PROJECT) in paths and not any(name in env for name in _READ_BY_IMPORTS)


@cache
def _server() -> Server:
    """The server of this process, started when it is first asked for."""
    found = Server()
    atexit.register(found.close)
    return found
