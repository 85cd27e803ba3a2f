"""The newest run as it is now, looked at once for all who ask in the same second."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Executor
from typing import NamedTuple

import msgspec

from console.serving.outlook import NextRun, last_ended
from pipeline_core.ledger import lease, newest_runs
from pipeline_core.messages import to_json
from pipeline_core.running.progress import Watch
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage

_FRESH_SECONDS = 1.0


class Seen(NamedTuple):
    """A RunProgress as JSON or, if there is no run yet, that and when the next one starts."""

    is_run: bool
    json: bytes


class ProgressCache:
    """Progress as JSON, kept for a second: a hundred open pages cost as much as one."""

    def __init__(self, state: Storage, threads: Executor, next_run: NextRun) -> None:
        self._state = ReadOnlyStorage(state)
        self._next_run = next_run
        self._threads = threads
        self._one_at_a_time = asyncio.Lock()
        self._run_id = ""
        self._watch: Watch | None = None
        self._seen = Seen(is_run=False, json=b"{}")
        self._seen_at = float("-inf")

    async def newest(self) -> Seen:
        """The newest run, or that there is none yet.

        Raises:
            RetryableError: the state storage does not answer.
        """
        async with self._one_at_a_time:
            if time.monotonic() - self._seen_at > _FRESH_SECONDS:
                loop = asyncio.get_running_loop()
                self._seen = await loop.run_in_executor(self._threads, self._look)
                self._seen_at = time.monotonic()
            return self._seen

    def _look(self) -> Seen:
        run_id, next_run_at = self._newest_id(), self._next_run(self._state)
        if run_id is None:
            nothing = {"error": "There is no run yet.", "next_run_at": next_run_at}
            return Seen(is_run=False, json=msgspec.json.encode(nothing))
        if self._watch is None or run_id != self._run_id:
            self._watch, self._run_id = Watch(self._state, run_id), run_id
        seen = msgspec.structs.replace(
            self._watch.look(), next_run_at=next_run_at, last_ended=last_ended(self._state)
        )
        return Seen(is_run=True, json=to_json(seen))

    def _newest_id(self) -> str | None:
        held = lease.newest(self._state)
        if held is not None:
            return held.run_id
        return next(newest_runs(self._state), None)
