"""What Prometheus asks ``serve`` for: a run's work as the state knows it, whoever does it.

A queue's length misses what is under way; these count both. Workers have metrics of their own
(``running/metrics.py``), which say what each of them did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, get_args

from console.serving.progress_cache import ProgressCache
from pipeline_core.fitness.records import unfit_workers
from pipeline_core.ledger import last_publication
from pipeline_core.messages.unfit_worker import UnfitWorker
from pipeline_core.running.looks import last_look
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.watching.run_progress import ARCHIVE_STATES, Phase, RunProgress

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Two Prometheus that ask every few seconds cost the state no more than one.
FRESH_SECONDS = 5.0


@dataclass(frozen=True)
class Shown:
    """What is told. Moments are None if there were none."""

    run: RunProgress | None
    """The newest run."""
    unfit: tuple[UnfitWorker, ...] = ()
    """Workers that take no work."""
    published_at: datetime | None = None
    """When the newest published run was decided."""
    fresh_at: datetime | None = None
    """When a run was published, or found that nothing was new."""


class WorkPieces(NamedTuple):
    """Pieces of work of the run under way; planning and publishing are one each."""

    waiting: int
    running: int


class MetricsCache:
    """What is told, kept for some seconds but for ages."""

    def __init__(self, state: Storage, progress: ProgressCache, threads: Executor) -> None:
        self._state, self._progress, self._threads = ReadOnlyStorage(state), progress, threads
        self._one_at_a_time = asyncio.Lock()
        self._shown = Shown(run=None)
        self._seen_at = float("-inf")

    async def text(self) -> bytes:
        """All of it in Prometheus' text format. Raises RetryableError: the state storage does not
        answer."""
        async with self._one_at_a_time:
            if time.monotonic() - self._seen_at > FRESH_SECONDS:
                run = (await self._progress.newest()).run
                loop = asyncio.get_running_loop()
                self._shown = await loop.run_in_executor(self._threads, self._look, run)
                self._seen_at = time.monotonic()
            return exposition(self._shown, datetime.now(UTC))

    def _look(self, run: RunProgress | None) -> Shown:
        published_at, look = last_publication(self._state), last_look(self._state)
        moments = [each for each in (published_at, look.at if look else None) if each is not None]
        unfit = unfit_workers(self._state, datetime.now(UTC))
        fresh_at = max(moments) if published_at is not None else None
        return Shown(run, unfit, published_at, fresh_at)


def work_pieces(run: RunProgress | None) -> WorkPieces:
    """What workers have, and what waits for one. A run that stopped waits if it is Celery's: beat
    sends its work again. One that stopped before it was planned, or on one machine, does not."""
    if run is None or run.phase in {"published", "refused", "failed"}:
        return WorkPieces(0, 0)
    left = run.pieces - run.pieces_done
    if run.phase == "stopped":
        return WorkPieces(max(left, 1) if run.engine == "celery" else 0, 0)
    if run.phase in {"planning", "publishing"}:
        return WorkPieces(0, 1)
    running = min(len(run.workers), left)
    return WorkPieces(left - running, running)


def exposition(shown: Shown, now: datetime) -> bytes:
    """In Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    class Families(Collector):
        def collect(self) -> Iterable[Metric]:
            return _families(shown, now)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families())
    return generate_latest(registry)


def _families(shown: Shown, now: datetime) -> Iterator[Metric]:
    run, pieces = shown.run, work_pieces(shown.run)
    yield _gauge(
        "sales_work_pieces",
        "Pieces of work of the run under way that wait for a worker, or that a worker has.",
        "state",
        pieces._asdict(),
    )
    counts = run.counts if run else {}
    states: dict[str, int] = {state: counts.get(state, 0) for state in ARCHIVE_STATES}
    yield _gauge("sales_run_archives", "Archives of the newest run, by state.", "state", states)
    phases = {phase: int(run is not None and run.phase == phase) for phase in get_args(Phase)}
    yield _gauge("sales_run_phase", "1 for the phase of the newest run.", "phase", phases)
    well, lost = (run.workers, run.workers_lost) if run else ((), ())
    workers = {"well": len(well), "unfit": len(shown.unfit), "lost": len(lost)}
    hosts = {
        "well": len(_hosts(well)),
        "unfit": len({each.host for each in shown.unfit}),
        "lost": len(_hosts(lost)),
    }
    what = "that have work and show life (well), take none (unfit), or died at it (lost)"
    yield _gauge("sales_hosts", f"Hosts with processes {what}.", "state", hosts)
    yield _gauge("sales_workers", f"Processes {what}.", "state", workers)
    yield from _moments(
        "sales_last_publication", "the newest published run", shown.published_at, now
    )
    yield from _moments(
        "sales_fresh", "a run was published, or found that nothing was new", shown.fresh_at, now
    )


def _hosts(processes: Iterable[str]) -> set[str]:
    return {each.rpartition(":")[0] for each in processes}


def _gauge(name: str, means: str, label: str, values: dict[str, int]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(name, means, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _moments(name: str, of: str, at: datetime | None, now: datetime) -> Iterator[Metric]:
    """Nothing of what never was: 0 would be a moment, too."""
    from prometheus_client.core import GaugeMetricFamily

    if at is not None:
        yield GaugeMetricFamily(f"{name}_timestamp_seconds", f"When: {of}.", at.timestamp())
        age = (now - at).total_seconds()
        yield GaugeMetricFamily(f"{name}_age_seconds", f"Seconds since: {of}.", age)
