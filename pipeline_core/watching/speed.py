"""How fast a run goes, and how long it takes yet."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from pipeline_core.messages import Attempt
from pipeline_core.watching.processed import Processed

# A running piece is not taken for more than this share of done.
_MOST_OF_A_PIECE = 0.95


class Throughput:
    """What one process does in a second, by what this run opened; all by the work's id."""

    def __init__(self, done: Mapping[str, Processed], sizes: Mapping[str, int]) -> None:
        opened = {work_id: each for work_id, each in done.items() if each.is_opened}
        self._seconds = sum(each.seconds for each in opened.values())
        self._events = sum(each.events for each in opened.values())
        self._octets = sum(each.json_bytes for each in opened.values())
        self._compressed = sum(sizes.get(work_id, 0) for work_id in opened)

    def events_per_second(self, processes: int) -> float | None:
        """Events a second; None while that is not known."""
        return self._events / self._seconds * processes if self._seconds and processes else None

    def bytes_per_second(self, processes: int) -> float | None:
        """Uncompressed bytes a second; None while that is not known."""
        return self._octets / self._seconds * processes if self._seconds and processes else None

    def seconds_left(
        self,
        sizes: Mapping[str, int],
        done: AbstractSet[str],
        running: Mapping[str, Attempt],
        now: datetime,
        processes: int,
    ) -> float | None:
        """Seconds until all is processed."""
        if not self._compressed or not self._seconds or not processes:
            return None
        pace = self._compressed / self._seconds
        left = float(sum(size for work_id, size in sizes.items() if work_id not in done))
        for work_id, attempt in running.items():
            worked = max((now - attempt.started_at).total_seconds(), 0) * pace
            left -= min(worked, _MOST_OF_A_PIECE * sizes.get(work_id, 0))
        return left / pace / processes
