"""Who takes one of the few places that there are for connections and the files they are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tornado.iostream import IOStream


class ConnectionLimit:
    """At most ``most``. A connection has one until it has ended, and what was asked on it is
    answered or given up: a client may be gone while its file is still open."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._reasons: Counter[IOStream] = Counter()
        # Called when one is free again.
        self.when_free: Callable[[], None] = lambda: None

    @property
    def taken(self) -> int:
        """How many."""
        return len(self._reasons)

    @property
    def are_taken(self) -> bool:
        """Whether none is left."""
        return self.taken >= self.most

    def take(self, stream: IOStream) -> None:
        """For a connection that begins, or an answer on it; each gives it back by itself."""
        self._reasons[stream] += 1

    def give_back(self, stream: IOStream) -> None:
        """Once for each ``take``."""
        self._reasons[stream] -= 1
        if not self._reasons[stream]:
            del self._reasons[stream]
            self.when_free()

    @contextmanager
    def kept(self, stream: IOStream) -> Iterator[None]:
        """While something is answered."""
        self.take(stream)
        try:
            yield
        finally:
            self.give_back(stream)
