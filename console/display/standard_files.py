"""stdin, stdout and stderr that are closed, full, or read by nobody any more."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from console.display.terminal import complain
from pipeline_core.machine.standard_streams import NotPrinted

_MODES = {"stdin": "r", "stdout": "w", "stderr": "w"}


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


def say_not_printed(error: NotPrinted, remedy: str, *, begin: str = "") -> None:
    """On stderr, why stdout takes nothing. From now on it leads nowhere: Python would try again at
    its end, and end with a code of its own."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    complain(f"{begin}stdout could not be written: {error.strerror}.", remedy)


@contextmanager
def printed_if_possible(remedy: str) -> Iterator[None]:
    """For what is told of work that is done, printed or not: where stdout takes nothing, stderr
    says so, and what to do."""
    try:
        yield
        sys.stdout.flush()
    except NotPrinted as error:
        say_not_printed(error, remedy)
