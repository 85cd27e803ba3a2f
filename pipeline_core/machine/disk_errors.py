"""What a disk answers, as errors of ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_core.errors import NotAllowed, RetryableError

# A folder, or a link that leads nowhere.
_NO_FILE = {errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}


@contextmanager
def translated(verb: str, path: Path) -> Iterator[Path]:
    """Raises ours for errors of a disk that come while ``path`` is used."""
    try:
        yield path
    except OSError as error:
        raise translation(verb, str(path), error) from error


def translation(verb: str, path: str, error: OSError) -> Exception:
    """Ours for an error that came while a path was used; FileNotFoundError stays as it is."""
    if isinstance(error, FileNotFoundError):
        return error
    if verb == "read" and error.errno in _NO_FILE:
        return FileNotFoundError(errno.ENOENT, "no such file", path)
    if verb in {"write", "remove"} and error.errno == errno.EISDIR:
        return RetryableError(f"Cannot {verb} {path}: a folder stands there.", "Move it away.")
    if isinstance(error, PermissionError) and verb in {"read", "list"}:
        remedy = "Give the right to whoever runs this."
        return NotAllowed(f"This user may not {verb} {path}.", remedy)
    return RetryableError(
        f"Cannot {verb} {path}: {error.strerror or error}.",
        "Check that the folder exists, that this user may use it, and that it has room.",
    )
