"""Calls in a child of their own."""

from __future__ import annotations

import os
import signal
import time

from pipeline_core.machine.forked_call import ForkedCall


def _done(call: ForkedCall) -> object:
    deadline = time.monotonic() + 30
    while not call.is_done():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return call.result()


def test_a_call_is_made_elsewhere() -> None:
    told = _done(ForkedCall(lambda: {"pid": os.getpid()}, None))
    assert isinstance(told, dict)
    assert told["pid"] != os.getpid()


def test_a_child_that_was_killed_has_an_answer() -> None:
    assert _done(ForkedCall(lambda: os.kill(os.getpid(), signal.SIGKILL), "ended")) == "ended"


def test_a_call_that_takes_long_is_not_done() -> None:
    call = ForkedCall(lambda: time.sleep(0.5), "ended")
    assert not call.is_done()
    assert call.result() is None
