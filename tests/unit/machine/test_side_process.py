"""A process beside a command: what it answers, and that it never stays."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="made on Linux only")

BEGINNING = """
import os, signal, sys, threading, time
from pipeline_core.errors import TooCostly
from pipeline_core.machine.side_process import SideProcess, SideProcessDied, end_with_parent

class Odd(Exception):
    def __init__(self, one, two):
        super().__init__(one)

prepared = []

def prepare():
    prepared.append(os.getpid())

def asked(number):
    return number + 1, prepared[0] == os.getpid()

def nothing():
    pass

def costly():
    raise TooCostly("What was said.", "The remedy.")

def odd():
    raise Odd(1, 2)

def killed():
    os.kill(os.getpid(), signal.SIGKILL)

def begin():
    end_with_parent()
    return os.getpid()

def stopped():
    try:
        print("at it", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("put away", flush=True)
        raise
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGINNING + code], capture_output=True, text=True, check=False
    )


def test_it_is_prepared_once_and_answers_one_call_after_the_other() -> None:
    done = run("side = SideProcess(prepare); side.send(nothing); print(side.call(asked, 1))")
    assert (done.stdout, done.stderr) == ("(2, True)\n", "")


def test_an_error_is_as_it_was_raised_and_says_where() -> None:
    done = run("""
side = SideProcess(prepare)
try:
    side.call(costly)
except TooCostly as error:
    print(error.message, error.remedy, "in costly" in str(error.__cause__))
try:
    side.call(odd)
except RuntimeError as error:
    print(error)
print(side.call(asked, 1))
""")
    assert done.stdout == "What was said. The remedy. True\nOdd: 1\n(2, True)\n"


def test_what_goes_wrong_before_is_told_by_the_next_call() -> None:
    done = run("""
side = SideProcess(costly)
try:
    side.call(asked, 1)
except TooCostly as error:
    print(error.message)
""")
    assert done.stdout == "What was said.\n"


def test_one_that_is_killed_is_noticed() -> None:
    done = run("""
side = SideProcess(prepare)
try:
    side.call(killed)
except SideProcessDied:
    print("died")
""")
    assert (done.stdout, done.returncode) == ("died\n", 0)


def test_who_is_stopped_has_it_put_away_what_it_is_at_first() -> None:
    done = run("""
side = SideProcess(prepare)
side.call(nothing)
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    side.call(stopped)
except KeyboardInterrupt:
    print("stopped")
""")
    assert done.stdout == "at it\nput away\nstopped\n"


def test_the_end_of_a_command_that_asked_for_nothing_does_not_wait_for_it() -> None:
    done = run("side = SideProcess(lambda: time.sleep(600)); side.send(nothing)")
    assert done.returncode == 0


def test_one_whose_parent_is_killed_ends(tmp_path: Path) -> None:
    done = run(f"""
side = SideProcess(prepare)
open({str(tmp_path / "pid")!r}, "w").write(str(side.call(begin)))
side.send(time.sleep, 600)
os.kill(os.getpid(), signal.SIGKILL)
""")
    assert done.returncode == -9
    pid = int((tmp_path / "pid").read_text())
    until = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie":
        assert time.monotonic() < until
        time.sleep(0.01)
