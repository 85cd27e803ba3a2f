"""A function called in a child that is forked for it: its caller must not wait, and what the client
of an object store starts does not survive a fork."""

from __future__ import annotations

import json
import multiprocessing
import os
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any


class ForkedCall:
    """A call under way; ``ended`` is what is given if its child was ended before it could say."""

    def __init__(self, function: Callable[[], Any], ended: Any) -> None:
        fork = multiprocessing.get_context("fork")
        self._answer, told = fork.Pipe(duplex=False)
        self._ended = ended
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
            self._child = fork.Process(target=_call, args=(function, told), daemon=True)
            self._child.start()
        told.close()

    def is_done(self) -> bool:
        """Whether ``result`` need not wait."""
        return self._answer.poll()

    def result(self) -> Any:
        """What the function returned, of JSON's kinds; to be asked once."""
        try:
            return json.loads(self._answer.recv_bytes())
        except EOFError:
            return self._ended
        finally:
            self._answer.close()
            self._child.join()


def _call(function: Callable[[], Any], told: Connection) -> None:
    """In a child, which leaves without the clean-up that is its parent's."""
    try:
        told.send_bytes(json.dumps(function()).encode())
    finally:
        os._exit(0)
