"""What a worker shows of itself from outside: a heartbeat file, and metrics."""

from __future__ import annotations

import threading
import time
from typing import Any

from celery import bootsteps
from celery.signals import worker_init, worker_ready, worker_shutdown

from pipeline_core.logs import get_logger
from pipeline_core.machine.heartbeat import Heartbeats, heartbeat_path
from pipeline_core.running import metrics
from workers.celery import app, settings
from workers.start_checks import end_without_folder

log = get_logger()

_EVERY_SECONDS = 5.0
_STUCK_SECONDS = 30.0


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]
    """Touches the file for as long as the event loop turns.

    A loop that waits for a broker to come back does not turn, but is well: the worker's
    children may be at work. So a thread touches the file, and asks both.
    """

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._heartbeats = Heartbeats(heartbeat_path(settings.heartbeat_file))
        self._turned = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, args=(worker,), daemon=True)

    def start(self, worker: Any) -> None:
        worker.timer.call_repeatedly(_EVERY_SECONDS, self._turn)
        self._thread.start()

    def stop(self, _worker: Any) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self._heartbeats.end()

    def _turn(self) -> None:
        self._turned = time.monotonic()

    def _beat(self, worker: Any) -> None:
        while not self._over.is_set():
            consumer = getattr(worker, "consumer", None)
            reconnecting = consumer is None or consumer.connection is None
            if reconnecting or time.monotonic() - self._turned < _STUCK_SECONDS:
                try:
                    self._heartbeats.touch()
                except OSError as error:
                    log.warning("no_heartbeat", path=str(self._heartbeats.path), cause=str(error))
            self._over.wait(_EVERY_SECONDS)


app.steps["worker"].add(Heartbeat)


@worker_init.connect
def _prepare(**_: Any) -> None:
    if settings.heartbeat_file is not None:
        end_without_folder("SALES_HEARTBEAT_FILE", heartbeat_path(settings.heartbeat_file))
    metrics.prepare(settings)


@worker_ready.connect
def _serve(**_: Any) -> None:
    metrics.serve(settings)


@worker_shutdown.connect
def _clean_up(**_: Any) -> None:
    metrics.clean_up()
