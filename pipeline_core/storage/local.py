"""A folder of this machine, or one that several machines mount."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from pipeline_core.errors import ConfigError, NotAllowed, RetryableError
from pipeline_core.logs import get_logger
from pipeline_core.storage.base import (
    Contents,
    StoredObject,
    checked,
    folder_stands,
    pointer_key,
    pointer_target,
    pointer_text,
)
from pipeline_core.storage.disk import (
    copy,
    discard,
    is_folder,
    link_or_refusal,
    link_target,
    put_in_place,
    sync_file,
    sync_folder,
    sync_tree,
)
from pipeline_core.storage.listing import put, stored

log = get_logger()

# A folder, or a link that leads nowhere.
_NO_FILE = {errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}


class LocalStorage:
    """Whole-file writes by rename. Only what is published is synced to the disk: state files
    carry digests, so one that a power cut tore is noticed and made again."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def uri(self) -> str:
        return str(self.root)

    def files(self, folder: str = "") -> list[StoredObject]:
        return self._look(folder).files

    def folders(self, folder: str = "") -> list[str]:
        return self._look(folder).folders

    def contents(self, folder: str = "") -> Contents:
        path = self._path(folder) if folder else self.root
        with translated("list", path):
            if path.is_file():
                raise ConfigError(f"{path} is a file, not a folder.", "Name the folder it is in.")
            if not folder and not path.exists():
                raise FileNotFoundError(errno.ENOENT, "no such folder", str(path))
        return self._look(folder)

    def stat(self, key: str) -> StoredObject:
        with translated("read", self._path(key)) as path:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, "not a file")
            return stored(key, status)

    def read(self, key: str) -> bytes:
        with translated("read", self._path(key)) as path:
            return path.read_bytes()

    def write(self, key: str, data: bytes) -> None:
        with translated("write", self._path(key)) as target, _temporary(target) as temporary:
            temporary.write_bytes(data)
            os.replace(temporary, target)

    def create(self, key: str, data: bytes) -> bool:
        with translated("write", self._path(key)) as target, _temporary(target) as temporary:
            temporary.write_bytes(data)
            return _link_unless_there(temporary, target, data)

    def vouches(self, key: str) -> bool:  # noqa: ARG002
        return True

    def remove(self, key: str) -> None:
        with translated("remove", self._path(key)) as path:
            path.unlink(missing_ok=True)

    def store_file(self, key: str, path: Path) -> None:
        with translated("write", self._path(key)) as target, _temporary(target) as temporary:
            shutil.copyfile(path, temporary)
            os.replace(temporary, target)

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        self.stat(key)
        with translated("read", self._path(key)) as path:
            if not os.access(path, os.R_OK):  # found out here: whoever opens it translates nothing
                raise PermissionError(errno.EACCES, "not allowed", str(path))
        yield path

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        self.stat(key)
        with translated("read", self._path(key)) as path:
            file = path.open("rb")
        with file:
            yield file

    @contextmanager
    def fetched(self, key: str) -> Iterator[BufferedReader]:
        with self.local_file(key) as path, path.open("rb") as file:
            yield file

    @contextmanager
    def publish_folder(self, key: str) -> Iterator[Path]:
        with translated("write", self._path(key)) as target:
            staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
            _make_folder(staging)
        try:
            with translated("write", target):  # the caller's writes may fill the disk too
                yield staging
                sync_tree(staging)
                _rename_unless_there(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def point(self, name: str, key: str) -> None:
        """As ``Storage.point``: by a symbolic link. Where those are refused, ``<name>.json`` is
        replaced at once, for readers that follow it, and then ``name`` by a whole copy; a folder
        is gone for a moment in between."""
        with translated("write", self._path(name)) as link:
            target = self._path(self._resolved(key))
            target.stat()  # rather no link than one to nothing
            pointer = self._pointer(name)
            if pointer is None and is_folder(link):
                raise folder_stands(str(link))
            if link.is_symlink() and self.pointed(name) == key == link_target(link):
                return
            with _temporary(link) as staged:
                refusal = link_or_refusal(key, staged)
                if refusal is not None:
                    copy(target, staged)
                    if pointer is None and is_folder(staged):
                        log.warning("links_refused", cause=refusal, readers_follow=f"{link}.json")
                if refusal is not None or pointer is not None:  # once there, it stays right
                    self._write_synced(pointer_key(name), pointer_text(key))
                put_in_place(staged, link)
            sync_folder(self.root)

    def pointed(self, name: str) -> str | None:
        with translated("read", self._path(name)) as link:
            # A pointer is replaced before the link is.
            return self._pointer(name) or (link_target(link) if link.is_symlink() else None)

    def followed(self, name: str) -> str:
        with translated("read", self._path(name)) as link:
            is_copy = not link.is_symlink() and self._pointer(name) is not None
            return pointer_key(name) if is_copy else name

    def _pointer(self, name: str) -> str | None:
        try:
            return pointer_target(self.read(pointer_key(name)))
        except FileNotFoundError:
            return None

    def _resolved(self, key: str) -> str:
        """The key without a name in it that is pointed: its copy may be about to be replaced."""
        name, _, rest = key.partition("/")
        pointer = self._pointer(name) if rest else None
        return key if pointer is None else f"{pointer}/{rest}"

    def _write_synced(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with _temporary(target) as temporary:
            temporary.write_bytes(data)
            sync_file(temporary)
            os.replace(temporary, target)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _look(self, folder: str) -> Contents:
        found = Contents(files=[], folders=[], others={}, hidden=[])
        prefix = f"{folder}/" if folder else ""
        for entry in self._entries(folder):
            # A name that was removed since it was listed is not there.
            with suppress(FileNotFoundError), translated("list", Path(entry.path)):
                put(found, entry, prefix + entry.name, self._refusal)
        found.files.sort(key=lambda stored: stored.key)
        found.folders.sort()
        found.hidden.sort()
        return found

    def _refusal(self, link: Path) -> str | None:  # noqa: ARG002
        """Why what a link leads to is not to be read; None if it may be."""
        return None

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        with suppress(FileNotFoundError):
            path = self._path(folder) if folder else self.root
            with translated("list", path), os.scandir(path) as entries:
                return list(entries)
        return []


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """A new name beside ``target``, for a file that the body moves; none is left of an error."""
    if not target.parent.is_dir():
        _make_folder(target.parent)
    temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
    try:
        yield temporary
    except BaseException:
        discard(temporary)
        raise


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:  # a mount or a drive that is away: no key that is missing
        raise OSError(errno.EIO, "its folder cannot be made") from error


def _link_unless_there(temporary: Path, target: Path, data: bytes) -> bool:
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        return _create_exclusively(target, data)
    finally:
        temporary.unlink()
    return True


def _create_exclusively(target: Path, data: bytes) -> bool:
    """For file systems without hard links; a crash may leave a torn file, readers check."""
    try:
        with target.open("xb") as file:
            file.write(data)
    except FileExistsError:
        return False
    return True


def _rename_unless_there(staging: Path, target: Path) -> None:
    try:
        os.rename(staging, target)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) or not target.is_dir():
            raise
    sync_folder(target.parent)


@contextmanager
def translated(verb: str, path: Path) -> Iterator[Path]:
    """Raises ours for errors of a disk that come while ``path`` is used."""
    try:
        yield path
    except FileNotFoundError:
        raise
    except OSError as error:
        if verb == "read" and error.errno in _NO_FILE:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path)) from None
        if isinstance(error, PermissionError) and verb in {"read", "list"}:
            remedy = "Give the right to whoever runs this."
            raise NotAllowed(f"This user may not {verb} {path}.", remedy) from error
        raise RetryableError(
            f"Cannot {verb} {path}: {error.strerror or error}.",
            "Check that the folder exists, that this user may use it, and that it has room.",
        ) from error
