"""A bounded run of the fuzzer; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import PROJECT


def test_mutated_archives_break_no_promise() -> None:
    command = [sys.executable, "-m", "tests.fuzz.run", "--seconds", "20", "--seed", "20240301"]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "archive: unreadable" in done.stdout
