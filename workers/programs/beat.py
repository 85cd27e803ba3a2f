"""Beat's scheduler, for clocks that are set back."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery.beat import PersistentScheduler

from workers.start_checks import end_without_folder

_NONE = timedelta(0)


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    """Celery's, which keeps the time at which it sent each entry and the time of the next. A clock
    that is set back puts them into the future, and Celery sends nothing until it has come: for an
    hour, or for a year. This one then sends what has an interval at once, and takes the other
    entries for sent."""

    _seen = 0.0

    def setup_schedule(self) -> None:
        end_without_folder("SALES_BEAT_SCHEDULE_FILE", Path(self.schedule_filename))
        super().setup_schedule()
        self._forget_the_future()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Sends an entry that is due; returns the seconds to wait."""
        now = time.time()
        if now < self._seen:
            self._forget_the_future()
            self._heap = None  # of times that were worked out before
        self._seen = now
        seconds: float = super().tick(*args, **kwargs)
        return seconds

    def _forget_the_future(self) -> None:
        now = self.app.now()
        for entry in self.schedule.values():
            if entry.last_run_at > now:
                entry.last_run_at = now - getattr(entry.schedule, "run_every", _NONE)
