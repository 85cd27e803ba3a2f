"""stdout and stderr of a process of ours where their disk is full, or their reader has gone away:
what cannot be said must not decide how work ends. Importing this changes nothing."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class NotPrinted(OSError):
    """stdout takes nothing, and it is not that its reader went away."""


def lose_what_cannot_be_written(*names: str) -> None:
    """Has the streams of these names ("stdout", "stderr") take whatever they are given from now on,
    for a whole process. What cannot be written is lost: there is nowhere to say so."""
    for name in names:
        _replace(name, _lose)


def print_while_somebody_reads() -> None:
    """Has stdout take what nobody reads any more, as behind ``head``, for a whole process; where it
    cannot be written for another cause, NotPrinted is raised, of no other file."""
    _replace("stdout", _lose_unread)


def _lose(_: OSError) -> None:
    """Nothing is to be done."""


def _lose_unread(error: OSError) -> None:
    if not isinstance(error, BrokenPipeError):
        raise NotPrinted(error.errno, error.strerror) from error


def _replace(name: str, failed: Callable[[OSError], None]) -> None:
    stream: TextIO | None = getattr(sys, name)
    if not isinstance(stream, io.TextIOWrapper):  # closed, or somebody's own
        return
    file = _File(stream, failed)
    text = io.TextIOWrapper(
        _buffer(file, is_ready=stream.write_through or name == "stderr"),
        encoding=stream.encoding,
        errors=stream.errors,
        newline=None if os.name == "nt" else "\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
    setattr(sys, name, text)
    setattr(sys, f"__{name}__", text)  # which Celery writes to


def _buffer(file: io.RawIOBase, *, is_ready: bool) -> Any:
    """What is written at once has none, as Python has it for what is unbuffered."""
    return file if is_ready else io.BufferedWriter(file)


class _File(io.RawIOBase):
    """The file of a stream. It writes all that it is given; if it cannot, ``failed`` is called,
    which may raise. Else the rest is lost."""

    def __init__(self, stream: io.TextIOWrapper, failed: Callable[[OSError], None]) -> None:
        with suppress(OSError):  # of what was written before
            stream.flush()
        self._stream = stream  # whose end would close its file
        buffer: Any = stream.buffer
        self._raw: io.RawIOBase = getattr(buffer, "raw", buffer)
        self._failed = failed
        self.name = stream.name

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def write(self, data: ReadableBuffer) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                written = self._raw.write(left)
                if written is None:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                left = left[written:]
        except OSError as error:
            self._failed(error)
        return size
