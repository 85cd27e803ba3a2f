"""``make setup`` says what it does, and what pip says if that fails, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import PROJECT

# In place of Python: makes an environment whose Python is itself, and installs nothing.
_STUB = """#!/bin/sh
case "$*" in
    --version) echo "Python 3.11.7" ;;
    "-m venv .venv") mkdir -p .venv/bin; cp "$0" .venv/bin/python
        printf '#!/bin/sh\\necho "sales-pipeline, version 1"\\n' > .venv/bin/sales-pipeline
        chmod +x .venv/bin/sales-pipeline ;;
    *"pip install"*) echo "Collecting noise"; echo "a warning of pip" >&2
        case "$*" in *"$FAILING"*) exit 7 ;; esac ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copy(PROJECT / "Makefile", tmp_path)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("one==1\ntwo==2 \\\n    --hash=x\n")
    names = ["framing/_kernel.c", "transform/_ids.c", "transform/_ids.h", "transform/_sums.c"]
    for name in ["pyproject.toml", *(f"pipeline_core/{each}" for each in names)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "python").write_text(_STUB)
    (tmp_path / "python").chmod(0o755)
    return tmp_path


def setup(clone: Path, failing: str = "nothing") -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "FAILING": failing}
    command = ["make", "setup", f"PYTHON={clone / 'python'}"]
    return subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)


def test_it_says_a_line_a_step_and_is_done_once(clone: Path) -> None:
    done = setup(clone)
    assert done.returncode == 0
    assert done.stderr == ""
    first, *steps, last = done.stdout.splitlines()
    assert first == "Setting up .venv with Python 3.11.7:"
    assert [each.split(":")[0].strip() for each in steps] == ["1 of 3", "2 of 3", "3 of 3"]
    assert "2 packages" in steps[1]
    assert last == "Done: sales-pipeline, version 1"
    again = setup(clone)
    assert (again.returncode, "Setting up" in again.stdout) == (0, False)


@pytest.mark.parametrize(("failing", "step"), [("--require-hashes", "2"), ("--editable", "3")])
def test_what_pip_says_is_shown_if_it_fails(clone: Path, failing: str, step: str) -> None:
    done = setup(clone, failing)
    assert done.returncode != 0
    assert "a warning of pip" in done.stderr
    assert "Collecting noise" in done.stderr
    assert f"Setting up failed at step {step} of 3" in done.stderr
    assert "Done" not in done.stdout
    assert not (clone / ".venv" / ".installed").exists()
