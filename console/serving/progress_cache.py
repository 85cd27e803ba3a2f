"""The newest run as it is now, looked at once for all who ask in the same second."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Executor

from pipeline_core.ledger import lease, newest_runs
from pipeline_core.messages import to_json
from pipeline_core.running.progress import Watch
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage

_FRESH_SECONDS = 1.0


class ProgressCache:
    """Progress as JSON, kept for a second: a hundred open pages cost as much as one."""

    def __init__(self, state: Storage, threads: Executor) -> None:
        self._state = ReadOnlyStorage(state)
        self._threads = threads
        self._one_at_a_time = asyncio.Lock()
        self._run_id = ""
        self._watch: Watch | None = None
        self._seen: bytes | None = None
        self._seen_at = float("-inf")

    async def newest(self) -> bytes | None:
        """A RunProgress, or None if there is no run yet.

        Raises:
            RetryableError: the state storage does not answer.
        """
        async with self._one_at_a_time:
            if time.monotonic() - self._seen_at > _FRESH_SECONDS:
                loop = asyncio.get_running_loop()
                self._seen = await loop.run_in_executor(self._threads, self._look)
                self._seen_at = time.monotonic()
            return self._seen

    def _look(self) -> bytes | None:
        run_id = self._newest_id()
        if run_id is None:
            return None
        if self._watch is None or run_id != self._run_id:
            self._watch, self._run_id = Watch(self._state, run_id), run_id
        return to_json(self._watch.look())

    def _newest_id(self) -> str | None:
        held = lease.newest(self._state)
        if held is not None:
            return held.run_id
        return next(newest_runs(self._state), None)
