"""What a file system does with whole files and folders: link, copy, put in place, sync."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline_core.errors import NoTemporaryRoom

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# What file systems, mounts and their servers answer who have no symbolic links.
_NO_LINKS = {
    *(errno.EPERM, errno.EACCES, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP),
    *(errno.EPROTO, errno.EROFS),
}
# Windows lets few people make links, and renames nothing over one to a folder.
_HAS_LINKS = os.name != "nt"
_SYNCED_AT_ONCE = 16
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
# Windows syncs nothing that is open for reading only.
_TO_SYNC = os.O_RDWR if os.name == "nt" else os.O_RDONLY
# Another publisher's folder stands where one is to be renamed to.
_STANDS = {errno.EEXIST, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR}


@contextmanager
def temporary_folder(uri: str) -> Iterator[Path]:
    """A folder for what is on its way to or from ``uri``, removed afterwards. Raises
    NoTemporaryRoom if there is no place for one."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="sales-")
    except OSError as error:
        raise _no_room(uri, error) from error
    with folder as name:
        yield Path(name)


@contextmanager
def temporary_file(uri: str) -> Iterator[tuple[Path, TemporaryWriter]]:
    """As ``temporary_folder``, a file: its path, and what writes it, to be closed before it is
    read."""
    try:
        descriptor, name = tempfile.mkstemp(prefix="sales-")
    except OSError as error:
        raise _no_room(uri, error) from error
    writer = TemporaryWriter(descriptor, uri)
    try:
        yield Path(name), writer
    finally:
        with suppress(NoTemporaryRoom):  # closed already, or what came before matters more
            writer.close()
        Path(name).unlink(missing_ok=True)


class TemporaryWriter:
    """Writes a file of what is on its way to or from a place. Both verbs raise NoTemporaryRoom:
    that the disk of this machine is full says nothing of the place."""

    def __init__(self, descriptor: int, uri: str) -> None:
        self._descriptor: int | None = descriptor
        self._uri = uri

    def write(self, data: ReadableBuffer) -> None:
        """All of it."""
        if self._descriptor is None:
            raise ValueError("it is closed")
        try:
            _write_all(self._descriptor, memoryview(data).cast("B"))
        except OSError as error:
            raise _no_room(self._uri, error) from error

    def close(self) -> None:
        """Once; a network's file system may tell only now that it is full."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.close(descriptor)
        except OSError as error:
            raise _no_room(self._uri, error) from error


def _no_room(uri: str, error: OSError) -> NoTemporaryRoom:
    return NoTemporaryRoom(
        f"Cannot write temporary files for {uri}: {error.strerror or error}.",
        "Set TMPDIR to a folder with room.",
    )


def _write_all(descriptor: int, left: memoryview) -> None:
    while left:
        left = left[os.write(descriptor, left) :]


def is_folder(path: Path) -> bool:
    """Whether it is a folder itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def discard(path: Path) -> None:
    """Removes a file, a link or a folder; one that is not there is fine."""
    if is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def link_target(link: Path) -> str:
    """What a symbolic link says, with forward slashes."""
    return Path(os.readlink(link)).as_posix()


def link_or_refusal(key: str, link: Path) -> str | None:
    """Makes a symbolic link to ``key``; where there are none, says why not."""
    if not _HAS_LINKS:
        return "Windows replaces no link to a folder"
    try:
        os.symlink(key, link)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return error.strerror or str(error)
    return None


def copy(source: Path, target: Path) -> None:
    """Copies a file, or a folder with all that is in it, on to the disk."""
    if not source.is_dir():
        shutil.copyfile(source, target)
        sync_file(target)
        return
    target.mkdir()
    for path in sorted(source.iterdir()):
        copy(path, target / path.name)
    sync_folder(target)


def put_in_place(staged: Path, place: Path) -> None:
    """Renames. No rename replaces a folder, or puts one over anything: what stands is put aside
    first, and for this moment nothing is there."""
    while True:
        aside = place.parent / f".{place.name}.{secrets.token_hex(4)}.tmp"
        if is_folder(staged) or is_folder(place):
            with suppress(FileNotFoundError):
                os.rename(place, aside)
        try:
            os.replace(staged, place)
        except OSError as error:
            if error.errno not in _STANDS:
                with suppress(FileNotFoundError):
                    os.rename(aside, place)
                raise
        else:
            return
        finally:
            discard(aside)


def sync_tree(folder: Path) -> None:
    """Syncs a folder and all that is in it to the disk. A disk that is asked for many files at once
    writes them at once: one by one, thousands would each wait for the journal."""
    from concurrent.futures import ThreadPoolExecutor  # for who publishes

    folders, files = list[Path](), list[str]()
    for place, _, names in os.walk(folder, onerror=_raised):
        folders.append(Path(place))
        files += [f"{place}{os.sep}{name}" for name in names]
    left = iter(files)

    def sync_all() -> None:
        for path in left:
            sync_file(path)

    with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
        for found in [pool.submit(sync_all) for _ in range(min(len(files), _SYNCED_AT_ONCE))]:
            found.result()
    for each in reversed(folders):
        sync_folder(each)


def _raised(error: OSError) -> None:
    raise error


def write_file(path: str, *pieces: bytes | memoryview) -> None:
    """Makes a file of these bytes, by no more calls than it takes: there may be very many."""
    descriptor = os.open(path, _ANEW, 0o666)
    try:
        _write_all(descriptor, memoryview(b"".join(pieces)))
    finally:
        os.close(descriptor)


def sync_file(path: str | Path) -> None:
    """Syncs a file to the disk."""
    descriptor = os.open(path, _TO_SYNC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Syncs the names in a folder to the disk."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
