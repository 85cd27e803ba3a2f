"""What Ctrl-C, SIGTERM and SIGHUP must not cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def signals_held_back() -> Iterator[None]:
    """Lets Ctrl-C, SIGTERM and SIGHUP wait until the body, which is short, has ended. They come to
    the main thread only, so elsewhere there is nothing to hold back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {
        signum: signal.signal(signum, lambda number, _: held.append(number))
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        for number in held:
            signal.raise_signal(number)
