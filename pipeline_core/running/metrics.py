"""Prometheus metrics of a worker. Every name stands here; SALES_METRICS_PORT turns them on.

The children of a worker count into files of a private folder (prometheus_client's multiprocess
mode), and the main process adds them up when it is asked. A second worker on one machine needs
another port.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

from pipeline_core.logs import get_logger
from pipeline_core.messages import Outcome, Receipt, RejectReason, RunState
from pipeline_core.settings import Settings

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge, Histogram, Metric

log = get_logger()

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own variable
_LAST_PUBLICATION = "sales_last_publication_timestamp_seconds"
_FRESH = "sales_fresh_timestamp_seconds"
# Ages of these two, by the names of theirs.
_AGES = {
    _LAST_PUBLICATION: (
        "sales_last_publication_age_seconds",
        "Seconds since the newest published run.",
    ),
    _FRESH: (
        "sales_fresh_age_seconds",
        "Seconds since a run was published, or found that nothing was new.",
    ),
}
_SECONDS_BUCKETS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000)


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        self.archives: Counter = Counter(
            "sales_archives", "Archives processed: read, unreadable, quarantined.", ["result"]
        )
        self.events: Counter = Counter(
            "sales_events", "Events seen: counted, not_purchase, rejected.", ["kind"]
        )
        self.rejects: Counter = Counter("sales_rejects", "Purchases left out.", ["reason"])
        self.compressed: Counter = Counter(
            "sales_compressed_bytes", "Bytes of archives that were processed."
        )
        self.json: Counter = Counter("sales_json_bytes", "Bytes inflated from archives.")
        self.seconds: Histogram = Histogram(
            "sales_archive_seconds", "Seconds an archive took.", buckets=_SECONDS_BUCKETS
        )
        self.runs: Counter = Counter("sales_runs", "Runs that ended, by state.", ["state"])
        self.last_publication: Gauge = Gauge(
            _LAST_PUBLICATION,
            "When the newest published run was decided.",
            multiprocess_mode="mostrecent",
        )
        self.fresh: Gauge = Gauge(
            _FRESH,
            "When a run was last published, or found that nothing was new.",
            multiprocess_mode="mostrecent",
        )
        self.takes_work: Gauge = Gauge(
            "sales_worker_takes_work",
            "1 while the worker takes work, 0 while it cannot do any.",
            multiprocess_mode="mostrecent",
        )
        self._show_nothing()

    def _show_nothing(self) -> None:
        """What was not met yet is zero, and no gap: else nobody sees that it is asked for, and the
        first that is met is no increase."""
        for counter, values in (
            (self.archives, ("read", "unreadable", "quarantined")),
            (self.events, ("counted", "not_purchase", "rejected")),
            (self.rejects, RejectReason),
            (self.runs, get_args(RunState)),
        ):
            for value in values:
                counter.labels(value)


def are_counted() -> bool:
    """Whether anybody asked for metrics."""
    return _FOLDER in os.environ


def observe_receipt(receipt: Receipt) -> None:
    """Counts one processed archive."""
    metrics = _metrics()
    if metrics is None:
        return
    unreadable = any(place.day is None for place in receipt.unreadable)
    result = "quarantined" if receipt.quarantined else "unreadable" if unreadable else "read"
    if not receipt.share:
        metrics.archives.labels(result).inc()
    metrics.events.labels("counted").inc(receipt.counts.counted)
    metrics.events.labels("not_purchase").inc(receipt.counts.not_purchase)
    for reason, figures in receipt.counts.rejected.items():
        metrics.events.labels("rejected").inc(figures.events)
        metrics.rejects.labels(reason).inc(figures.events)
    metrics.compressed.inc(receipt.compressed_bytes)
    metrics.json.inc(receipt.json_bytes)
    metrics.seconds.observe(receipt.seconds)


def observe_outcome(outcome: Outcome) -> None:
    """Counts one run that ended."""
    metrics = _metrics()
    if metrics is None:
        return
    metrics.runs.labels(outcome.state).inc()
    if outcome.state == "published" and outcome.summary is not None:
        observe_publication(outcome.summary.finished_at, outcome.summary.finished_at)


def observe_publication(at: datetime, fresh_at: datetime) -> None:
    """Notes when the newest published run was decided, and when nothing was new beside it."""
    metrics = _metrics()
    if metrics is not None:
        metrics.last_publication.set(at.timestamp())
        metrics.fresh.set(fresh_at.timestamp())


def observe_worker(*, takes_work: bool) -> None:
    """Notes whether this worker takes work."""
    metrics = _metrics()
    if metrics is not None:
        metrics.takes_work.set(int(takes_work))


def prepare(settings: Settings) -> None:
    """In the main process, before it forks."""
    if settings.metrics_port is None:
        return
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="sales-metrics-")
    from prometheus_client import values

    # Flower, a plug-in of the celery command, has imported the library already.
    values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]


def serve(settings: Settings) -> None:
    """In the main process, after it forked: children must not own the socket."""
    if settings.metrics_port is None:
        return
    from prometheus_client import CollectorRegistry, start_http_server
    from prometheus_client.multiprocess import MultiProcessCollector

    class WithAge(MultiProcessCollector):
        def collect(self) -> Iterator[Metric]:
            for family in super().collect():  # type: ignore[no-untyped-call]
                yield family
                if family.name in _AGES and family.samples:  # none of what was never set
                    yield _age(family)

    registry = CollectorRegistry()
    WithAge(registry)  # type: ignore[no-untyped-call]
    try:
        start_http_server(settings.metrics_port, settings.metrics_address, registry)
    except OSError as error:  # the work matters more than its figures
        log.error("metrics_not_served", port=settings.metrics_port, cause=str(error))


def clean_up() -> None:
    """In the main process, when it ends."""
    if are_counted():
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)


@lru_cache(maxsize=1)
def _metrics() -> Metrics | None:
    return Metrics() if are_counted() else None


def _age(since: Metric) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    name, means = _AGES[since.name]
    return GaugeMetricFamily(name, means, value=time.time() - since.samples[0].value)
