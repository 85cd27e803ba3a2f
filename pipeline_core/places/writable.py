"""Whether a place can be written, told before the work: what is made of it would be lost."""

from __future__ import annotations

import errno
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_core.configuration.places import is_local, local_path
from pipeline_core.errors import ConfigError
from pipeline_core.storage import Storage, open_storage

# What room and time mend. All else is a wrong name, or a right that is missing.
_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EAGAIN, errno.ESTALE, errno.ETIMEDOUT}


@contextmanager
def tried(storage: Storage) -> Iterator[str]:
    """The name of a file that is written to see whether it can be, and removed again.

    Raises:
        PipelineError: it cannot be.
    """
    name = f".tried-{secrets.token_hex(8)}"
    storage.write(name, b"This file was written to see whether one can be.\n")
    try:
        yield name
    finally:
        storage.remove(name)


def check_reports_writable(uri: str) -> None:
    """As ``check_writable``, of the reports; of an object store, too, to which a file is written
    that is removed again. Raises RetryableError if it does not answer."""
    check_writable(uri, "Reports", "SALES_REPORTS")
    if not is_local(uri):
        with tried(open_storage(uri)):
            pass


def check_writable(uri: str, what: str, setting: str) -> None:
    """Raises ConfigError if a local folder cannot be written, or made where it is not there yet:
    ``what`` would be in it, ``setting`` names it. Leaves nothing behind. An object store is not
    asked; what passes by itself is for whoever writes to say."""
    if not is_local(uri):
        return
    folder = local_path(uri).absolute()
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not nearest.is_dir():
        raise _refused(what, folder, setting, f"{nearest} is a file, not a folder")
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        if error.errno not in _PASSING:
            cause = f"this user may not write to {nearest}: {error.strerror}"
            raise _refused(what, folder, setting, cause) from error


def _refused(what: str, folder: Path, setting: str, cause: str) -> ConfigError:
    option = f"--{setting.removeprefix('SALES_').lower()}"
    return ConfigError(
        f"{what} cannot be written to {folder}: {cause}.",
        f"Set {setting} ({option}) to a folder that this user may write, or give it the right.",
    )
