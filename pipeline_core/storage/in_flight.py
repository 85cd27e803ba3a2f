"""Requests to an object store, some at once: many take as long as one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

from pipeline_core.storage.base import Storage

_T = TypeVar("_T")
_R = TypeVar("_R")


def at_once(
    storage: Storage, function: Callable[[_T], _R], items: Iterable[_T], most: int
) -> Iterator[_R]:
    """What ``function`` makes of each item, in their order: up to ``most`` ahead of whoever asks,
    where the storage is far, and one by one where it is not. Raises what the function raises."""
    if not storage.is_far:
        yield from map(function, items)
        return
    waiting: deque[Future[_R]] = deque()
    pool = ThreadPoolExecutor(most, "request")
    try:
        for item in items:
            waiting.append(pool.submit(copy_context().run, function, item))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def begun(storage: Storage, most: int) -> Iterator[Callable[[Callable[[], object]], object]]:
    """Begins what it is given: where the storage is far, up to ``most`` at once, and all is done
    when the context ends; else it is done at once. Raises what that raises."""
    if not storage.is_far:
        yield lambda function: function()
        return
    under_way: list[Future[object]] = []
    pool = ThreadPoolExecutor(most, "request")
    try:
        yield lambda function: under_way.append(pool.submit(copy_context().run, function))
        for each in under_way:
            each.result()
    finally:
        pool.shutdown(cancel_futures=True)
