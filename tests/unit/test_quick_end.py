"""The command ends without Python taking itself apart, and leaves nothing undone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_the_quick_end_says_that_nobody_could_read_the_answer() -> None:
    command = [sys.executable, "-m", "console.command", "--version"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr


def test_threads_end_handlers_are_called_and_output_is_written() -> None:
    command = [sys.executable, "-c", MUCH_TO_END]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 3
    assert done.stdout.splitlines() == ["a thread ended", "a handler was called"]
