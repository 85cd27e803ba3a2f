"""Streams that cannot be written, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import PROJECT
from tests.support.lost_streams import LOST, How, lost

LOSING = """
import logging, sys
from pipeline_core.machine.standard_streams import lose_what_cannot_be_written
lose_what_cannot_be_written("stdout", "stderr")
logging.basicConfig()
for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
    stream.write("é" * 20_000)
    stream.buffer.write(b"bytes")
    print("a line", file=stream, flush=True)
logging.error("a line")
"""
PRINTING = """
import os, sys
from pipeline_core.machine.standard_streams import NotPrinted, print_while_somebody_reads
before = sys.stdout
print_while_somebody_reads()
kept = "encoding", "errors", "line_buffering", "write_through"
assert [getattr(before, name) for name in kept] == [getattr(sys.stdout, name) for name in kept]
assert (sys.stdout.fileno(), sys.stdout.isatty(), sys.stdout.name) == (1, False, "<stdout>")
try:
    print("a line", flush=True)
except NotPrinted as error:
    assert (error.strerror, error.filename) == ("No space left on device", None)
    os._exit(7)
"""


@pytest.fixture(autouse=True)
def _import_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def ended(code: str, how: How, *options: str) -> int:
    with lost(how) as number:
        command = [sys.executable, *options, "-c", code]
        return subprocess.run(
            command, stdout=number, stderr=number, timeout=60, check=False
        ).returncode


pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")


@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
@pytest.mark.parametrize("how", LOST)
def test_what_cannot_be_written_is_lost(how: How, options: tuple[str, ...]) -> None:
    assert ended(LOSING, how, *options) == 0


@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_stdout_without_room_is_told_from_one_without_a_reader(options: tuple[str, ...]) -> None:
    assert ended(PRINTING, "full", *options) == 7
    assert ended(PRINTING, "unread", *options) == 0


def test_what_can_be_written_is_written_in_its_order() -> None:
    code = 'print("before", file=__import__("sys").stderr)' + LOSING
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    lines = "é".encode() * 20_000 + b"bytesa line\n"
    assert done.stdout in (lines * 2, b"bytes" + lines), done.stdout[:20]
    assert done.stderr.startswith(b"before\n")
    assert done.stderr.endswith(b"ERROR:root:a line\n")


def test_a_pipe_that_is_full_for_now_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    code = (
        LOSING.replace("20_000", "200_000")
        .replace('"stdout", ', "")
        .replace("(sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)", "(sys.stderr,)")
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=writer, timeout=60, check=False)
    os.close(writer)
    os.close(reader)
    assert done.returncode == 0
