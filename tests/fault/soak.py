"""Hundreds of faults at random moments over one long series of runs: ``make soak``.

``python -m tests.fault.soak [--faults 300] [--seed 1]``. Real Redis, real workers, which are
started again when they die, as a supervisor would. After every run the report must be the bytes
of an undisturbed run over the same archives, and the run must have been published once. Archives
come and go between the runs, so that an old report cannot be taken for a new one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from console.stack import RedisServer
from tests.support.archives import Shop, write_shop
from tests.support.fleet import CUSTOMERS, PRODUCTS, Fleet, archive, fleet, kill_tree
from tests.support.processes import published_csvs, sales_pipeline

WORKERS = 2
MOST_SECONDS_A_RUN = 180
# A random series may hit one archive, or the broker, more often than any policy would bear.
PATIENT = {
    "SALES_MAX_ATTEMPTS": "100",
    "SALES_TASK_RETRIES": "100",
    "SALES_SHUTDOWN_WAIT": "2",
    "REMAP_SIGTERM": "SIGQUIT",
    # Each run has a slot of its own.
    "SALES_SCHEDULE": "* * * * *",
}


class SoakError(AssertionError):
    """Something was lost, or counted twice, or hangs."""


@dataclass
class Soak:
    """The state of one soak."""

    ships: Fleet
    shop: Shop
    random: random.Random
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    resumed: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def supervise(self) -> None:
        """Starts workers again that died."""
        if any(worker.poll() == 2 for worker in self.workers):
            raise SoakError("a worker cannot start")
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < WORKERS:
            number = len(list(self.ships.folder.glob("worker-*.log")))
            log = self.ships.folder / f"worker-{number}.log"
            self.workers.append(
                self.ships.start("worker", "--concurrency=2", "-n", f"w{number}@soak", log=log)
            )

    # Faults.

    def kill_child(self) -> None:
        children = [
            child
            for worker in self.workers
            if worker.poll() is None
            for child in psutil.Process(worker.pid).children()
        ]
        if children:
            self.random.choice(children).kill()

    def kill_worker(self) -> None:
        kill_tree(self.random.choice(self.workers))

    def stop_worker(self) -> None:
        self.random.choice(self.workers).send_signal(signal.SIGTERM)

    def kill_redis(self) -> None:
        self.ships.redis.kill()
        time.sleep(self.random.uniform(0, 1))
        self.ships.redis.start()

    def flush_redis(self) -> None:
        self.ships.flush_redis()

    def kill_publisher(self) -> None:
        self.ships.plan_fault("publication", "kill once")

    def kill_coordinator(self) -> None:
        self.ships.plan_fault("messages", f"kill at {self.random.randint(1, 9)}")

    def kill_reader(self) -> None:
        self.ships.plan_fault(self._some_archive(), "kill once")

    def exhaust_memory(self) -> None:
        self.ships.plan_fault(self._some_archive(), "memory once")

    def stay_long(self) -> None:
        self.ships.plan_fault(self._some_archive(), "sleep 25 once")

    def tear_a_file(self) -> None:
        path = self._some_result()
        if path is not None:
            os.truncate(path, path.stat().st_size // 2)

    def lose_a_file(self) -> None:
        path = self._some_result()
        if path is not None:
            path.unlink(missing_ok=True)

    def ask_again(self) -> None:
        slot = self.began - timedelta(minutes=self.runs)
        self.ships.send("workers.start_run", slot=f"{slot:%Y%m%dT%H%M}")

    def recover_twice(self) -> None:
        both = [self.ships.run_in_background("recover") for _ in range(2)]
        for each in both:
            each.communicate(timeout=60)

    def _some_archive(self) -> str:
        return self.random.choice(sorted(path.name for path in self.shop.data.iterdir()))

    def _some_result(self) -> Path | None:
        """A partial, rejects file or receipt of the run under way."""
        ledger = self.ships.ledger()
        if ledger.outcome() is not None or ledger.verdict() is not None:
            return None
        run = Path(self.ships.env["SALES_STATE"]) / "runs" / ledger.run_id
        found = [
            path
            for kind in ("partials", "rejects", "receipts")
            for path in run.glob(f"{kind}/[!.]*")
        ]
        return self.random.choice(sorted(found)) if found else None

    # Runs.

    def run(self, faults: int) -> None:
        """One run with so many faults, to its exact end."""
        self.runs += 1
        self._change_input()
        expected = self._expected()
        for path in self.shop.data.iterdir():
            self.ships.plan_fault(path.name, "sleep 0.3 once")
        self.supervise()
        before = len(self.ships.run_ids())
        self.ask_again()
        deadline = time.monotonic() + MOST_SECONDS_A_RUN
        for _ in range(faults):
            time.sleep(self.random.uniform(0, 1.5))
            self.supervise()
            if len(self.ships.run_ids()) == before:
                self._look()
                continue
            name = self.random.choice(sorted(FAULTS))
            self.done[name] += 1
            FAULTS[name](self)
        while not self._ended(before):
            if time.monotonic() > deadline:
                raise SoakError(f"run {self.runs} has not ended in {MOST_SECONDS_A_RUN} s")
            self.supervise()
            self._look()
        self._check(expected, before)

    def _look(self) -> None:
        """What beat does every minute: the slot is asked for again, and what stopped recovers."""
        self.ask_again()
        self.ships.recover()

    def _ended(self, before: int) -> bool:
        if len(self.ships.run_ids()) == before:
            return False
        outcome = self.ships.ledger().outcome()
        if outcome is not None and outcome.state == "failed":
            self.resumed += 1
            sales_pipeline("resume", self.ships.ledger().run_id, env=self.ships.env, timeout=170)
            outcome = self.ships.ledger().outcome()
        return outcome is not None

    def _check(self, expected: dict[str, bytes], before: int) -> None:
        ledger = self.ships.ledger()
        outcome = ledger.outcome()
        if len(self.ships.run_ids()) != before + 1:
            raise SoakError(f"one slot, but {len(self.ships.run_ids()) - before} runs")
        if outcome is None or outcome.exit_code != 0:
            raise SoakError(f"run {ledger.run_id} ended as {outcome}")
        if published_csvs(self.ships.folder) != expected:
            raise SoakError(f"run {ledger.run_id}: the report is not that of an undisturbed run")

    def _change_input(self) -> None:
        for path in self.shop.data.iterdir():
            path.unlink()
        for week in self.random.sample(range(1, 12), self.random.randint(5, 10)):
            (self.shop.data / f"events_week_{week:02}.zip").write_bytes(archive(week))

    def _expected(self) -> dict[str, bytes]:
        folder = self.ships.folder / "undisturbed"
        shutil.rmtree(folder, ignore_errors=True)
        places = {"SALES_REPORTS": f"{folder}/reports", "SALES_STATE": f"{folder}/state"}
        done = sales_pipeline("run", "--engine", "local", env=self.ships.env | places)
        if done.returncode != 0:
            raise SoakError(done.stderr)
        return published_csvs(folder)


FAULTS: dict[str, Callable[[Soak], None]] = {
    fault.__name__: fault
    for fault in (
        Soak.kill_child,
        Soak.kill_worker,
        Soak.stop_worker,
        Soak.kill_redis,
        Soak.flush_redis,
        Soak.kill_publisher,
        Soak.kill_coordinator,
        Soak.kill_reader,
        Soak.exhaust_memory,
        Soak.stay_long,
        Soak.tear_a_file,
        Soak.lose_a_file,
        Soak.ask_again,
        Soak.recover_twice,
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="sales-soak-"))
    shop = write_shop(folder / "shop", {}, CUSTOMERS, PRODUCTS)
    started = time.monotonic()
    with RedisServer() as redis, fleet(shop, folder, redis, PATIENT) as ships:
        soak = Soak(ships, shop, random.Random(chosen.seed))  # noqa: S311
        while soak.done.total() < chosen.faults:
            try:
                soak.run(soak.random.randint(1, 8))
            except SoakError as error:
                print(f"FAILED with seed {chosen.seed}, run {soak.runs}: {error}\nLook in {folder}")
                return 1
            print(
                f"run {soak.runs}: exact after {soak.done.total()} faults, "
                f"{time.monotonic() - started:.0f} s",
                flush=True,
            )
        published = len(ships.published())
    faults = ", ".join(f"{count} {name}" for name, count in sorted(soak.done.items()))
    print(f"{soak.runs} runs, {published} publications, {soak.resumed} resumed by hand; {faults}")
    if published != soak.runs:
        print(f"FAILED: every run must be published once. Look in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
