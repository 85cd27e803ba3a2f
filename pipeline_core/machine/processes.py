"""Where processes come from once a command has threads: a server that has imported what they need.

Not plain fork: Arrow and the progress display have threads, and a forked lock stays locked.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.context import BaseContext
from types import ModuleType

_PRELOADED = "pipeline_core.processing.process"


def process_context(preloaded: str = _PRELOADED) -> BaseContext:
    """A multiprocessing context with a server that has imported the module ``preloaded``; ``spawn``
    where there are no fork servers."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preloaded])
    with _born_deaf():
        forkserver.ensure_running()
    return context


@contextmanager
def without_main() -> Iterator[None]:
    """While the body starts processes, they are told nothing of the program that we run in.

    multiprocessing has every new process run the main module again, for functions that are defined
    there. Ours need none: in a notebook's cell or a script on standard input there is no file to
    run, and a script that does not ask for its ``__name__`` would start its whole work again.
    """
    with _main_hidden:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


_main_hidden = threading.Lock()


@contextmanager
def _born_deaf() -> Iterator[None]:
    """What the body starts is born with Ctrl-C ignored, or blocked by another thread than the main
    one: it would die of it, with a traceback, while it imports."""
    if threading.current_thread() is threading.main_thread():
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
    else:
        resource_tracker.ensure_running()  # it unblocks what is blocked when it starts
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
