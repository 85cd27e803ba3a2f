"""A fleet on hosts of its own: servers on one, workers on others, and commands on one more."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from console.stack.processes import HOST
from tests.support import PROJECT
from tests.support.archives import Shop
from tests.support.fleet import QUICK
from tests.support.host_servers import S3_PORT
from tests.support.hosts import Host, World, kill_inside, signal_inside
from tests.support.processes import eventually, published_csvs, sales_pipeline
from tests.support.s3 import s3_environment
from workers.config import PROCESS_ARCHIVE

# Apart from that of Redis and PostgreSQL, so that a host may lose one and not the other.
_STORE_ADDRESS = "10.77.0.250"
_ARCHIVE_TASK = f"Task {PROCESS_ARCHIVE}["
_COMMAND = (sys.executable, "-m", "console.command")


@dataclass
class Servers:
    """Redis, PostgreSQL and an S3 on a host of theirs."""

    world: World
    host: Host
    redis: str
    redis_pid: int
    postgres: str

    def silence_redis(self) -> None:
        """It takes connections and answers nothing."""
        self.world.do("kill", "-STOP", str(self.redis_pid))

    def wake_redis(self) -> None:
        self.world.do("kill", "-CONT", str(self.redis_pid))


@contextmanager
def servers(*init_sql: Path) -> Iterator[Servers]:
    """A new world with a host of servers, filled by ``init_sql``."""
    with ExitStack() as stack:
        world = World()
        stack.callback(world.close)
        host = world.host("servers")
        host.add_address(_STORE_ADDRESS)
        process = host.start(
            *(sys.executable, "-m", "tests.support.host_servers", *map(str, init_sql)),
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        stack.callback(_stop, process)
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        redis, postgres = (told[name].replace(HOST, host.address) for name in ("redis", "postgres"))
        yield Servers(world, host, redis, told["redis_pid"], postgres)


def _stop(process: subprocess.Popen[Any]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        kill_inside(process)
    process.stdout.close()


def _end(command: subprocess.Popen[Any]) -> None:
    """Also of one whose test failed before it was finished: its pipes are closed."""
    kill_inside(command)
    for pipe in (command.stdout, command.stderr):
        assert pipe is not None
        pipe.close()


@dataclass
class HostFleet:
    """One shop's: workers that share servers, a bucket and nothing else."""

    servers: Servers
    folder: Path
    bucket: str
    env: dict[str, str]
    logs: dict[str, Path] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @property
    def store(self) -> str:
        """The address of the object store, at which nothing else is."""
        return _STORE_ADDRESS

    @property
    def command_host(self) -> Host:
        """Where commands are typed, and beat is."""
        return self.servers.world.host("desk")

    def plan_fault(self, name: str, action: str) -> None:
        """As that of a fleet on one host."""
        Path(self.env["SALES_TEST_FAULTS"], name).write_text(action)

    def lift_fault(self, name: str) -> None:
        Path(self.env["SALES_TEST_FAULTS"], name).unlink(missing_ok=True)

    def reached(self, name: str) -> None:
        """Waits until a paused fault is met."""
        marker = Path(self.env["SALES_TEST_FAULTS"], f"{name}.reached")
        eventually(marker.exists, f"{name} to be begun", 120)
        marker.unlink()

    def worker(self, name: str, **extra: str) -> subprocess.Popen[Any]:
        """A worker on the host of that name, once it is ready."""
        process = self._celery(name, "worker", "--concurrency=1", "--without-mingle", **extra)
        log = self.logs[name]
        eventually(lambda: " ready" in log.read_text(), f"the worker on {name}", 120)
        return process

    def beat(self) -> subprocess.Popen[Any]:
        return self._celery("desk", "beat")

    def _celery(
        self, name: str, program: str, *options: str, **extra: str
    ) -> subprocess.Popen[Any]:
        host = self.servers.world.host(name)
        room = self.folder / f"room-{name}"
        room.mkdir(exist_ok=True)
        own = {
            "TMPDIR": str(room),
            "SALES_HEARTBEAT_FILE": str(self.folder / f"heartbeat-{name}"),
            "SALES_BEAT_SCHEDULE_FILE": str(self.folder / f"beat-{name}"),
        }
        self.logs[name] = self.folder / f"{name}-{len(self.logs)}.log"
        line = (sys.executable, "-m", "celery", "-A", "tests.support.injected", program, *options)
        with self.logs[name].open("ab") as output:
            process = host.start(
                *line, env=self.env | own | extra, stdout=output, stderr=output, cwd=self.folder
            )
        self._stack.callback(kill_inside, process)
        return process

    def run(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """``sales-pipeline run`` to its end, unless another command is named."""
        chosen = arguments or ("run", "--json")
        return self.command_host.run(*_COMMAND, *chosen, env=self.env, timeout=timeout)

    def run_in_background(self) -> subprocess.Popen[Any]:
        """``sales-pipeline run`` under way."""
        process = self.command_host.start(
            *(*_COMMAND, "run", "--json"),
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._stack.callback(_end, process)
        return process

    def finish(self, command: subprocess.Popen[Any], seconds: float = 240) -> None:
        """Waits for the end of a run, and recovers it meanwhile, as beat does every minute."""

        def ended() -> bool:
            recovered = self.run("recover")
            assert "Traceback" not in recovered.stderr, recovered.stderr
            return command.poll() is not None

        eventually(ended, "the end of the run", seconds)
        _, err = command.communicate(timeout=60)
        assert command.returncode == 0, err

    def csvs(self) -> dict[str, bytes]:
        """Published CSV files by name."""
        read = (sys.executable, "-m", "tests.support.host_store", "read", self.bucket)
        done = self.command_host.run(*read, env=self.env)
        assert done.returncode == 0, done.stderr
        return {name: text.encode() for name, text in json.loads(done.stdout).items()}

    def received(self, name: str) -> list[str]:
        """Ids of the tasks for archives that a host was given, once for each time."""
        lines = self.logs[name].read_text().splitlines()
        found = [line for line in lines if _ARCHIVE_TASK in line and "] received" in line]
        return [json.loads(line)["task_id"] for line in found]

    def log_lines(self, name: str, action: str) -> list[dict[str, Any]]:
        """Our own structured lines of this kind, from what runs on a host."""
        lines = self.logs[name].read_text().splitlines()
        told = (json.loads(line) for line in lines if line.startswith("{"))
        return [line for line in told if line.get("action") == action]

    def stop(self, process: subprocess.Popen[Any]) -> int:
        """Takes a worker away as its host's system would when it shuts down."""
        signal_inside(process, signal.SIGTERM)
        return process.wait(120)


@contextmanager
def host_fleet(
    running: Servers, data: Path, folder: Path, extra: Mapping[str, str] | None = None
) -> Iterator[HostFleet]:
    """A fleet without workers yet, with the archives of ``data`` in a bucket of its own."""
    faults = folder / "faults"
    faults.mkdir()
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "FLOWER_", "AWS_"))}
    bucket = f"shop-{secrets.token_hex(4)}"
    env = {
        **kept,
        **QUICK,
        **s3_environment(f"http://{_STORE_ADDRESS}:{S3_PORT}"),
        "PYTHONPATH": str(PROJECT),
        "SALES_DATA": f"s3://{bucket}/data",
        "SALES_REPORTS": f"s3://{bucket}/reports",
        "SALES_STATE": f"s3://{bucket}/state",
        "SALES_DATABASE_URL": running.postgres,
        "SALES_BROKER_URL": running.redis,
        "SALES_TEST_FAULTS": str(faults),
        "SALES_UNFIT_LOOK": "1",
        **(extra or {}),
    }
    with ExitStack() as stack:
        fleet = HostFleet(running, folder, bucket, env, _stack=stack)
        fill = (sys.executable, "-m", "tests.support.host_store", "fill", bucket, str(data))
        done = fleet.command_host.run(*fill, env=env)
        assert done.returncode == 0, done.stderr
        yield fleet


def report_of(shop: Shop, folder: Path) -> dict[str, bytes]:
    """CSV files of a run on this machine, without any server."""
    env = {
        "SALES_DATA": str(shop.data),
        "SALES_DIMENSIONS": str(shop.dimensions),
        "SALES_REPORTS": str(folder / "reports"),
        "SALES_STATE": str(folder / "state"),
    }
    done = sales_pipeline("run", "--engine", "local", "--jobs", "1", "--quiet", env=env)
    assert done.returncode == 0, done.stderr
    return published_csvs(folder)
