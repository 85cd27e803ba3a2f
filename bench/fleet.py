"""Warm Celery workers on a throw-away Redis, for as long as a benchmark lasts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec import Struct

from bench.builds import Build
from console.stack import RedisServer
from console.stack.processes import kill_tree

_STOP_SECONDS = 20


class Fleet(Struct, frozen=True):
    """One Celery worker with some processes: how to reach it, and whose time and memory count.
    ``places`` is a folder of links, by whose names the worker knows the places of every run."""

    broker_url: str
    pids: list[int]
    places: Path


def lead(places: Path, **to: Path) -> dict[str, Path]:
    """Lets the links of a fleet lead to the places of one run; returns the links."""
    for name, target in to.items():
        target.mkdir(parents=True, exist_ok=True)
        link = places / name
        link.unlink(missing_ok=True)
        link.symlink_to(target.absolute())
    return {name: places / name for name in to}


@contextmanager
def fleets(
    folder: Path, env: Mapping[str, str], sizes: Sequence[int], builds: Sequence[Build]
) -> Iterator[dict[tuple[Build, int], Fleet]]:
    """A worker of each build for each number of processes, each on a Redis of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        found = {}
        for number, build in enumerate(builds):
            for processes in sizes:
                redis = running.enter_context(closing(RedisServer().start()))
                fleet = _fleet(
                    folder, f"{number}-{processes}", {**env, **build.env}, processes, redis
                )
                found[build, processes] = running.enter_context(fleet)
        yield found


@contextmanager
def fleet_of(app: str, folder: Path, env: Mapping[str, str], processes: int) -> Iterator[Fleet]:
    """A worker of another app of Celery's, a module's name, on a Redis of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        closing(RedisServer().start()) as redis,
        _fleet(folder, app, env, processes, redis, app) as fleet,
    ):
        yield fleet


@contextmanager
def _fleet(
    folder: Path,
    name: str,
    env: Mapping[str, str],
    processes: int,
    redis: RedisServer,
    app: str = "workers",
) -> Iterator[Fleet]:
    places = (folder / f"places-{name}").absolute()
    places.mkdir(exist_ok=True)
    own = {
        "SALES_BROKER_URL": redis.url,
        "SALES_DATA": str(places / "data"),
        "SALES_REPORTS": str(places / "reports"),
        "SALES_STATE": str(places / "state"),
        "SALES_HEARTBEAT_FILE": str(folder / f"heartbeat-{name}"),
    }
    with (folder / f"worker-{name}.log").open("wb") as log:
        worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", app, "worker"),
                *(f"--concurrency={processes}", f"--hostname=bench{processes}@localhost"),
            ],
            env={**env, **own},
            cwd=folder,  # where no .env is
            stdout=log,
            stderr=log,
        )
        try:
            yield Fleet(redis.url, [pid for pid in (worker.pid, redis.pid) if pid], places)
        finally:
            worker.terminate()
            try:
                worker.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                kill_tree(worker)
