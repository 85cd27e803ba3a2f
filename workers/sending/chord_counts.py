"""Celery's store of results, of which chords' counts are what is left."""

from __future__ import annotations

from typing import Any

from celery.backends.redis import RedisBackend


class Backend(RedisBackend):  # type: ignore[misc]
    """Celery's for Redis, which waits for a Redis that is away to store a result, but not to count
    a part of a chord: one that has no result of its own would be lost to its chord. Whoever counts
    a part twice counts it once."""

    def on_chord_part_return(self, request: Any, state: Any, result: Any, **options: Any) -> None:
        self._ensure_retryable(super().on_chord_part_return, request, state, result, **options)
