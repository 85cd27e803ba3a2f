"""Where processes come from once a command has threads: a server that has imported what they need;
and how those of a pool end.

Not plain fork: Arrow and the progress display have threads, and a forked lock stays locked.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker, util
from multiprocessing.context import BaseContext
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_STOP_SECONDS = 5.0
# Of a socket's path the kernel takes 107 bytes; of these the server's own names take 32.
_LONGEST_TEMPORARY_FOLDER = 75
_SHORT_TEMPORARY_FOLDER = "/tmp"  # noqa: S108  (a folder of a name nobody knows is made in it)
_PRELOADED = "pipeline_core.processing.process"


def process_context(preloaded: str = _PRELOADED) -> BaseContext:
    """A multiprocessing context with a server that has imported the module ``preloaded``; ``spawn``
    where there are no fork servers."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preloaded])
    _choose_folder_of_socket()
    with _born_deaf():
        forkserver.ensure_running()
    return context


def _choose_folder_of_socket() -> None:
    """Python makes a folder for the server's socket, once a process, and removes it at the end. In
    a temporary folder of a long name the socket's path would be refused."""
    folder = tempfile.gettempdir()
    if len(os.fsencode(folder)) > _LONGEST_TEMPORARY_FOLDER:
        tempfile.tempdir = _SHORT_TEMPORARY_FOLDER
        try:
            util.get_temp_dir()
        finally:
            tempfile.tempdir = folder


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


def end_pool(pool: ProcessPoolExecutor) -> None:
    """Ends a pool's processes, whatever they are at, and no others: whoever imported us may have
    some."""
    ours = list((pool._processes or {}).values())  # noqa: SLF001
    pool.shutdown(wait=False, cancel_futures=True)
    for child in ours:
        child.terminate()
    for child in ours:
        child.join(_STOP_SECONDS)


def obey_parent() -> None:
    """For a process of a pool, at its start: its parent alone ends it, by SIGTERM or by its own
    end."""
    # Ctrl-C, and a terminal that is gone, reach the whole group; the parent answers.
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its processes, and they would wait for it for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


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
