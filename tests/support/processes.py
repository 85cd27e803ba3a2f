"""Starts the project's own commands as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from console.stack import Stack
from tests.support import PROJECT
from tests.support.archives import Shop
from tests.support.starting import started
from tests.support.terminal import Terminal

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
    *arguments: str, env: Mapping[str, str], timeout: float = 120, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    # Files, because pipes would have to be read by somebody all the while.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = started("console.command", *arguments, env=env, cwd=cwd, stdout=out, stderr=err)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(process.args, code, out.read(), err.read())


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
    *arguments: str,
    env: Mapping[str, str],
    log: Path,
    app: str = "workers",
    own_interpreter: bool = False,
    is_stopped: bool = False,
) -> Iterator[subprocess.Popen[Any]]:
    """``celery -A workers …`` in its own process group; nothing of it is left afterwards. It is
    killed, or if that is what is tested stopped, which takes seconds of waiting."""
    with log.open("ab") as output:
        process = started(
            "celery",
            "-A",
            app,
            *with_quick_start(arguments),
            env=env,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            start_new_session=True,
            own_interpreter=own_interpreter,
        )
        try:
            yield process
        finally:
            if is_stopped:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_STOP_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def call(task: str, *options: str, env: Mapping[str, str], cwd: Path) -> None:
    """Puts a task on the queue as a foreign program would."""
    arguments = ("-A", "workers", "call", task, *options)
    called = started("celery", *arguments, env=env, cwd=cwd, stdout=subprocess.PIPE, text=True)
    said, _ = called.communicate(timeout=60)
    assert called.returncode == 0, said


def with_quick_start(arguments: Sequence[str]) -> tuple[str, ...]:
    """A worker's arguments so that it doesn't wait a second for neighbours to tell their clocks."""
    return (*arguments, "--without-mingle") if arguments[0] == "worker" else tuple(arguments)


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
