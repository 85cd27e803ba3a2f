"""The command ends without Python taking itself apart, and leaves nothing undone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from tests.support import PROJECT

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

STARVED = """
import threading, time
from console import command

def run(**_):
    threading.Thread(target=time.sleep, args=[60]).start()
    raise {error}

command.cli = run
command.main()
"""


def end(
    code: str, stdout: int | IO[bytes] = subprocess.PIPE, seconds: int = 60
) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    env["PYTHONPATH"] = str(PROJECT)
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        timeout=seconds,
        check=False,
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


SETTING = """
from pipeline_core.errors import ConfigError
from console import command

def run(**_):
    raise ConfigError("There is no archive.", "Set SALES_DATA.")

command.cli = run
command.main()
"""


def test_credentials_that_are_missing_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    assert end(SETTING.replace("ConfigError", "NoCredentials")).returncode == 2
    assert end(SETTING.replace("ConfigError", "RetryableError")).returncode == 1


def test_an_error_about_a_setting_says_which_env_file_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    done = end(SETTING)
    assert done.returncode == 2
    assert f"Set SALES_DATA. (There is no .env in {tmp_path}.)" in " ".join(done.stderr.split())
    (tmp_path / ".env").write_text("SALES_JOBS=2\n")
    assert f"(.env is {tmp_path / '.env'}.)" in " ".join(end(SETTING).stderr.split())


@pytest.mark.parametrize(
    "error",
    [
        'RuntimeError("can\'t start new thread")',
        'OSError(12, "Cannot allocate memory")',
        'ImportError("libarrow.so: failed to map segment from shared object")',
        'MemoryError("Unable to allocate 3 GiB")',
    ],
)
def test_want_of_memory_is_no_bug_of_ours_and_is_not_waited_for(error: str) -> None:
    done = end(STARVED.format(error=error), seconds=30)
    assert done.returncode == 1
    assert "no more memory, or no more threads" in done.stderr
    assert "ulimit -a" in done.stderr
    assert "bug of ours" not in done.stderr


@pytest.mark.parametrize(
    ("file", "said"), [("", "a temporary file could not"), (', "/x/y"', "/x/y could not")]
)
def test_a_full_disk_is_not_taken_for_stdout_nor_for_a_bug(file: str, said: str) -> None:
    code = f'raise OSError(28, "No space left on device"{file})'
    starved = STARVED.replace("raise {error}", code).replace("[60]", "[0]")
    done = end(starved)
    assert done.returncode == 1
    assert f"Error: {said} be written: No space left on device." in done.stderr
