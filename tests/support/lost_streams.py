"""What a command may be given as stdout or stderr, and cannot write to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

How = Literal["full", "unread"]
LOST: tuple[How, ...] = ("full", "unread")


@contextmanager
def lost(how: How) -> Iterator[int]:
    """A descriptor: of a disk that is full, or of a pipe that nobody reads any more."""
    if how == "full":
        number = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, number = os.pipe()
        os.close(reader)
    try:
        yield number
    finally:
        os.close(number)
