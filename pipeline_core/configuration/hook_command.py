"""The command that is told of trouble: how it is written, what it gets, and what is said of it.

It is somebody's program, and its arguments and variables may hold a token. It gets no secret of
ours; its name is told, and what it writes to standard error without what may be one.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pipeline_core.configuration.hook_secrets import of_arguments, of_environment, without

_SECONDS = 60
_ASSIGNMENT = re.compile(r"\w+=")
# What shlex takes out of the words: what is quoted, or behind a backslash.
_QUOTED = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)
_EXPANDED = re.compile(r"`|\$[\w{(]")
# In a word of its own, or beside others; a & inside of a word may be one of a URL or a form.
_OPERATOR = re.compile(r"[;|<>]|&&|^&|&$")
_OPERATOR_AFTER_URL = re.compile(r"[;|&<>]+$")
# Everything else stays here: whatever a shop has in its environment may be a password.
_PASSED = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME", "TERM", "LANG", "LANGUAGE", "TZ"),
    *("TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SYSTEMROOT", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
}
_PASSED_FAMILIES = ("LC_", "HOOK_")
_MOST_SAID = 1000


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


def environment_of_hook(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of the variables that any program needs, and those that begin with HOOK_."""
    return {
        name: value
        for name, value in variables.items()
        if name.upper() in _PASSED or name.startswith(_PASSED_FAMILIES)
    }


def run_command(command: str, told: bytes) -> str | None:
    """Runs it with ``told`` on its standard input, and waits for its end, at most a minute. What
    went wrong, if anything did: without its arguments and what may be a secret of its environment,
    also where it repeats them itself."""
    words = shlex.split(command)
    # A child's variables, no settings of ours.
    variables = environment_of_hook(os.environ)
    try:
        code, said = _ended(words, told, variables)
    except OSError as error:
        return error.strerror or type(error).__name__
    if code == 0:
        return None
    ended = f"it takes over {_SECONDS} s" if code is None else f"exit code {code}"
    secrets = of_arguments(words[1:]) | of_environment(variables)
    masked = without(secrets, said.decode(errors="replace").strip())
    return f"{ended}. {masked[:_MOST_SAID]}".strip()


def _ended(words: list[str], told: bytes, variables: Mapping[str, str]) -> tuple[int | None, bytes]:
    """The exit code, None if it took too long, and what was written to standard error."""
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=variables,
        start_new_session=True,  # so that all that it starts can be ended with it
    ) as started:
        try:
            _, said = started.communicate(told, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            _end(started)
            return None, error.stderr or b""
        except BaseException:
            _end(started)
            raise
    return started.returncode, said


def _end(started: subprocess.Popen[bytes]) -> None:
    """Ends it, and what it started: a shell's death is not that of its programs."""
    if sys.platform == "win32":
        started.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
