"""Files and folders are put in place as a whole: beside it first, then by one rename or link."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_core.errors import ConfigError
from pipeline_core.logs import get_logger
from pipeline_core.machine.disk import discard, sync_folder
from pipeline_core.storage.listing import why_no_file

log = get_logger()

_CREATE_TRIES = 3
# Linux makes files without a name. Where this is 0, or the file system has none of these, a file is
# made under another name.
_UNNAMED: int = getattr(os, "O_TMPFILE", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


def replace_whole(target: str, data: bytes) -> None:
    """Puts a file in the place of whatever file stands there. Raises OSError."""
    temporary = _written_beside(target, data)
    try:
        os.replace(temporary, target)
    except BaseException:
        discard(Path(temporary))
        raise


def create_whole(target: str, data: bytes) -> bool:
    """Makes a file unless one stands there; says whether it was this call. What is no file gives
    way. Raises ConfigError if that is a folder, and OSError."""
    if _UNNAMED and _is_named_last(target, data):
        return True
    temporary = _written_beside(target, data)
    try:
        for _ in range(_CREATE_TRIES):
            if _is_linked(temporary, target, data):
                return True
            if not _gave_way(Path(target)):
                return False
    finally:
        Path(temporary).unlink()
    return False


def _is_named_last(target: str, data: bytes) -> bool:
    """Makes a file without a name, which is then its place: one change of the folder in place of
    three, for which processes that write there wait for each other. False if it was not made, for
    whatever reason: who makes it the other way is told of it."""
    try:
        descriptor = os.open(target.rpartition("/")[0], os.O_WRONLY | _UNNAMED, 0o666)
        try:
            _write_all(descriptor, data)
            # With a descriptor it is linkat, which follows to what is open.
            os.link(f"/proc/self/fd/{descriptor}", target, src_dir_fd=descriptor)
        finally:
            os.close(descriptor)
    except OSError:
        return False
    return True


def _written_beside(target: str, data: bytes) -> str:
    """The path of a new file beside it, to be moved; none is left of an error."""
    folder, _, name = target.rpartition("/")
    temporary = f"{folder}/.{name}.{secrets.token_hex(4)}.tmp"
    try:
        try:
            descriptor = os.open(temporary, _NEW, 0o666)
        except FileNotFoundError:
            make_folder(Path(folder))
            descriptor = os.open(temporary, _NEW, 0o666)
        try:
            _write_all(descriptor, data)
        finally:
            os.close(descriptor)
    except BaseException:
        discard(Path(temporary))
        raise
    return temporary


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A new name beside ``target``, for a file that the body moves; none is left of an error."""
    if not target.parent.is_dir():
        make_folder(target.parent)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        yield temporary
    except BaseException:
        discard(temporary)
        raise


def make_folder(folder: Path) -> None:
    """Makes a folder and those it is in. Raises OSError, never that something is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # a mount or a drive that is away: no key that is missing
        raise OSError(errno.EIO, "its folder cannot be made") from error


def _gave_way(target: Path) -> bool:
    try:
        status = target.lstat()
    except FileNotFoundError:  # removed since
        return False
    if stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"Cannot write {target}: a folder stands there.", "Move it away.")
    why = why_no_file(target.name, status)
    if why is None:
        return False
    log.warning("not_a_file_of_ours", path=str(target), cause=why)
    target.unlink(missing_ok=True)
    return True


def _is_linked(temporary: str, target: str, data: bytes) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _create_exclusively(target, data)
    return True


def _create_exclusively(target: str, data: bytes) -> bool:
    """For file systems without hard links; a crash may leave a torn file, readers check."""
    try:
        with Path(target).open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def rename_unless_there(staging: Path, target: Path) -> None:
    """Puts a folder in place; one that stands there stays."""
    try:
        os.rename(staging, target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or not target.is_dir():
            raise
    sync_folder(target.parent)
