"""stdin, stdout and stderr that are closed, full, or read by nobody any more."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from console.display.terminal import complain

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}
_NOT_WRITTEN = {errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def open_closed_ones() -> None:
    """Has what is closed (``>&-``) lead nowhere: the next file or pipe would get its number, and
    what is printed besides. To be called before anything is opened."""
    for number, (name, mode) in enumerate(_MODES.items()):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere == number:
                os.set_inheritable(number, True)  # as these are
            else:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def leave_terminal() -> None:
    """Has what is a terminal lead nowhere: it is gone, and to write to it is an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(len(_MODES)):
        if stat.S_ISCHR(os.fstat(number).st_mode):  # one that is gone says it is no terminal
            os.dup2(nowhere, number)
    os.close(nowhere)


def is_of_stdout(error: OSError) -> bool:
    """Whether it says that what was printed cannot be written. Of what is written elsewhere the
    storages make errors of ours. If so, stdout leads nowhere from now on: Python would try again at
    its end, and end with a code of its own."""
    if error.errno not in _NOT_WRITTEN or error.filename is not None:
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True


@contextmanager
def printed_if_possible(remedy: str) -> Iterator[None]:
    """For what is told of work that is done, printed or not: where stdout takes nothing, stderr
    says so, and what to do; a reader who went away, as ``head`` does, wants to hear nothing."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if not is_of_stdout(error):
            raise
        if not isinstance(error, BrokenPipeError):
            complain(f"stdout could not be written: {error.strerror}.", remedy)
