"""A folder of this machine, or one that several machines mount."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline_core.errors import RetryableError
from pipeline_core.storage.base import StoredObject

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
        prefix = f"{folder}/" if folder else ""
        with _translated("list", self.root / folder):
            try:
                entries = list(os.scandir(self.root / folder))
            except FileNotFoundError:
                return []
            found = [_stored(prefix + e.name, e.stat()) for e in entries if e.is_file()]
        return sorted(found, key=lambda stored: stored.key)

    def folders(self, folder: str = "") -> list[str]:
        with _translated("list", self.root / folder):
            try:
                return sorted(e.name for e in os.scandir(self.root / folder) if e.is_dir())
            except FileNotFoundError:
                return []

    def stat(self, key: str) -> StoredObject:
        with _translated("read", self.root / key):
            return _stored(key, os.stat(self.root / key))

    def read(self, key: str) -> bytes:
        with _translated("read", self.root / key):
            return (self.root / key).read_bytes()

    def write(self, key: str, data: bytes) -> None:
        with _translated("write", self.root / key), self._temporary(key) as temporary:
            temporary.write_bytes(data)
            os.replace(temporary, self.root / key)

    def create(self, key: str, data: bytes) -> bool:
        target = self.root / key
        with _translated("write", target), self._temporary(key) as temporary:
            temporary.write_bytes(data)
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                return _create_exclusively(target, data)
        return True

    def store_file(self, key: str, path: Path) -> None:
        with _translated("write", self.root / key), self._temporary(key) as temporary:
            shutil.copyfile(path, temporary)
            os.replace(temporary, self.root / key)

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        path = self.root / key
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        yield path

    @contextmanager
    def publish_folder(self, key: str) -> Iterator[Path]:
        target = self.root / key
        staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
        with _translated("write", target):
            staging.mkdir(parents=True)
        try:
            yield staging
            with _translated("write", target):
                _sync_tree(staging)
                _rename_unless_there(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def point(self, name: str, key: str) -> None:
        link = self.root / name
        with _translated("write", link):
            if self.pointed(name) == key:
                return
            temporary = self.root / f".{name}.{secrets.token_hex(4)}.tmp"
            os.symlink(key, temporary)
            try:
                os.replace(temporary, link)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(self.root)

    def pointed(self, name: str) -> str | None:
        try:
            return os.readlink(self.root / name)
        except OSError:  # not there, or a plain file that a person put there
            return None

    @contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        target = self.root / key
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _stored(key: str, status: os.stat_result) -> StoredObject:
    return StoredObject(key, status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


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
    _sync_folder(target.parent)


def _sync_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            _sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(verb: str, path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise RetryableError(
            f"Cannot {verb} {path}: {error.strerror or error}.",
            "Check that the folder exists, that this user may use it, and that it has room.",
        ) from error
