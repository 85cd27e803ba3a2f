"""Task events, which Flower shows: many in a message."""

from __future__ import annotations

from typing import Any

from celery import bootsteps

from workers.celery import app

_EVERY_SECONDS = 0.5


class BatchedEvents(bootsteps.StartStopStep):  # type: ignore[misc]
    """Sends what happened to tasks twice a second.

    Celery would send it at every turn of its event loop: with tasks of some milliseconds, that
    takes a third of the main process' time, and nobody looks at Flower that often.
    """

    requires = ("celery.worker.consumer.events:Events",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._is_due = False

    def start(self, consumer: Any) -> None:
        if consumer.hub is not None:  # of a pool of processes
            consumer.event_dispatcher.on_send_buffered = lambda: self._send_soon(consumer)

    def shutdown(self, consumer: Any) -> None:
        self._send(consumer)

    def _send_soon(self, consumer: Any) -> None:
        if not self._is_due:
            self._is_due = True
            consumer.hub.call_later(_EVERY_SECONDS, self._send, consumer)

    def _send(self, consumer: Any) -> None:
        self._is_due = False
        if consumer.event_dispatcher is not None:  # the broker is there
            consumer.event_dispatcher.flush()


app.steps["consumer"].add(BatchedEvents)
