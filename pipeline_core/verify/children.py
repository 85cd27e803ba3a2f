"""Processes that count archives for verify, each one by itself."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from decimal import Context, DivisionByZero, Inexact, InvalidOperation, localcontext
from typing import IO, NamedTuple

from pipeline_core.errors import RetryableError, UnreadableArchive
from pipeline_core.logs import configure_logs, log_settings
from pipeline_core.machine.imports import lean_process
from pipeline_core.machine.memory import keep_freed_memory
from pipeline_core.machine.processes import (
    end_pool,
    obey_parent,
    process_context,
    without_main,
)
from pipeline_core.machine.signals import signals_held_back
from pipeline_core.machine.standard_streams import lose_what_cannot_be_written
from pipeline_core.messages import Options
from pipeline_core.storage import open_archives
from pipeline_core.store_environment import store_variables, use_store_variables
from pipeline_core.verify.archive import ArchiveReader, DayFound
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.recount import ArchiveFound

# More digits than any sum needs; one that is not exact raises.
EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero])
# Customers of cells, and rejects, of an archive's days that are handed over: some 100 bytes each.
MOST_HELD = 1_000_000


class Found(NamedTuple):
    """The SHA-256 (hex) of an archive, events and bytes of its parts, and what it comes to by
    itself: None, and for whoever adds up to say, if it cannot be read or ``is_large``."""

    digest: str
    events: int = 0
    size: int = 0
    archive: ArchiveFound | None = None
    is_large: bool = False


class Children:
    """Counts ahead, in the order of ``names``, as far as to keep ``jobs`` processes busy."""

    def __init__(self, pool: ProcessPoolExecutor, names: Iterable[str], jobs: int) -> None:
        self._pool, self._names, self._most = pool, deque(names), 2 * jobs
        self._ahead: dict[str, Future[Found]] = {}

    def found(self, name: str) -> Found | None:
        """What an archive comes to; None if nobody counts it ahead. Raises as reading does, or
        RetryableError if a process died."""
        try:
            # A process half started is nobody's child.
            with signals_held_back(), without_main():
                while self._names and len(self._ahead) < self._most:
                    ahead = self._names.popleft()
                    self._ahead[ahead] = self._pool.submit(_count, ahead)
            future = self._ahead.pop(name, None)
            found = None if future is None else future.result()
        except BrokenProcessPool as error:
            raise RetryableError(
                f"A process that counted {name}, or an archive behind it, was ended from outside.",
                "That is mostly for want of memory: try `--jobs 1`.",
            ) from error
        if found is not None and found.is_large:  # others will be, too
            self._names.clear()
        return found


@contextmanager
def children(
    rules: Rules,
    options: Options,
    data_uri: str,
    names: Iterable[str],
    jobs: int,
    most_held: int = MOST_HELD,
) -> Iterator[Children]:
    """Processes for the body, and none behind it, however it ends. An archive ``is_large`` that
    holds more than ``most_held`` customers of cells, and rejects."""
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=process_context("pipeline_core.verify.children"),
        initializer=_start,
        initargs=(*log_settings(), store_variables(), _Work(rules, options, data_uri, most_held)),
    )
    try:
        yield Children(pool, names, jobs)
        pool.shutdown()
    except BaseException:
        end_pool(pool)
        raise


class TooMuch(Exception):
    """More than can be handed over."""


class _Work(NamedTuple):
    """What is the same for every archive: see `children`."""

    rules: Rules
    options: Options
    data_uri: str
    most_held: int


_work: list[_Work] = []


def _start(level: str, log_format: str, variables: dict[str, str], work: _Work) -> None:
    obey_parent()
    lose_what_cannot_be_written("stdout", "stderr")
    lean_process()
    configure_logs(level, log_format)
    use_store_variables(variables)
    keep_freed_memory()
    _work[:] = [work]


def _count(name: str) -> Found:
    [work] = _work
    events = size = 0

    def told(more_events: int, more_bytes: int) -> None:
        nonlocal events, size
        events, size = events + more_events, size + more_bytes

    reader = ArchiveReader(work.rules, work.options, told)
    data = open_archives(work.data_uri, follow_links=work.options.follow_links)
    with data.fetched(name) as file, localcontext(EXACT):
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            found = by_itself(reader, name, file, work.most_held)
        except UnreadableArchive:
            return Found(digest)
        except TooMuch:
            return Found(digest, is_large=True)
    return Found(digest, events, size, found)


def by_itself(reader: ArchiveReader, name: str, file: IO[bytes], most_held: int) -> ArchiveFound:
    """What an archive comes to, whatever others hold. Raises UnreadableArchive, or TooMuch if it
    holds more than ``most_held`` customers of cells, and rejects."""
    known, ignored = set[str](), Counter[str]()
    found, held = list[DayFound](), 0
    for day in reader.days(name, file, known.__contains__, ignored):
        if day.is_opened:
            known.add(day.day.content)
        found.append(day)
        held += 0 if day.counted is None else day.counted.held
        if held > most_held:
            raise TooMuch
    return ArchiveFound(found, ignored)
