"""How long a command takes until it opens its first archive, as the kernel says it (inotify)."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import psutil

from bench.meter import cpu_seconds
from bench.results import Cost
from console.stack.processes import kill_tree

_IN_OPEN, _IN_CLOEXEC = 0x20, 0o2000000
_EVENT = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_MOST_EVENTS = 1 << 16
_PATIENCE_SECONDS = 60


def missing() -> str:
    """Why it cannot be measured here; empty if it can."""
    return "" if sys.platform == "linux" else "only Linux tells who opens a file (inotify)"


def until_first_archive(
    command: Sequence[str], data: Path, log: Path, env: Mapping[str, str]
) -> Cost:
    """Runs a command until it opens an archive of the folder ``data``, and ends it then. CPU
    seconds are those of its processes by then, as the kernel counts them (in hundredths).

    Raises:
        ClickException: it ended before, or opened none for a minute.
    """
    with _openings(data) as opened, log.open("wb") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(env),
            cwd=log.parent,  # where no .env is
        )
        try:
            while not _has_archive(opened):
                late = time.perf_counter() - started > _PATIENCE_SECONDS
                if process.poll() is not None or late:
                    raise click.ClickException(f"{' '.join(command)}\n  opened no archive: {log}")
            seconds = time.perf_counter() - started
            return Cost(seconds, cpu_seconds([psutil.Process(process.pid)]))
        finally:
            kill_tree(process)
            process.wait()


@contextmanager
def _openings(folder: Path) -> Iterator[int]:
    """A descriptor that gives an inotify event whenever a file of ``folder`` is opened."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(_IN_CLOEXEC)
    if descriptor < 0 or libc.inotify_add_watch(descriptor, os.fsencode(folder), _IN_OPEN) < 0:
        raise OSError(ctypes.get_errno(), f"inotify cannot watch {folder}")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _has_archive(descriptor: int) -> bool:
    """Whether an archive was opened; waits a tenth of a second for it."""
    if not select.select([descriptor], [], [], 0.1)[0]:
        return False
    events, offset = os.read(descriptor, _MOST_EVENTS), 0
    while offset < len(events):
        *_, length = _EVENT.unpack_from(events, offset)
        offset += _EVENT.size
        if events[offset : offset + length].rstrip(b"\0").endswith(b".zip"):
            return True
        offset += length
    return False
