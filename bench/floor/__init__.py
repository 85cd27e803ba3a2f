"""What cannot be beaten: inflating alone, and a C++ program that does nothing but the sums."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("floor.cpp")
_FLAGS = ("-O3", "-march=native", "-std=c++17")
_LIBRARIES = ("-lsimdjson", "-ldeflate")


def build(folder: Path) -> tuple[Path | None, str]:
    """Compiles the C++ floor; None, and why not, where something is missing."""
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        return None, "no C++ compiler; on Debian: apt-get install g++"
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "floor"
    command = [compiler, *_FLAGS, str(_SOURCE), *_LIBRARIES, "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return program, ""
    if "simdjson" in done.stderr or "deflate" in done.stderr:
        needed = "apt-get install libsimdjson-dev libdeflate-dev"
        return None, f"no headers of simdjson or libdeflate; on Debian: {needed}"
    return None, f"it does not compile: {done.stderr.splitlines()[0]}"
