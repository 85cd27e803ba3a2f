"""Being asked to stop: Ctrl-C, SIGTERM from a supervisor, or SIGHUP when the terminal is gone."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

from console.display.standard_files import leave_terminal

_AGAIN_SECONDS = 0.01


class Terminated(KeyboardInterrupt):
    """SIGTERM; stops this command just as Ctrl-C does."""

    signum = signal.SIGTERM


class HungUp(Terminated):
    """SIGHUP: nobody is there any more to read what is said."""

    signum = signal.SIGHUP


_STOPS: tuple[type[Terminated], ...] = (Terminated, HungUp)


def exit_code(stop: BaseException | None) -> int:
    """What a shell expects: 128 and the signal's number."""
    return 128 + (stop.signum if isinstance(stop, Terminated) else signal.SIGINT)


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM raise Terminated while the body runs, and SIGHUP raise HungUp, unless it is
    ignored, as nohup has it."""
    with ExitStack() as handlers:
        for stop in _STOPS:
            before = signal.getsignal(stop.signum)
            if before != signal.SIG_IGN:
                signal.signal(stop.signum, _raising(stop))
                handlers.callback(signal.signal, stop.signum, before)
        yield


def _raising(stop: type[Terminated]) -> Callable[..., NoReturn]:
    def end(*_: object) -> NoReturn:
        if stop is HungUp:
            leave_terminal()
        raise stop

    return end


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
