"""Being asked to stop: Ctrl-C, or SIGTERM from a supervisor."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_AGAIN_SECONDS = 0.01


class Terminated(KeyboardInterrupt):
    """SIGTERM; stops this command just as Ctrl-C does."""


def exit_code(stop: BaseException | None) -> int:
    """What a shell expects: 128 and the signal's number."""
    return 128 + (signal.SIGTERM if isinstance(stop, Terminated) else signal.SIGINT)


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM raise Terminated while the body runs."""

    def terminate(*_: object) -> NoReturn:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def hear_every_stop() -> None:
    """Raises a stop anew that was raised where Python prints what is raised and goes on: in a
    weakref's callback, of which every import runs some, or in a ``__del__``. For a whole process.
    """
    say = sys.unraisablehook

    def hear(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            say(dropped)
            return

        def stop(*_: object) -> NoReturn:
            raise dropped.exc_type

        # Not from here: what a hook raises is dropped too.
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)

    sys.unraisablehook = hear
