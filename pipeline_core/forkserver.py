"""Where processes come from once a command has threads: a server that has imported what they need.

Not plain fork: Arrow and the progress display have threads, and a forked lock stays locked.
"""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.context import BaseContext

_PRELOADED = "pipeline_core.pipeline.process"


def process_context() -> BaseContext:
    """A multiprocessing context with a server; ``spawn`` where there are no fork servers."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    from multiprocessing import forkserver

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED])
    # Born with Ctrl-C ignored: it would die of it, with a traceback, while it imports.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return context
