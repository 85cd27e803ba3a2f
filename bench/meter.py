"""Wall seconds, CPU seconds and peak memory of a command, with every process it starts.

A process of its own does the measuring: it adopts what the command leaves behind (a fork server,
a Java machine), so the kernel counts their CPU time too, and it is small, so starting the command
costs nothing of note. CPU time is what the kernel gives when a process is reaped; memory is the
proportional set size (shared pages count once), or the resident size where there is none.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import click
import msgspec
import psutil
from msgspec import Struct

from bench import PROJECT
from bench.results import Cost
from console.stack.processes import kill_tree

_SAMPLE_SECONDS = 0.01
_REST = 3
_ORPHAN_SECONDS = 5.0
_LOG_TAIL = 2_000
_SET_CHILD_SUBREAPER = 36
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # getrusage(2) of each


class Errand(Struct, frozen=True):
    """What to run and how to look at it."""

    command: list[str]
    log: str
    # Processes beside the command whose work is the command's, such as Celery workers.
    helpers: list[int]
    memory: bool


def measure(
    command: Sequence[str],
    log: Path,
    *,
    env: Mapping[str, str],
    helpers: Sequence[int] = (),
    memory: bool = False,
) -> Cost:
    """Runs a command to its end. ``memory`` looks at it all the time, which costs some time.

    Raises:
        ClickException: it did not end with 0; its last output is in the message.
    """
    errand = Errand(list(command), str(log), list(helpers), memory)
    meter = subprocess.Popen(
        [sys.executable, "-m", "bench.meter"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
        env=dict(env),
    )
    try:
        found, _ = meter.communicate(msgspec.json.encode(errand))
    except BaseException:  # stopped by a person: nothing goes on without us
        kill_tree(meter)
        raise
    if meter.returncode:
        tail = log.read_text(errors="replace")[-_LOG_TAIL:]
        raise click.ClickException(f"{' '.join(command)}\n  ended with {meter.returncode}:\n{tail}")
    return msgspec.json.decode(found, type=Cost)


def main() -> int:
    """Carries out the errand on standard input; its cost goes to standard output."""
    errand = msgspec.json.decode(sys.stdin.buffer.read(), type=Errand)
    _adopt_orphans()
    helpers = [psutil.Process(pid) for pid in errand.helpers]
    before = cpu_seconds(helpers)
    with Path(errand.log).open("wb") as log:
        started = time.perf_counter()
        process = subprocess.Popen(
            errand.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=Path(errand.log).parent,  # where no .env is
        )
        watch = _Watch([psutil.Process(process.pid), *helpers]) if errand.memory else None
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = watch.stop() if watch else 0
    cpu = usage.ru_utime + usage.ru_stime + _reap_orphans()
    cpu += cpu_seconds(helpers) - before
    largest = usage.ru_maxrss * _MAXRSS_BYTES
    sys.stdout.buffer.write(msgspec.json.encode(Cost(seconds, cpu, peak, largest)))
    return abs(process.returncode)


class _Watch:
    """Looks at the memory of process trees until told to stop."""

    def __init__(self, roots: list[psutil.Process]) -> None:
        self._roots, self._peak = roots, 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._stopped.is_set():
            began = time.perf_counter()
            self._peak = max(self._peak, sum(map(_memory, _trees(self._roots))))
            took = time.perf_counter() - began  # longer for large trees; most time is theirs
            self._stopped.wait(max(_SAMPLE_SECONDS, _REST * took))


def _trees(roots: Iterable[psutil.Process]) -> list[psutil.Process]:
    found = []
    for root in roots:
        found.append(root)
        with suppress(psutil.NoSuchProcess):  # it ended while we looked
            found += root.children(recursive=True)
    return found


def _memory(process: psutil.Process) -> int:
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
        return 0
    except ProcessLookupError:  # it ended while we looked
        return 0
    except OSError:  # no such file here, or it may not be read
        with suppress(psutil.Error):
            return int(process.memory_info().rss)
    return 0


def cpu_seconds(roots: Iterable[psutil.Process]) -> float:
    """CPU seconds of trees that go on running, and of the children they have reaped."""
    return sum(sum(process.cpu_times()[:4]) for process in _trees(roots))


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _reap_orphans() -> float:
    """CPU seconds of what the command left behind; it ends by itself, or is ended."""
    seconds, deadline = 0.0, time.monotonic() + _ORPHAN_SECONDS
    with suppress(ChildProcessError):
        while True:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
            seconds += usage.ru_utime + usage.ru_stime
            if not pid:
                if time.monotonic() > deadline:
                    for orphan in psutil.Process().children():
                        orphan.send_signal(signal.SIGKILL)
                time.sleep(_SAMPLE_SECONDS)
    return seconds


if __name__ == "__main__":
    sys.exit(main())
