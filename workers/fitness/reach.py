"""``doctor`` asks each worker whether it reaches data, state and reports.

The main process looks at none of them itself: it must not wait, and what the client of an object
store starts does not survive a fork. A child is forked for it, whatever the others are at.
"""

from __future__ import annotations

import time
from typing import Any

from celery.worker.control import inspect_command

from pipeline_core.fitness.reach import unreached
from pipeline_core.logs import get_logger
from pipeline_core.machine.forked_call import ForkedCall
from workers.celery import settings
from workers.config import REACH

log = get_logger()

_FRESH_SECONDS = 10.0
_ENDED = {"places": "Whoever looked was ended before it could say."}


class _PlacesTried:
    """The newest look of this worker, under way or done."""

    def __init__(self) -> None:
        self._look: ForkedCall | None = None
        self._found: dict[str, str] | None = None
        self._done_at = float("-inf")

    def newest(self) -> dict[str, str] | None:
        """What a look that is not older than seconds found; None while there is none: one is then
        under way."""
        self._take_answer()
        if time.monotonic() - self._done_at < _FRESH_SECONDS:
            return self._found
        if self._look is None:
            self._look = ForkedCall(_unreached, _ENDED)
        return None

    def _take_answer(self) -> None:
        if self._look is None or not self._look.is_done():
            return
        self._found = self._look.result()
        self._look, self._done_at = None, time.monotonic()
        for place, cause in (self._found or {}).items():
            log.error("place_not_reached", place=place, cause=cause)


def _unreached() -> dict[str, str]:
    return unreached(settings.shops()[0], follow_links=settings.follow_links)


_looks = _PlacesTried()


@inspect_command(name=REACH)  # type: ignore[untyped-decorator]
def reach(_state: Any, **_: Any) -> dict[str, Any]:
    """``found``: which of its own places this worker cannot use, and why; null while it looks."""
    return {"found": _looks.newest()}
