"""The newest run as it is now, looked at once for all who ask in the same second."""

from __future__ import annotations

import asyncio
import gzip
import time
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from console.serving.outlook import OutlookOf, last_ended
from pipeline_core.ledger import lease, newest_runs
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage
from pipeline_core.watching.run_progress import RunProgress
from pipeline_core.watching.watch import Watch

_FRESH_SECONDS = 1.0
# Of many archives, a look takes a while: no more than a tenth of the time goes into looking.
_PAUSE_BY_LOOK = 9


class Seen(NamedTuple):
    """A RunProgress as JSON or, if there is no run yet, that and when the next one starts; and the
    same by gzip."""

    is_run: bool
    json: bytes
    packed: bytes
    run: RunProgress | None = None


class ProgressCache:
    """Progress as JSON, kept for a second: a hundred open pages cost as much as one."""

    def __init__(self, state: Storage, threads: Executor, outlook: OutlookOf) -> None:
        self._state = ReadOnlyStorage(state)
        self._outlook = outlook
        self._threads = threads
        self._one_at_a_time = asyncio.Lock()
        self._run_id = ""
        self._watch: Watch | None = None
        self._seen = _seen(b"{}", is_run=False)
        self._stale_at = float("-inf")

    async def newest(self) -> Seen:
        """The newest run, or that there is none yet.

        Raises:
            RetryableError: the state storage does not answer.
        """
        async with self._one_at_a_time:
            began = time.monotonic()
            if began > self._stale_at:
                loop = asyncio.get_running_loop()
                self._seen = await loop.run_in_executor(self._threads, self._look)
                took = time.monotonic() - began
                self._stale_at = began + took + max(_FRESH_SECONDS, _PAUSE_BY_LOOK * took)
            return self._seen

    async def archives(self, first: int) -> Seen:
        """Archives of that run from the one of a number on, as an ArchivesPage; nothing if no run
        is planned. Raises as ``newest`` does."""
        await self.newest()
        async with self._one_at_a_time:
            loop = asyncio.get_running_loop()
            page = self._watch.page if self._watch is not None else lambda _: None
            found = await loop.run_in_executor(self._threads, page, first)
        return _seen(b"{}" if found is None else to_json(found), is_run=found is not None)

    def _look(self) -> Seen:
        run_id, outlook = self._newest_id(), self._outlook(self._state)._asdict()
        if run_id is None:
            nothing = {"error": "There is no run yet.", **outlook}
            return _seen(msgspec.json.encode(nothing), is_run=False)
        if self._watch is None or run_id != self._run_id:
            self._watch, self._run_id = Watch(self._state, run_id), run_id
        seen = self._seen.run
        if seen is not None and seen.run_id == run_id and seen.phase == "published":  # for good
            seen = msgspec.structs.replace(seen, looked_at=datetime.now(UTC))
        else:
            seen = msgspec.structs.replace(self._watch.look(), last_ended=last_ended(self._state))
        seen = msgspec.structs.replace(seen, **outlook)
        return _seen(to_json(seen), is_run=True, run=seen)

    def _newest_id(self) -> str | None:
        held = lease.newest(self._state)
        if held is not None:
            return held.run_id
        return next(newest_runs(self._state), None)


def _seen(json: bytes, *, is_run: bool, run: RunProgress | None = None) -> Seen:
    return Seen(is_run, json, gzip.compress(json, 1), run)
