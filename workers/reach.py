"""``doctor`` asks each worker whether it reaches data, state and reports.

The main process looks at none of them itself: it must not wait, and what the client of an object
store starts does not survive a fork. A child is forked for it, whatever the others are at.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import warnings
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

from celery.worker.control import inspect_command

from pipeline_core.logs import get_logger
from pipeline_core.running.reach import unreached
from workers.celery import settings
from workers.config import REACH

log = get_logger()

_FRESH_SECONDS = 10.0


class _PlacesTried:
    """The newest look of this worker, under way or done."""

    def __init__(self) -> None:
        self._child: ForkProcess | None = None
        self._answer: Connection | None = None
        self._found: dict[str, str] | None = None
        self._done_at = float("-inf")

    def newest(self) -> dict[str, str] | None:
        """What a look that is not older than seconds found; None while there is none: one is then
        under way."""
        self._take_answer()
        if time.monotonic() - self._done_at < _FRESH_SECONDS:
            return self._found
        if self._child is None:
            self._start()
        return None

    def _start(self) -> None:
        fork = multiprocessing.get_context("fork")
        self._answer, told = fork.Pipe(duplex=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            self._child = fork.Process(target=_look, args=(told,), daemon=True)
            self._child.start()
        told.close()

    def _take_answer(self) -> None:
        if self._child is None or self._answer is None or not self._answer.poll():
            return
        try:
            self._found = json.loads(self._answer.recv_bytes())
        except EOFError:  # it was killed
            self._found = {"places": "Whoever looked was ended before it could say."}
        self._answer.close()
        self._child.join()
        self._child, self._done_at = None, time.monotonic()
        for place, cause in (self._found or {}).items():
            log.error("place_not_reached", place=place, cause=cause)


def _look(told: Connection) -> None:
    """In a child, which leaves without the clean-up that is its parent's."""
    try:
        found = unreached(settings.shops()[0], follow_links=settings.follow_links)
        told.send_bytes(json.dumps(found).encode())
    finally:
        os._exit(0)


_looks = _PlacesTried()


@inspect_command(name=REACH)  # type: ignore[untyped-decorator]
def reach(_state: Any, **_: Any) -> dict[str, Any]:
    """``found``: which of its own places this worker cannot use, and why; null while it looks."""
    return {"found": _looks.newest()}
