"""That a run ended is told through Redis, at once, to whoever follows it.

What is heard proves nothing: how a run ended, the state says; who hears nothing looks there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pipeline_core.logs import get_logger
from workers.celery import app
from workers.sending.broker import AWAY

log = get_logger()


def tell_end(run_id: str) -> None:
    """Tells whoever listens. A Redis that is away has nobody told."""
    try:
        app.backend.client.publish(_channel(run_id), b"")
    except AWAY as error:
        log.warning("end_not_told", cause=str(error))


class EndOfRun:
    """Listens from now on for the end of a run, as long as Redis answers."""

    def __init__(self, run_id: str) -> None:
        self._heard: Any = app.backend.client.pubsub(ignore_subscribe_messages=True)
        self._asked(lambda: self._heard.subscribe(_channel(run_id)))

    def wait(self, seconds: float) -> None:
        """Waits so long, or until the end is told."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self._heard is None:
                time.sleep(left)
            elif self._asked(lambda: self._heard.get_message(timeout=left)) is not None:
                return

    def _asked(self, ask: Callable[[], object]) -> object:
        try:
            return ask()
        except AWAY:  # nothing is heard from now on: pauses are as long as they are
            self._heard.close()
            self._heard = None
            return None


def _channel(run_id: str) -> str:
    return f"sales-end-of-run-{run_id}"
