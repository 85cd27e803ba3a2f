"""The command that is told of trouble: how it is written, what it gets, and what is said of it.

It is somebody's program, and its arguments may hold a token. It gets no secret of ours, and of it
only the program's name is told.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping

_SECONDS = 60
_ASSIGNMENT = re.compile(r"\w+=")
_OPERATORS = {"|", "||", "&&", ";", "&", "<", ">", ">>"}
# Everything else stays here: whatever a shop has in its environment may be a password.
_PASSED = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME", "TERM", "LANG", "LANGUAGE", "TZ"),
    *("TMPDIR", "TMP", "TEMP", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("SYSTEMROOT", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
}
_PASSED_FAMILIES = ("LC_", "HOOK_")
_LEAST_PIECE = 4  # of an argument; less than that is no secret, but many a word's part
_MOST_SAID = 1000


def check_command(command: str) -> None:
    """Raises ValueError, which shows nothing of it, if it starts no program as it stands."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise ValueError("a quote or a backslash at its end is open") from None
    if not words or not words[0]:
        raise ValueError("empty; leave the setting out")
    if _ASSIGNMENT.match(words[0]):
        raise ValueError(
            "no shell reads it; write the program first, and set a variable HOOK_... in the "
            "environment, which it gets"
        )
    if _OPERATORS & set(words):
        raise ValueError("no shell reads it; write sh -c '...' for | && ; < or >")


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
    """Runs it with ``told`` on its standard input. What went wrong, if anything did: without its
    arguments, also where it repeats them itself."""
    words = shlex.split(command)
    try:
        subprocess.run(
            words,
            input=told,
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            # A child's variables, no settings of ours.
            env=environment_of_hook(os.environ),
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        code = getattr(error, "returncode", None)
        ended = f"it takes over {_SECONDS} s" if code is None else f"exit code {code}"
        return f"{ended}. {_without(words[1:], said)[:_MOST_SAID]}".strip()
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _without(arguments: list[str], said: str) -> str:
    """What a program said, without its arguments and what may be a token in them."""
    pieces = {*arguments, *(piece for each in arguments for piece in _tokens(each))}
    for piece in sorted(pieces, key=len, reverse=True):
        if len(piece) >= _LEAST_PIECE:
            said = said.replace(piece, "***")
    return said


def _tokens(argument: str) -> Iterator[str]:
    """Values behind =, pieces of URLs, and words of a script that are no plain words."""
    for word in argument.split():
        bare = word.strip("'\"")
        yield bare.partition("=")[2]
        if "://" in bare:
            yield from re.split(r"[/?&=@:#]", bare)
        if not bare.isalpha():
            yield bare
