"""Lines of the log that whoever asks for pages can cause, and must not fill a disk with."""

from __future__ import annotations

import time

_QUIET_SECONDS = 10.0


class Seldom:
    """Lets each kind of line through once in ten seconds."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def may(self, kind: str) -> bool:
        """Whether a line of this kind may be written now; the kinds are few and ours."""
        now = time.monotonic()
        if now < self._next.get(kind, 0.0):
            return False
        self._next[kind] = now + _QUIET_SECONDS
        return True
