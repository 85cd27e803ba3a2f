"""Lines of the log that whoever asks for pages can cause, and must not fill a disk with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

_FIRST_PAUSE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 3600.0


@dataclass
class _Kind:
    """What is known of one kind of line; times are seconds of the clock."""

    # When the next may be written.
    free_at: float
    # From that line to the one after it.
    pause: float
    # Since the last one.
    unsaid: int
    # When somebody last wanted one.
    wanted_at: float


class LogLimit:
    """Lets a line of each kind through at once, and others after pauses that double, from ten
    seconds to an hour. What was quiet for an hour begins anew."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kinds: dict[str, _Kind] = {}

    def admit(self, name: str) -> int | None:
        """None if no line of this kind may be written now; else how many were not since the last.
        The kinds are few and ours."""
        now = self._now()
        kind = self._kinds.get(name)
        if kind is None or now - kind.wanted_at >= _LONGEST_PAUSE_SECONDS:
            unsaid = 0 if kind is None else kind.unsaid
            kind = self._kinds[name] = _Kind(now, _FIRST_PAUSE_SECONDS, unsaid, now)
        kind.wanted_at = now
        if now < kind.free_at:
            kind.unsaid += 1
            return None
        unsaid, kind.unsaid = kind.unsaid, 0
        kind.free_at = now + kind.pause
        kind.pause = min(2 * kind.pause, _LONGEST_PAUSE_SECONDS)
        return unsaid
