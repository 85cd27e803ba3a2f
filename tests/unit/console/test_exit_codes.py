"""The command ends without Python taking itself apart, and leaves nothing undone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

MUCH_TO_END = """
import atexit, sys, threading, time
from console import command

def work():
    time.sleep(0.3)
    print("a thread ended")

def run(**_):
    atexit.register(print, "a handler was called")
    threading.Thread(target=work).start()
    sys.exit(3)

command.cli = run
command.main()
"""


ANSWER = """
from console import command

command.cli = lambda **_: print("an answer")
command.main()
"""


def end(code: str, stdout: int | IO[bytes] = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, check=False
    )


def test_threads_end_handlers_are_called_and_output_is_written() -> None:
    done = end(MUCH_TO_END)
    assert done.returncode == 3
    assert done.stdout.splitlines() == ["a thread ended", "a handler was called"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_answer_that_cannot_be_written_is_no_success() -> None:
    with Path("/dev/full").open("wb") as full:
        done = end(ANSWER, full)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
