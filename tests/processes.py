"""Starts the project's own commands as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from console.stack import Stack
from tests.archives import Shop
from tests.conftest import PROJECT
from tests.terminal import Terminal

_T = TypeVar("_T")
_STOP_SECONDS = 30


def environment(stack: Stack, shop: Shop, folder: Path, **extra: str) -> dict[str, str]:
    """A clean environment with settings for a shop of files, the real Redis and own folders."""
    ours = ("SALES_", "FLOWER_", "NO_COLOR", "CI")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(ours)}
    return {
        **kept,
        **_places(shop, folder),
        "SALES_BROKER_URL": stack.redis.url,
        "SALES_BEAT_SCHEDULE_FILE": str(folder / "beat"),
        **extra,
    }


def local_environment(shop: Shop, folder: Path, jobs: int = 1, **extra: str) -> dict[str, str]:
    """This environment, with settings for a shop of files, the local engine and own folders."""
    chosen = {"SALES_ENGINE": "local", "SALES_JOBS": str(jobs), **extra}
    return os.environ | _places(shop, folder) | chosen


def _places(shop: Shop, folder: Path) -> dict[str, str]:
    return {
        "PYTHONPATH": str(PROJECT),
        "SALES_DATA": str(shop.data),
        "SALES_DIMENSIONS": str(shop.dimensions),
        "SALES_REPORTS": str(folder / "reports"),
        "SALES_STATE": str(folder / "state"),
    }


def sales_pipeline(
    *arguments: str, env: Mapping[str, str], timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    command = [sys.executable, "-m", "console.command", *arguments]
    return subprocess.run(
        command, env=dict(env), capture_output=True, text=True, timeout=timeout, check=False
    )


def on_terminal(*arguments: str, env: Mapping[str, str]) -> tuple[int, bytes]:
    """Runs the command as a person would see it: exit code, and all that was shown."""
    with Terminal(*arguments, env=env) as terminal:
        code = terminal.wait()
    return code, terminal.seen


def published_csvs(folder: Path) -> dict[str, bytes]:
    """CSV files of the newest published run, by name."""
    latest = folder / "reports" / "latest"
    return {str(p.relative_to(latest)): p.read_bytes() for p in sorted(latest.rglob("*.csv"))}


@contextmanager
def celery(
    *arguments: str, env: Mapping[str, str], log: Path, app: str = "workers"
) -> Iterator[subprocess.Popen[bytes]]:
    """``celery -A workers …`` in its own process group; nothing of it is left afterwards."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", app, *arguments],
            env=dict(env),
            stdout=output,
            stderr=output,
            cwd=log.parent,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def scrape(port: int) -> dict[str, float]:
    """What a worker's metrics say now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def eventually(look: Callable[[], _T | None], what: str, seconds: float = 60) -> _T:
    """The first true answer of ``look``; fails with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not seen in {seconds} s: {what}")
