"""A clock of a host's own. All hosts are on one machine, and its kernel has one time of day: what a
program asks for it is put in between, for all that it starts."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("clock_ahead.c")


def clock_ahead(folder: Path, seconds: int) -> dict[str, str]:
    """Variables of programs whose time of day is so far ahead; clocks that only go on are as they
    are, and so are the times of files. Skips where there is no C compiler, or no Linux."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler here, and so no clock of a host's own")
    library = folder / "clock_ahead.so"
    made = (compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl")
    subprocess.run(made, check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_AHEAD": str(seconds)}
