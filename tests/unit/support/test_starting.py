"""A forked process is, for whoever started it, what an interpreter of its own would be."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import PROJECT
from tests.support.starting import Forked, started

_TOLD = """
import atexit, os, signal, sys
atexit.register(print, "at its end")
print(__name__, sys.argv[1:], os.getcwd(), os.environ.get("WORD"), os.environ.get("HOME"))
print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT) is signal.default_int_handler)
print("a fault", file=sys.stderr)
sys.exit(7)
"""
_ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(60)"


@pytest.fixture
def env() -> dict[str, str]:
    return {"PYTHONPATH": str(PROJECT), "WORD": "of mine"}


def _start(
    folder: Path, code: str, env: Mapping[str, str], *words: str, **options: Any
) -> subprocess.Popen[Any]:
    (folder / "told.py").write_text(code)
    return started(
        "told",
        *words,
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("own_interpreter", [False, True])
def test_it_sees_and_says_the_same(
    env: dict[str, str], tmp_path: Path, own_interpreter: bool
) -> None:
    process = _start(
        tmp_path,
        _TOLD,
        env,
        "a word",
        start_new_session=True,
        own_interpreter=own_interpreter,
    )
    said, errors = process.communicate(timeout=60)
    if not own_interpreter:
        assert process.communicate() == (said, errors), "also when it is asked again"
    assert isinstance(process, Forked) != own_interpreter
    assert said.splitlines() == [
        f"__main__ ['a word'] {tmp_path} of mine None",
        "True True",
        "at its end",
    ]
    assert (errors, process.returncode) == ("a fault\n", 7)


def test_it_is_waited_for_and_killed(env: dict[str, str], tmp_path: Path) -> None:
    with _start(tmp_path, _ENDLESS, env) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.1)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=0.1)
        process.kill()
        assert process.wait(60) == process.poll() == -signal.SIGKILL


def test_an_error_is_told_as_ever(env: dict[str, str], tmp_path: Path) -> None:
    process = _start(tmp_path, "raise ValueError('of a test')", env)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1] == "ValueError: of a test"


@pytest.mark.parametrize("own_interpreter", [False, True])
def test_it_finds_what_is_installed_for_it(
    env: dict[str, str], tmp_path: Path, own_interpreter: bool
) -> None:
    """In the order of PYTHONPATH; and its sitecustomize has run before it begins."""
    folders = [tmp_path / name for name in ("first", "last")]
    for folder in folders:
        (folder / "acme-1.dist-info").mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: acme\nVersion: {folder.name}"
        (folder / "acme-1.dist-info" / "METADATA").write_text(metadata)
        (folder / "acme.py").write_text(f"NAME = {folder.name!r}")
    (folders[1] / "sitecustomize.py").write_text("import builtins; builtins.customized = 'yes'")
    code = (
        "import acme, builtins, importlib.metadata as found\n"
        "print(acme.NAME, found.version('acme'), builtins.customized)"
    )
    paths = os.pathsep.join(map(str, (folders[0], PROJECT, folders[1])))
    changed = env | {"PYTHONPATH": paths}
    process = _start(tmp_path, code, changed, own_interpreter=own_interpreter)
    assert process.communicate(timeout=60) == ("first first yes\n", "")
    assert isinstance(process, Forked) != own_interpreter


@pytest.mark.parametrize(
    "given", [{"PYTHONPATH": "elsewhere"}, {"REMAP_SIGTERM": "SIGQUIT"}], ids=["path", "signal"]
)
def test_what_an_interpreter_reads_as_it_starts_gets_one(
    env: dict[str, str], tmp_path: Path, given: dict[str, str]
) -> None:
    process = _start(tmp_path, "", env | given)
    process.communicate(timeout=60)
    assert not isinstance(process, Forked)
    assert process.returncode == 0
