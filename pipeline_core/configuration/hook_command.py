"""The command that is told of trouble: how it is written."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from pathlib import Path

_ASSIGNMENT = re.compile(r"\w+=")
# What shlex takes out of the words: what is quoted, or behind a backslash.
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)
_EXPANDED = re.compile(r"`|\$[\w{(]")
# In a word of its own, or beside others; a & inside of a word may be one of a URL or a form.
_OPERATOR = re.compile(r"[;|<>]|&&|^&|&$")
_OPERATOR_AFTER_URL = re.compile(r"[;|&<>]+$")


def check_command(command: str) -> None:
    """Raises ValueError, which shows nothing of it, if it starts no program as it stands."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise ValueError("a quote or a backslash at its end is open") from None
    if not words or not words[0].strip():
        raise ValueError("empty; leave the setting out")
    if _ASSIGNMENT.match(words[0]):
        raise ValueError(
            "no shell reads it; write the program first, and set a variable HOOK_... in the "
            "environment, which it gets"
        )
    _check_syntax(command)
    _check_program(words[0])


def _check_syntax(command: str) -> None:
    """Raises ValueError for what only a shell would understand."""
    bare = _QUOTED.sub("_", command).split()
    if bare[0].startswith("#"):
        raise ValueError("no shell reads it, nor comments; leave the setting out")
    if any(_EXPANDED.search(word) for word in bare):
        raise ValueError(
            "no shell reads it; write sh -c '...' for $ and `, or quote them where they are meant "
            "as they stand"
        )
    if any((_OPERATOR_AFTER_URL if "://" in word else _OPERATOR).search(word) for word in bare):
        raise ValueError(
            "no shell reads it; write sh -c '...' for | && ; < or >, or quote them where they are "
            "meant as they stand"
        )


def _check_program(named: str) -> None:
    """Raises ValueError for a program that cannot be started. One that is not there is nothing
    wrong: it may be on another machine."""
    if named.startswith("~"):
        raise ValueError("no shell reads it, and ~ is not expanded; write the whole path")
    if _EXPANDED.search(named):
        raise ValueError("no shell reads it, and $ is not expanded; write the whole path")
    if not {"/", os.sep} & set(named):  # looked for in PATH
        return
    try:
        mode = Path(named).stat().st_mode
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(mode):
        raise ValueError("its program is a folder")
    # Whoever reads the settings need not be who runs the hook: that it is nobody's is wrong.
    if not mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
        raise ValueError(
            "its program may not be executed; chmod +x it, or write what runs it first, as in "
            "python3 /path/hook.py"
        )


def program(command: str) -> str:
    """The first word of a command that is checked."""
    return shlex.split(command)[0]


def is_found(command: str) -> bool:
    """Whether its program is on this machine."""
    return shutil.which(program(command), path=os.environ.get("PATH")) is not None
