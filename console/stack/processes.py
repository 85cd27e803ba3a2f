"""Child processes in a guarded temporary folder: what a throw-away server is made of.

A folder has a guard, a tiny shell reading a pipe that only the owning Python holds open. However
that process ends, SIGKILL included, the pipe closes; the guard then stops what runs and removes
the folder. Unlike PR_SET_PDEATHSIG this is portable, and not tied to the thread that forked.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import psutil

HOST = "127.0.0.1"
STOP_SECONDS = 10.0

# SIGINT is the prompt clean stop of initdb, postgres and redis-server alike; a frozen process
# needs the SIGCONT to see it. A zombie is dead: the init of many containers never reaps one.
# Each leads a group of its own, which is killed whole; a child that left it may still write into
# the folder for a moment after its parent, so removing it is tried again.
_GUARD = """
trap '' HUP INT QUIT TERM
alive() { kill -0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; }
while read -r line; do running=$line; done
for pid in $running; do kill -INT "$pid"; kill -CONT "$pid"; done
tries=0
for pid in $running; do
  while alive "$pid" && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
  alive "$pid" && kill -KILL "-$pid"
done
tries=0
until rm -rf "$0" || [ "$tries" -ge 100 ]; do sleep 0.1; tries=$((tries + 1)); done
"""
# A child becomes the program once the guard knows its pid: no instant is left unguarded.
_WAIT_FOR_GUARD = ("/bin/sh", "-c", 'read -r go && exec "$@"', "sh")
# No others: PGPORT and its like would interfere, and secrets must not reach another user.
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class StackError(RuntimeError):
    """A throw-away server could not be found or started; the message names the remedy."""


@dataclass(frozen=True)
class RunAs:
    """How a program is started: as ourselves, as another user, or behind a command prefix."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None


class GuardedFolder:
    """A temporary folder and the processes started in it; none outlives the owning process.

    Raises StackError on Windows, OSError when no folder can be made.
    """

    def __init__(self) -> None:
        if sys.platform == "win32":
            raise StackError(
                "The throw-away PostgreSQL and Redis need Linux or macOS. "
                "Remedy: use the local engine, or start servers with `docker compose up`."
            )
        self.path = _temporary_root() / f"sales-pipeline-{secrets.token_hex(6)}"
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        watched, lifeline = os.pipe()
        self._lifeline = os.fdopen(lifeline, "wb", buffering=0)
        with os.fdopen(watched, "rb") as stdin:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, self.path],
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        _open_folders.add(self)
        self.path.mkdir(mode=0o700)

    def spawn(
        self, command: Sequence[str | Path], cwd: Path, log: Path, run_as: RunAs
    ) -> subprocess.Popen[bytes]:
        """Start `command` in `cwd`, its output appended to `log`.

        Raises OSError when the folder or the user cannot be had; a command that cannot be
        executed ends with code 126 or 127.
        """
        kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with self._lock, log.open("ab") as output:
            process = subprocess.Popen(
                [*run_as.prefix, *_WAIT_FOR_GUARD, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=kept | {"LC_ALL": "C"},
                start_new_session=True,  # Ctrl-C is for the owner, who stops things in order
                user=run_as.uid,
                group=run_as.gid,
                extra_groups=None if run_as.uid is None else [],
            )
            self._running = [p for p in (*self._running, process) if p.poll() is None]
            self._lifeline.write(" ".join(str(p.pid) for p in self._running).encode() + b"\n")
        # A prefix that failed has closed its end; its exit code tells the caller.
        with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as go:
            go.write(b"\n")
        return process

    def close(self) -> None:
        """Stop every process, then remove the folder. Safe to repeat."""
        stop_processes(self._running)
        self._lifeline.close()
        self._guard.wait()
        if self.path.exists():  # somebody killed the guard
            shutil.rmtree(self.path)

    def leave_to_parent(self) -> None:
        """In a forked child: let go of the pipe, or the guard would outwait the owner."""
        self._running = []
        self._lifeline.close()


def stop_processes(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Stop all at once and cleanly; kill what is left after 10 s."""
    for process in processes:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_tree(process)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a process and its descendants, and wait until they are gone (10 s at most)."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        deadline = time.monotonic() + STOP_SECONDS
        while any(map(_alive, children)) and time.monotonic() < deadline:
            time.sleep(0.01)


def _alive(process: psutil.Process) -> bool:
    """Say whether it still runs; psutil's own wait would also wait for init to reap a zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """Find a loopback port that nothing listens on. Raises StackError when there is none.

    It lies below the ephemeral range: a client that keeps calling a stopped server could
    otherwise be given that very port for its own end, and keep the server from coming back.
    """
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise StackError("No free port between 20000 and 32000. Remedy: stop some servers.")


def in_package(package: str, pattern: str) -> list[Path]:
    """Find files of an installed package without importing it; none when it is not installed."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return [path for folder in folders or () for path in Path(folder).glob(pattern)]


def _temporary_root() -> Path:
    """Give the temporary folder; for root, one that PostgreSQL's ordinary user reaches too."""
    root = Path(tempfile.gettempdir()).resolve()
    reachable = all(folder.stat().st_mode & 0o001 for folder in (root, *root.parents))
    return root if os.geteuid() or reachable else Path(os.sep, "tmp")


_open_folders: weakref.WeakSet[GuardedFolder] = weakref.WeakSet()


def _leave_all_to_parent() -> None:
    for folder in _open_folders:
        folder.leave_to_parent()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_leave_all_to_parent)
