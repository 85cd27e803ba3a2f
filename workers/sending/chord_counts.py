"""Celery's store of results, of which chords' counts are what is left."""

from __future__ import annotations

from typing import Any

from celery.backends.redis import RedisBackend


class Backend(RedisBackend):  # type: ignore[misc]
    """Celery's for Redis, which waits for a Redis that is away to store a result, but not to count
    a part of a chord: one that has no result of its own would be lost to its chord. Whoever counts
    a part twice counts it once."""

    def add_pending_result(self, result: Any, *_: Any, **__: Any) -> Any:
        """Nobody waits for a result: how a run fares, the ledger says. Celery has Redis tell us of
        each task that is sent."""
        return result

    def on_chord_part_return(self, request: Any, state: Any, result: Any, **options: Any) -> None:
        self._ensure_retryable(super().on_chord_part_return, request, state, result, **options)
