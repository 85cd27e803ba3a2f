"""``celery -A workers beat`` on a clock of its own: hours of it pass in a second.

``python -m tests.support.clock FROM SECONDS [SET_BACK_AFTER]`` begins at an ISO time, and sets the
clock back by an hour after so many seconds. Each message that beat sends is taken at once: a look
of the reconciler is done, the start of a run only noted. Prints one JSON array of what was taken.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, SupportsIndex

import time_machine
from celery import beat
from celery.bin.celery import celery
from redis import Redis

_HOUR = 3600
# What a turn of beat's loop takes; on a clock that stands still, it would turn for ever.
_TURN = 0.01


class _Watch:
    """Beat's clock, and what was sent while it went on."""

    def __init__(
        self, clock: time_machine.Traveller, seconds: float, set_back_after: float
    ) -> None:
        self.taken: list[dict[str, Any]] = []
        self._clock, self._seconds, self._set_back_after = clock, seconds, set_back_after
        self._passed = 0.0

    def sleep(self, seconds: SupportsIndex | float) -> None:
        """Takes what was sent; then the time has passed."""
        self._take()
        self.turn(float(seconds))
        if self._passed > self._seconds:
            raise KeyboardInterrupt

    def turn(self, seconds: float = _TURN) -> None:
        self._passed += seconds
        self._clock.shift(seconds)
        if self._passed > self._set_back_after:
            self._set_back_after = float("inf")
            self._clock.shift(-_HOUR)

    def _take(self) -> None:
        from workers.celery import settings
        from workers.config import RECONCILE
        from workers.reconciler import reconcile

        assert settings.broker_url is not None
        with Redis.from_url(settings.broker_url.get_secret_value()) as redis:
            for task, kwargs in _messages(redis):
                now = datetime.now(UTC).isoformat()
                self.taken.append({"task": task, "at": now, "passed": self._passed, **kwargs})
                if task == RECONCILE:
                    reconcile(settings)


def _messages(redis: Redis) -> Iterator[tuple[str, dict[str, Any]]]:
    """Task and keyword arguments of what lies in the queue, until there is nothing."""
    while (found := redis.rpop("celery")) is not None:
        message = json.loads(found)  # type: ignore[arg-type]
        body = json.loads(base64.b64decode(message["body"]))
        yield message["headers"]["task"], body[1]


def _run(start: str, seconds: float, set_back_after: float) -> list[dict[str, Any]]:
    """What was taken: ``task``, ``slot``, the time ``at`` by the clock, the seconds ``passed``."""
    with time_machine.travel(datetime.fromisoformat(start), tick=False) as clock:
        watch = _Watch(clock, seconds, set_back_after)
        celerys_own = beat.Scheduler.tick

        def tick(scheduler: Any) -> float:
            watch.turn()
            waits: float = celerys_own(scheduler)
            return waits

        beat.Scheduler.tick, time.sleep = tick, watch.sleep
        celery.main(["-A", "workers", "beat"], standalone_mode=False)
        return watch.taken


if __name__ == "__main__":
    begin, length, *rest = sys.argv[1:]
    print(json.dumps(_run(begin, float(length), float(rest[0]) if rest else float("inf"))))
