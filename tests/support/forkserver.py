"""A process that has imported what commands and workers need, and forks for each that is asked for.

``python -m tests.support.forkserver FD``, for ``starting``. FD is a socket. It takes one byte a
request, with descriptors: the request as JSON, the child's stdin, stdout and stderr, and a pipe
that is told the child's pid and, at its end, its exit code. It ends with the process that started
it.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# Modules that read the environment when they are imported.
_NOT_YET = {"workers.celery", "celery.apps.worker"}
_LIBRARIES = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.defaults",
    "celery.app.events",
    "celery.app.log",
    "celery.app.task",
    "celery.beat",
    "celery.bin.celery",
    "celery.canvas",
    "celery.events.state",
    "click",
    "jinja2",
    "kombu.transport.redis",
    "numpy",
    "obstore",
    "pandas",
    "psutil",
    "psycopg2",
    "pyarrow.parquet",
    "redis",
    "rich.console",
    "rich.live",
    "rich.table",
    "sqlalchemy.dialects.postgresql.psycopg2",
)
_OURS = ("pipeline_core", "console")

NUMBER = struct.Struct("i")  # a pid, an exit code


class Request(NamedTuple):
    """What to start, and where."""

    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    new_session: bool


def _preload(names: Iterable[str]) -> None:
    for package in _OURS:
        found = importlib.import_module(package)
        names = [*names, *(m.name for m in pkgutil.walk_packages(found.__path__, f"{package}."))]
    for name in names:
        importlib.import_module(name)
    sys.modules.pop("console.command")  # each runs it as its own
    early = _NOT_YET & set(sys.modules)
    if early:
        raise RuntimeError(f"imported before a process's environment is known: {sorted(early)}")


def _serve(requests: socket.socket) -> Request | None:
    """Forks for every request. None at the end, and in a child its own request."""
    children: dict[int, int] = {}
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        with selectors.DefaultSelector() as waiting:
            waiting.register(requests, selectors.EVENT_READ)
            waiting.register(woken, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in waiting.select()}
        if woken in ready:
            os.read(woken, 65_536)
            _tell_ends(children)
        if requests not in ready:
            continue
        asked, descriptors, *_ = socket.recv_fds(requests, 1, 5)
        if not asked:
            return None
        file, *streams, tell = descriptors
        with os.fdopen(file, "rb") as opened:
            request = Request(*json.load(opened))
        pid = os.fork()
        if pid == 0:
            for each in (woken, wake, tell, *children.values()):
                os.close(each)
            requests.close()
            _take(streams, request)
            return request
        children[pid] = tell
        os.write(tell, NUMBER.pack(pid))
        for each in streams:
            os.close(each)


def _tell_ends(children: dict[int, int]) -> None:
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            tell = children.pop(pid)
            with suppress(BrokenPipeError):  # nobody asks any more
                os.write(tell, NUMBER.pack(os.waitstatus_to_exitcode(status)))
            os.close(tell)


def _take(streams: list[int], request: Request) -> None:
    """What an interpreter finds when it starts."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request.new_session:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    given = request.environment["PYTHONPATH"].split(os.pathsep)
    sys.path[:2] = [request.folder, *given]  # the second was the project's
    if any(Path(each, "sitecustomize.py").exists() for each in given):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")
    sys.argv = [request.module, *request.arguments]
    sys.stdin = sys.__stdin__ = _text(0, "r")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(1, "w")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "w", errors="backslashreplace")  # type: ignore[misc]


def _text(number: int, mode: str, errors: str = "strict") -> io.TextIOWrapper:
    raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115  (for as long as we live)
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    return io.TextIOWrapper(
        raw,
        encoding="utf-8",
        errors=errors,
        line_buffering=number == 2 or os.isatty(number),
        write_through=unbuffered,
    )


def main() -> None:
    requests = socket.socket(fileno=int(sys.argv[1]))
    _preload(_LIBRARIES)
    gc.collect()
    gc.freeze()
    request = _serve(requests)
    if request is not None:
        runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
