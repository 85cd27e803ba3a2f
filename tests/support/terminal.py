"""The command at a real pseudo-terminal, whose screen an emulator keeps."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import pyte

from tests.support.starting import started

_SECONDS = 60.0
_SIZE = {"COLUMNS", "LINES"}  # the terminal itself says how large it is


class Terminal:
    """Runs the command; ``seen`` are the bytes it sent, ``lines`` what the screen shows now."""

    def __init__(
        self, *arguments: str, env: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self.seen = b""
        self._screen = pyte.HistoryScreen(columns, rows, history=10_000)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        self._set_size(theirs, columns, rows)
        self.process = started(
            "console.command",
            *arguments,
            env={"TERM": "xterm", **{n: v for n, v in env.items() if n not in _SIZE}},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)

    @property
    def screen(self) -> pyte.Screen:
        """What the emulator holds: characters with their colours."""
        return self._screen

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    @property
    def scrolled_off(self) -> int:
        """Lines that left the screen at its top."""
        return len(self._screen.history.top)

    @property
    def cursor_is_shown(self) -> bool:
        return not self._screen.cursor.hidden

    def until(self, look: Callable[[list[str]], bool], what: str) -> list[str]:
        """The screen as soon as ``look`` likes it."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            if look(self.lines):
                return self.lines
            if not self._read():
                break
        raise AssertionError(f"{what} was not seen:\n" + "\n".join(self.lines))

    def watch(self, look: Callable[[list[str]], None]) -> int:
        """Shows every state of the screen to ``look`` until the command ends; its exit code."""
        while self._read():
            look(self.lines)
        return self.process.wait(30)

    def wait(self) -> int:
        """The exit code."""
        return self.watch(lambda _: None)

    def resize(self, columns: int, rows: int) -> None:
        """As a person who drags the window's corner, while nothing that was drawn for the old size
        is still under way."""
        os.killpg(self.process.pid, signal.SIGSTOP)
        while select.select([self._ours], [], [], 0)[0] and self._read():
            pass
        self._screen.resize(rows, columns)
        self._set_size(self._ours, columns, rows)
        os.killpg(self.process.pid, signal.SIGCONT)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)

    def _read(self) -> bool:
        """Takes in what was sent, if anything soon is; False once the command has ended."""
        if not select.select([self._ours], [], [], 0.5)[0]:
            return True
        try:
            block = os.read(self._ours, 65_536)
        except OSError:  # the other side has closed
            return False
        self.seen += block
        self._stream.feed(block)
        return bool(block)

    @staticmethod
    def _set_size(descriptor: int, columns: int, rows: int) -> None:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def shows(*patterns: str) -> Callable[[list[str]], bool]:
    """Whether all of them are on the screen at once: a frame may have arrived in part."""
    return lambda lines: all(re.search(each, "\n".join(lines), re.MULTILINE) for each in patterns)
