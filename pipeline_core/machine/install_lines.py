"""Lines to type that bring what is missing, for the environment in which this Python runs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def made_by_uv() -> bool:
    """Whether uv made the environment; then it has no pip of its own."""
    configuration = Path(sys.prefix, "pyvenv.cfg")
    if not configuration.is_file():
        return False
    lines = configuration.read_text(encoding="utf-8").splitlines()
    return any(line.partition("=")[0].strip() == "uv" for line in lines)


def install_line(package: str) -> str:
    """What brings a package; in a clone `uv sync` brings every one, in the version tested."""
    if made_by_uv() and _is_clone():
        return "uv sync"
    return f"{_pip()} install {shlex.quote(package)}"


def rebuild_line() -> str:
    """What compiles the kernel once more, when nothing but the machine has changed."""
    if not _is_clone():
        return f"{_pip()} install --force-reinstall --no-deps ."
    return "uv sync --reinstall-package sales-pipeline" if made_by_uv() else "make -B setup"


def _is_clone() -> bool:
    return (PROJECT / "pyproject.toml").is_file()


def _pip() -> str:
    return "uv pip" if made_by_uv() else f"{shlex.quote(sys.executable)} -m pip"
