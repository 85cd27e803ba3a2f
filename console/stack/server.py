"""What the throw-away servers have in common: start, stop, kill, and start again."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from secrets import token_urlsafe
from typing import ClassVar, Self

from console.stack.processes import (
    GuardedFolder,
    RunAs,
    StackError,
    free_port,
    kill_tree,
    stop_processes,
)

START_SECONDS = 30.0
PORT_ATTEMPTS = 5
_READ_LOG = "look for the cause in the log lines"


class PortTakenError(StackError):
    """Another process took the port before the server could bind it."""


class Server(ABC):
    """A real server as a child process on a free loopback port, with a generated password.

    Without a `folder` it makes one at the first start and removes it in `close`.
    """

    program: ClassVar[str]

    def __init__(self, folder: GuardedFolder | None) -> None:
        self.password = token_urlsafe(24)
        self.port = 0
        self._owns_folder = folder is None
        self._folder = folder
        self._run_as = RunAs()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address for clients, password included."""

    @abstractmethod
    def _create(self) -> None:
        """Make a new server in `home` and launch it for the first time."""

    @abstractmethod
    def _command(self) -> Sequence[str | Path]:
        """Give the command that serves on `port`."""

    @abstractmethod
    def _refusal(self) -> str | None:
        """Say why the server does not answer us yet; None when it does."""

    @property
    def folder(self) -> GuardedFolder:
        """The guarded folder. Raises StackError before the first start and after `close`."""
        if self._folder is None:
            raise StackError(f"{self.program} has no folder. Remedy: start it first.")
        return self._folder

    @property
    def home(self) -> Path:
        """The server's own folder: data, configuration, `log`."""
        return self.folder.path / self.program

    @property
    def pid(self) -> int | None:
        """The process id while the server runs, else None."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self) -> Self:
        """Start, and wait until it answers (30 s at most).

        After `stop` or `kill` it comes back on the same port with the same data. Raises
        StackError; a first start that fails leaves nothing behind.
        """
        if self.pid is None and self.port:
            self._launch()
        elif self.pid is None:
            with ExitStack() as undo:
                undo.callback(self.close)
                self._folder = self._folder or GuardedFolder()
                self.home.mkdir(mode=0o700)
                self._create()
                undo.pop_all()
        return self

    def stop(self) -> None:
        """Stop cleanly (SIGINT; SIGKILL after 10 s). The data stay for another `start`."""
        stop_processes([self._process] if self._process else [])

    def kill(self) -> None:
        """SIGKILL the server and its children, as a crash would. The data stay."""
        if self._process is not None:
            kill_tree(self._process)

    def restart(self) -> None:
        """Stop if it runs, then start on the same port and data. Raises StackError."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and remove the folder unless it was given. Safe to repeat."""
        self.stop()
        if self._owns_folder and self._folder is not None:
            self._folder.close()
            self._folder, self.port = None, 0

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, command: Sequence[str | Path]) -> int:
        """Run a helper program to its end and give its exit code. Raises OSError as `spawn`."""
        return self.folder.spawn(command, self.home, self.home / "log", self._run_as).wait()

    def _launch_on_free_port(self) -> None:
        for _ in range(PORT_ATTEMPTS - 1):
            self.port = free_port()
            with suppress(PortTakenError):
                self._launch()
                return
        self.port = free_port()
        self._launch()

    def _launch(self) -> None:
        log = self.home / "log"
        mark = log.stat().st_size if log.exists() else 0
        process = self.folder.spawn(self._command(), self.home, log, self._run_as)
        self._process = process
        deadline = time.monotonic() + START_SECONDS
        while refusal := self._refusal():
            if process.poll() is not None:
                raise self._failure(f"it ended with code {process.returncode}", mark)
            if time.monotonic() > deadline:
                self.stop()
                raise self._failure(f"no answer in {START_SECONDS:.0f} s: {refusal}", mark)
            time.sleep(0.02)

    def _failure(self, what: str, mark: int = 0, remedy: str = _READ_LOG) -> StackError:
        path = self.home / "log"
        log = path.read_bytes()[mark:].decode(errors="replace") if path.exists() else ""
        taken = "already in use" in log
        remedy = f"free port {self.port}" if taken else remedy
        tail = "\n".join(f"  {line}" for line in log.splitlines()[-10:])
        message = f"{self.program} did not start: {what}. Remedy: {remedy}. Its log:\n{tail}"
        return PortTakenError(message) if taken else StackError(message)
