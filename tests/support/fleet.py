"""A small fleet to break: its own Redis, worker processes, and a shop with a known report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from console.stack import RedisServer
from pipeline_core.ledger import RunLedger, run_ids
from pipeline_core.running.schedule import slot_of_now
from pipeline_core.storage import open_storage
from tests.support import PROJECT
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase
from tests.support.processes import (
    call,
    eventually,
    published_csvs,
    sales_pipeline,
    with_quick_start,
)
from tests.support.starting import started

CUSTOMERS = [(f"c{n}", "2023-01-01", ("New", "VIP", "Retail")[n % 3]) for n in range(30)]
PRODUCTS = [(f"p{n}", f"Product {n}", f"Category {n % 4}", f"{n}.{n:02}") for n in range(1, 20)]
ARCHIVES = [f"events_week_{week:02}.zip" for week in range(1, 9)]

# Dead within 2 s, stalled within 3 s; time limits below the visibility timeout.
QUICK = {
    "SALES_LEASE": "2",
    "SALES_STALL_AFTER": "3",
    "SALES_RETRY_BACKOFF": "1",
    "SALES_RETRY_BACKOFF_MAX": "2",
    "SALES_TASK_SOFT_TIME_LIMIT": "20",
    "SALES_TASK_TIME_LIMIT": "25",
    "SALES_VISIBILITY_TIMEOUT": "30",
    "SALES_LOG_FORMAT": "json",
}
# For tests of what is done how often: nobody is taken for dead, or a run for stalled, because the
# machine is busy, so that what Celery itself does not bring back is not sent again either.
PATIENT = {"SALES_LEASE": "60", "SALES_STALL_AFTER": "60"}


def archive(week: int) -> bytes:
    """Thirty purchases of a day of that week, a few of them of unknown customers and products."""
    events = [
        purchase(f"c{(number * week) % 33}", f"p{(number + week) % 21}", 1 + number % 5)
        for number in range(30)
    ]
    day = f"events_2024-{week:02}-01.zip"
    return archive_zip({day: day_zip({"part-001.json": part(events)})})


@dataclass
class Fleet:
    """Workers that share a broker and a state; everything is gone when its context ends."""

    redis: RedisServer
    folder: Path
    env: dict[str, str]
    _stack: ExitStack = field(default_factory=ExitStack)
    _workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def faults(self) -> Path:
        return Path(self.env["SALES_TEST_FAULTS"])

    def plan_fault(self, name: str, action: str) -> None:
        """See ``injected``; ``name`` is an archive's, ``publication`` or ``messages``."""
        (self.faults / name).write_text(action)

    def lift_fault(self, name: str) -> None:
        (self.faults / name).unlink(missing_ok=True)

    def reached(self, name: str, seconds: float = 60) -> int:
        """Waits until a paused fault is met; returns the process id of the one that waits."""
        marker = self.faults / f"{name}.reached"
        text = eventually(lambda: marker.read_text() if marker.exists() else None, name, seconds)
        marker.unlink()
        return int(text)

    def worker(self, *, concurrency: int = 2, **extra: str) -> subprocess.Popen[bytes]:
        """Starts one more worker and waits until it is ready."""
        number = len(self._workers)
        log = self.folder / f"worker-{number}.log"
        process = self.start(
            "worker", f"--concurrency={concurrency}", "-n", f"w{number}@test", log=log, **extra
        )
        self._workers.append(process)
        eventually(
            lambda: process.poll() is not None or b" ready" in log.read_bytes(), f"worker {number}"
        )
        assert process.poll() is None, log.read_text()
        return process

    def start(self, *arguments: str, log: Path, **extra: str) -> subprocess.Popen[bytes]:
        """``celery -A …`` in its own process group."""
        with log.open("ab") as output:
            process = started(
                "celery",
                "-A",
                "tests.support.injected",
                *with_quick_start(arguments),
                env=self.env | extra,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                start_new_session=True,
            )
        self._stack.callback(kill_tree, process)
        return process

    def run(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """``sales-pipeline run`` to its end."""
        return sales_pipeline("run", "--json", *arguments, env=self.env, timeout=timeout)

    def run_in_background(self, *arguments: str) -> subprocess.Popen[str]:
        """``sales-pipeline run``, or another command if one is named."""
        process = started(
            "console.command",
            *(arguments or ("run", "--json")),
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(kill_tree, process)
        return process

    def kill_workers(self) -> None:
        """As a power cut would."""
        for worker in self._workers:
            kill_tree(worker)

    def send(self, task: str, **kwargs: str) -> None:
        """Puts a task on the queue as a foreign program would."""
        options = [f"--kwargs={json.dumps(kwargs)}"] if kwargs else []
        call(task, *options, env=self.env, cwd=self.folder)

    def slot(self) -> str:
        """The newest one of the schedule."""
        return slot_of_now(self.env.get("SALES_SCHEDULE", "0 3 * * *"), "UTC")

    def recover(self) -> None:
        """What beat does every minute."""
        done = sales_pipeline("recover", env=self.env)
        assert "Traceback" not in done.stderr, done.stderr

    def flush_redis(self) -> None:
        with Redis.from_url(self.redis.url) as client:
            client.flushall()

    def run_ids(self) -> list[str]:
        return run_ids(open_storage(self.env["SALES_STATE"]))

    def ledger(self, run_id: str | None = None) -> RunLedger:
        """Of the newest run unless one is named."""
        return RunLedger(open_storage(self.env["SALES_STATE"]), run_id or self.run_ids()[-1])

    def until_ended(self, seconds: float = 60) -> str:
        """Recovers until the newest run has ended; returns its state."""

        def ended() -> str | None:
            self.recover()
            outcome = self.ledger().outcome()
            return outcome.state if outcome else None

        return eventually(ended, "the end of the run", seconds)

    def csvs(self) -> dict[str, bytes]:
        """Published CSV files by name."""
        return published_csvs(self.folder)

    def published(self) -> list[str]:
        """Runs that were published."""
        return open_storage(self.env["SALES_REPORTS"]).folders("runs")

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def log_lines(self, action: str) -> list[dict[str, Any]]:
        """Our own structured lines of this kind, from every process."""
        lines = [line for line in self.logs().splitlines() if line.startswith("{")]
        return [found for line in lines if (found := json.loads(line)).get("action") == action]


@contextmanager
def fleet(
    shop: Shop, folder: Path, redis: RedisServer, extra: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """A fleet without workers yet."""
    faults = folder / "faults"
    faults.mkdir()
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("SALES_", "FLOWER_"))}
    env = {
        **kept,
        **QUICK,
        "PYTHONPATH": str(PROJECT),
        "SALES_DATA": str(shop.data),
        "SALES_DIMENSIONS": str(shop.dimensions),
        "SALES_REPORTS": str(folder / "reports"),
        "SALES_STATE": str(folder / "state"),
        "SALES_BROKER_URL": redis.url,
        "SALES_BEAT_SCHEDULE_FILE": str(folder / "beat"),
        "SALES_HEARTBEAT_FILE": str(folder / "heartbeat"),
        "SALES_TEST_FAULTS": str(faults),
        **(extra or {}),
    }
    with ExitStack() as stack:
        yield Fleet(redis, folder, env, stack)


def kill_tree(process: subprocess.Popen[Any]) -> None:
    """SIGKILL to a process and all that it started."""
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(process.pid)
        for each in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
