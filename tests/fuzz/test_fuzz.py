"""Bounded runs of the fuzzers; ``make fuzz`` goes on for longer."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipeline_core.framing.kernel import IS_BUILT
from pipeline_core.transform.sums import IS_COMPILED
from tests.support import PROJECT


def _fuzz(module: str, *arguments: str) -> str:
    command = [sys.executable, "-m", module, *arguments]
    env = os.environ | {"PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_mutated_archives_break_no_promise() -> None:
    # A number, not a time: the same archives on a slow machine and on a quick one.
    said = _fuzz("tests.fuzz.run", "--cases", "200", "--seconds", "190", "--seed", "20240301")
    assert "200 archives" in said
    assert "archive: unreadable" in said


@pytest.mark.skipif(not (IS_BUILT and IS_COMPILED), reason="there is one tier only")
def test_both_tiers_of_decoding_say_the_same() -> None:
    _fuzz("tests.fuzz.tiers", "--cases", "5000", "--seed", "20240301")


def test_what_verify_takes_for_certain_is_what_its_definition_says() -> None:
    _fuzz("tests.fuzz.recount", "--cases", "10000", "--seed", "20240301")


@pytest.mark.skipif(not (IS_BUILT and IS_COMPILED), reason="nothing is compiled")
def test_no_argument_of_what_is_compiled_does_harm() -> None:
    _fuzz("tests.fuzz.arguments", "--cases", "25000", "--seed", "20240301")


@pytest.mark.skipif(not (IS_BUILT and IS_COMPILED), reason="nothing is compiled")
def test_what_is_compiled_reads_no_byte_behind_the_last_one() -> None:
    _fuzz("tests.fuzz.edges", "--cases", "10000", "--seed", "20240301")


def test_days_gone_wrong_are_read_straight_as_they_are_carefully() -> None:
    _fuzz("tests.fuzz.days", "--cases", "400", "--seed", "20240301")
