"""A process beside a command: forked while the command is small, it imports what is large while the
command does something else, and does what it is asked for, one call after the other.

multiprocessing, which takes longer to import than all of this, is left to the process itself.
"""

from __future__ import annotations

import atexit
import os
import pickle
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from pipeline_core.machine.signals import signals_held_back

_STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01


class SideProcessDied(Exception):
    """It was ended by others than us."""


class HappenedThere(Exception):
    """Where in the process an error was raised, as Python shows it."""


class Stopped(KeyboardInterrupt):
    """Raised in the process, in what it does, when it is told to stop."""


class SideProcess:
    """To be made where there are no threads yet. Ctrl-C is its parent's to answer."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        """``prepare`` is called in the process, at once."""
        asked, ask = os.pipe()
        told, tell = os.pipe()
        with signals_held_back():
            self._pid = os.fork()
            if not self._pid:
                os.close(ask)
                os.close(told)
                _be(prepare, asked, tell)  # never returns
        os.close(asked)
        os.close(tell)
        self._asks, self._answers = os.fdopen(ask, "wb"), os.fdopen(told, "rb")
        self._owed = 1  # how preparing went
        atexit.register(self.end)

    def send(self, function: Callable[..., object], *arguments: object) -> None:
        """Has the function called there, and does not wait: what it raises, the next ``call``
        raises. Raises SideProcessDied as ``call`` does."""
        try:
            pickle.dump((function, arguments), self._asks)
            self._asks.flush()
        except OSError as error:
            raise SideProcessDied from error
        self._owed += 1

    def call(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What the function returns there, or raises. Who is stopped while it waits has the process
        stopped first.

        Raises:
            SideProcessDied: it was ended by others than us.
        """
        try:
            self.send(function, *arguments)
            while self._owed:
                found, where = self._next_answer()
                if where:
                    raise found from HappenedThere(where)
        except KeyboardInterrupt:
            self._stop()
            raise
        return found

    def end(self) -> None:
        """Returns when it is gone. What it was asked for and nobody waited for is cut short."""
        with suppress(OSError):  # what was to be sent has nobody any more to read it
            self._asks.close()
        if self._pid and self._owed:
            os.kill(self._pid, signal.SIGKILL)
        self._wait()

    def _next_answer(self) -> tuple[Any, str]:
        try:
            answer = pickle.load(self._answers)  # noqa: S301  (of our own process)
        except (EOFError, pickle.UnpicklingError) as error:  # the second if it died while it wrote
            raise SideProcessDied from error
        self._owed -= 1
        return answer  # type: ignore[no-any-return]

    def _stop(self) -> None:
        """Returns when it has put away what it was at; ends it if that takes long."""
        if not self._pid:
            return
        os.kill(self._pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while self._pid and time.monotonic() < until:
            self._wait(os.WNOHANG)
            time.sleep(_LOOK_SECONDS if self._pid else 0)
        self.end()

    def _wait(self, options: int = 0) -> None:
        try:
            if self._pid and os.waitpid(self._pid, options)[0]:
                self._pid = 0
        except ChildProcessError:  # whoever started us ignores the ends of children
            self._pid = 0


def end_with_parent() -> None:
    """To be called in the process, when it has forked what it will: from now on it ends when its
    parent does, whatever it is at."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    line = select.poll()
    line.register(_line[0], 0)  # nothing but that its other end is closed
    line.poll()
    os._exit(1)


# In the process, where its parent asks.
_line: list[int] = []


def _be(prepare: Callable[[], None], asked: int, tell: int) -> NoReturn:
    """All that the process does."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _line.append(asked)
        function, arguments = prepare, ()
        with os.fdopen(asked, "rb") as asks, os.fdopen(tell, "wb") as answers:
            while True:
                answers.write(_answer(function, arguments))
                answers.flush()
                function, arguments = pickle.load(asks)  # noqa: S301  (of our own process)
    except (EOFError, Stopped):  # its parent needs it no more, or is gone
        _end_processes()
        os._exit(0)
    finally:
        os._exit(1)


def _end_processes() -> None:
    """Those that it started, which nobody needs either."""
    if "multiprocessing" not in sys.modules:
        return
    import multiprocessing

    for child in multiprocessing.active_children():
        child.terminate()
        child.join(_STOP_SECONDS)


def _answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """What is returned, or an error and where it was raised, pickled. Of an error that cannot be
    sent, its words."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        return pickle.dumps((function(*arguments), ""))
    except Exception as error:
        return _told(error, "".join(traceback.format_exception(error)))
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.stdout.flush()
        sys.stderr.flush()


def _told(error: Exception, where: str) -> bytes:
    try:
        told = pickle.dumps((error, where))
        pickle.loads(told)  # noqa: S301  (some can be written, and not read)
    except Exception:
        return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), where))
    return told


def _stop(*_: object) -> NoReturn:
    raise Stopped
