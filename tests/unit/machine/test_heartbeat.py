"""The file that tells that a worker lives, where several workers share it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline_core.machine.heartbeat import Heartbeats, age_seconds
from tests.support import PROJECT


def test_the_last_worker_that_ends_removes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    one, other = Heartbeats(path), Heartbeats(path)
    one.touch()
    other.touch()
    one.end()
    assert path.exists()
    other.end()
    assert not path.exists()


def test_a_touch_makes_the_file_young_and_makes_one_that_was_removed(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    one = Heartbeats(path)
    one.touch()
    os.utime(path, (0, 0))
    one.touch()
    assert age_seconds(path, time.time()) == pytest.approx(0, abs=60)
    path.unlink()
    one.touch()
    assert path.exists()
    one.end()
    assert not path.exists()


def test_who_was_killed_keeps_nobody_from_removing_it(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    script = (
        "import os, signal, sys; from pathlib import Path;"
        "from pipeline_core.machine.heartbeat import Heartbeats;"
        "one = Heartbeats(Path(sys.argv[1])); one.touch(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run([sys.executable, "-c", script, str(path)], env=env, check=False)
    assert path.exists()
    mine = Heartbeats(path)
    mine.touch()
    mine.end()
    assert not path.exists()


def test_who_never_touched_it_removes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    path.touch()
    Heartbeats(path).end()
    assert path.exists()
