"""Hands a notification to a command of the shop's: what it gets, and what is said of it.

It is somebody's program, and its arguments and variables may hold a token. It gets no secret of
ours; its name is told, and what it writes to standard error without what may be one.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from pipeline_core.notify.secrets import of_arguments, of_environment, without

MOST_SECONDS = 60
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
    ended = f"it takes over {MOST_SECONDS} s" if code is None else f"exit code {code}"
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
            _, said = started.communicate(told, timeout=MOST_SECONDS)
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
