"""What runs ask of an object store: requests, bytes, and seconds at several round trips."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import click
import psutil

from bench.builds import AT_HAND, Build
from bench.contenders import clean_environment
from bench.counting_proxy import CountingProxy, Passed, by_method, counted_store
from bench.machine import look_around
from bench.meter import measure
from bench.results import Asked, StoreRequests
from bench.shop import Recipe, prepare
from bench.trials import Bench
from console.stack import RedisServer
from console.stack.processes import kill_tree

# A week an archive, as shops have them; what is in it is no matter of requests.
_SHOP = {"tiny": Recipe(3, 1, 10, 20, 10)}
_USUAL = Recipe(60, 1, 100, 1_000, 100)
_DELAYS = {"tiny": (0.0,)}
_USUAL_DELAYS = (0.0, 0.01, 0.03, 0.1)
_PROCESSES = 2
_MINUTE = 60.0
_TINY_MINUTE = 3.0
_READY_SECONDS = 60
_QUIET_SECONDS = 1.0
_PAUSE = 0.05
# Of a run that stopped, what is asked at first is asked once.
_SETTLES_SECONDS = 20.0

PLAN, FIRST, AGAIN, UNCHANGED = "plan", "first", "again", "unchanged"
IDLE, STALLED = "idle", "stalled"


def measure_requests(bench: Bench) -> StoreRequests:
    """Each build on a bucket of its own, plan by plan and run by run."""
    machine, found = look_around(), list[Asked]()
    shop = prepare(bench.folder / "data", _SHOP.get(bench.size, _USUAL))
    with counted_store(bench.work) as proxy:
        for delay in _DELAYS.get(bench.size, _USUAL_DELAYS):
            for build, named in bench.builds:
                bench.say(f"{build.title}, {1000 * delay:.0f} ms a request")
                fleet = _Fleet(bench, proxy, build, named(""), delay)
                found += fleet.measured(sorted(shop.data.glob("*.zip")), shop.dimensions)
    return StoreRequests(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=machine,
        before=bench.before.title if bench.before else None,
        archives=shop.facts.archives,
        asked=found,
    )


class _Fleet:
    """One build with a bucket, a Redis and a worker, behind the proxy."""

    def __init__(
        self, bench: Bench, proxy: CountingProxy, build: Build, name: str, delay: float
    ) -> None:
        self._bench, self._proxy, self._build, self._delay = bench, proxy, build, delay
        self._name = name
        self._bucket = f"shop-{secrets.token_hex(4)}"
        self._folder = bench.work / self._bucket
        self._folder.mkdir()
        self._minute = _TINY_MINUTE if bench.size == "tiny" else _MINUTE

    def measured(self, archives: Sequence[Path], dimensions: Path) -> Iterator[Asked]:
        self._put("")
        for path in archives:
            self._put(f"/data/{quote(path.name)}", path.read_bytes())
        with closing(RedisServer().start()) as redis:
            env = self._environment(redis.url, dimensions)
            self._proxy.delay = self._delay
            yield self._command(PLAN, env, "plan")
            with self._worker(env) as worker:
                yield self._command(FIRST, env, "run", "--quiet")
                yield self._command(AGAIN, env, "run", "--quiet")
                if self._build == AT_HAND:
                    yield self._command(UNCHANGED, env, "run", "--quiet", "--if-changed")
                if not self._delay:
                    yield self._idle(env)
                    yield self._stalled(env, worker)
        self._proxy.delay = 0.0

    def _put(self, path: str, body: bytes = b"") -> None:
        with closing(HTTPConnection(self._proxy.behind)) as store:
            store.request("PUT", f"/{self._bucket}{path}", body)
            status = store.getresponse().status
        if status != 200:  # noqa: PLR2004
            raise click.ClickException(f"The store answers {status} to what it is to hold.")

    def _environment(self, broker_url: str, dimensions: Path) -> dict[str, str]:
        places = {
            f"SALES_{name.upper()}": f"s3://{self._bucket}/{name}"
            for name in ("data", "reports", "state")
        }
        return {
            **clean_environment(),
            **self._build.env,
            **places,
            "SALES_BROKER_URL": broker_url,
            "SALES_DIMENSIONS": str(dimensions),
            "AWS_ENDPOINT_URL": self._proxy.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_REGION": "us-east-1",
        }

    def _command(self, what: str, env: dict[str, str], *words: str) -> Asked:
        before = len(self._proxy.passed)
        cost = measure(self._build.command(*words), self._folder / f"{what}.log", env=env)
        return self._asked(what, self._proxy.since(before), cost.seconds)

    @contextmanager
    def _worker(self, env: dict[str, str]) -> Iterator[psutil.Process]:
        path = self._folder / "worker.log"
        with path.open("wb") as log:
            command = [sys.executable, "-m", "celery", "-A", "workers", "worker"]
            worker = subprocess.Popen(
                [*command, f"--concurrency={_PROCESSES}"],
                env=env,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        try:
            _until(lambda: "ready" in path.read_text(errors="replace"), "No worker starts")
            yield psutil.Process(worker.pid)
        finally:
            kill_tree(worker)

    def _idle(self, env: dict[str, str]) -> Asked:
        """What beat asks for once a minute, once each process has looked before."""
        send = "from workers.tasks import reconcile; reconcile.delay()"
        found = list[Passed]()
        for _ in range(3 * _PROCESSES):
            before = len(self._proxy.passed)
            log = self._folder / "idle.log"
            measure([sys.executable, "-c", send], log, env=env)
            _until(lambda: self._is_quiet_since(before), "No worker looks")  # noqa: B023
            found = self._proxy.since(before)
        return self._asked(IDLE, found, 0.0)

    def _is_quiet_since(self, number: int) -> bool:
        passed = self._proxy.since(number)
        return bool(passed) and time.monotonic() - passed[-1].at > _QUIET_SECONDS

    def _stalled(self, env: dict[str, str], worker: psutil.Process) -> Asked:
        """A command that follows a run whose worker stopped in the midst of it."""
        before = len(self._proxy.passed)
        with (self._folder / "stalled.log").open("wb") as log:
            following = subprocess.Popen(
                self._build.command("run", "--quiet", "--full"),
                env=env,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        try:
            _until(
                lambda: any("/attempts/0" in each.path for each in self._proxy.since(before)),
                "No work begins",
            )
            for process in [worker, *worker.children(recursive=True)]:
                os.kill(process.pid, signal.SIGSTOP)
            time.sleep(min(_SETTLES_SECONDS, self._minute))
            before = len(self._proxy.passed)
            time.sleep(self._minute)
            found = self._proxy.since(before)
        finally:
            kill_tree(following)
        return self._asked(STALLED, found, 0.0)

    def _asked(self, what: str, passed: list[Passed], seconds: float) -> Asked:
        found = Asked(
            what=what,
            build=self._name,
            delay=self._delay,
            requests=len(passed),
            size=sum(each.size for each in passed),
            seconds=seconds,
            methods=by_method(passed),
        )
        (self._folder / f"{what}.requests").write_text(
            "\n".join(f"{each.at:.3f} {each.method} {each.status} {each.path}" for each in passed)
        )
        self._bench.say(f"{what}: {found.requests} requests, {seconds:.1f} s, {found.methods}")
        return found


def _until(is_so: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            raise click.ClickException(f"{otherwise} in {_READY_SECONDS} s.")
        time.sleep(_PAUSE)
