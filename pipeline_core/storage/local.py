"""A folder of this machine, or one that several machines mount."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from pipeline_core.errors import ConfigError
from pipeline_core.logs import get_logger
from pipeline_core.machine.disk import (
    copy,
    is_folder,
    link_or_refusal,
    link_target,
    put_in_place,
    sync_file,
    sync_folder,
    sync_tree,
)
from pipeline_core.machine.disk_errors import translated, translation
from pipeline_core.storage.atomic import (
    beside,
    create_whole,
    make_folder,
    rename_unless_there,
    replace_whole,
)
from pipeline_core.storage.base import Contents, StoredObject, checked
from pipeline_core.storage.listing import kind_text, link_text, put, stored, why_no_file
from pipeline_core.storage.near import Near
from pipeline_core.storage.pointers import folder_stands, pointed_target, pointer_key, pointer_text
from pipeline_core.storage.safe_paths import check_way, folder_of, inside, open_below

log = get_logger()

# A name in the root may be pointed at a file in a folder whose name is pointed as well.
_MOST_POINTERS = 3
_BLOCK = 1 << 20


class LocalStorage(Near):
    """Whole-file writes by rename. Only what is published is synced to the disk: state files
    carry digests, so one that a power cut tore is noticed and made again."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._base = str(self.root)

    @property
    def uri(self) -> str:
        return self._base

    def files(self, folder: str = "") -> list[StoredObject]:
        return self._look(folder).files

    def folders(self, folder: str = "") -> list[str]:
        return self._look(folder).folders

    def contents(self, folder: str = "") -> Contents:
        path = self._listed(folder) if folder else self.root
        with translated("list", path):
            if path.is_file():
                raise ConfigError(f"{path} is a file, not a folder.", "Name the folder it is in.")
            if not folder and not path.exists():
                raise FileNotFoundError(errno.ENOENT, "no such folder", str(path))
        return self._look(folder)

    def stat(self, key: str) -> StoredObject:
        with translated("read", self._path(key)):
            place = self._place(key)
            status = os.lstat(f"{self._base}/{place}")
            self._check_file(place, status)
            return stored(key, status)

    def read(self, key: str) -> bytes:
        """As ``Storage.read``. A record that is larger than any of ours is taken for not there."""
        descriptor = self._open(key)
        try:
            status = os.fstat(descriptor)
            if (why := why_no_file(key, status)) is not None:
                raise self._no_file(self._path(key), why)
            found = os.read(descriptor, status.st_size + 1)
            while len(found) != status.st_size and (block := os.read(descriptor, _BLOCK)):
                found += block
            return found
        except OSError as error:
            raise translation("read", f"{self._base}/{key}", error) from error
        finally:
            os.close(descriptor)

    def write(self, key: str, data: bytes) -> None:
        target = self._target_path(key)
        try:
            replace_whole(target, data)
        except OSError as error:
            raise translation("write", target, error) from error

    def create(self, key: str, data: bytes) -> bool:
        target = self._target_path(key)
        try:
            return create_whole(target, data)
        except OSError as error:
            raise translation("write", target, error) from error

    def vouches(self, key: str) -> bool:  # noqa: ARG002
        return True

    def store_file(self, key: str, path: Path) -> None:
        with translated("write", self._target(key)) as target, beside(target) as temporary:
            shutil.copyfile(path, temporary)
            os.replace(temporary, target)

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        self.stat(key)
        with translated("read", self._path(key)):
            path = self.root / self._place(key)
            if not os.access(path, os.R_OK):  # found out here: whoever opens it translates nothing
                raise PermissionError(errno.EACCES, "not allowed", str(path))
        yield path

    @contextmanager
    def fetched(self, key: str) -> Iterator[BufferedReader]:
        with self._read(key) as file:
            yield file

    @contextmanager
    def publish_folder(self, key: str, *, is_new: bool = False) -> Iterator[Path]:  # noqa: ARG002
        with translated("write", self._target(key)) as target:
            staging = target.parent / f".{target.name}.{secrets.token_hex(4)}.tmp"
            make_folder(staging)
        try:
            with translated("write", target):  # the caller's writes may fill the disk too
                yield staging
                sync_tree(staging)
                rename_unless_there(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def point(
        self, name: str, key: str, beside: Sequence[str] = (), *_: object, **__: object
    ) -> None:
        """As ``Storage.point``: by a symbolic link. Where those are refused, ``<name>.json``, which
        readers follow, is replaced at once, then ``name`` by a copy; a folder is gone meanwhile."""
        self._point(name, key)
        for each in beside:
            self._point(each, f"{name}/{each}")

    def _point(self, name: str, key: str) -> None:
        with translated("write", self._path(name)) as link:
            target = self._path(self._resolved(key))
            target.stat()  # rather no link than one to nothing
            pointer = pointed_target(self, name)
            if pointer is None and is_folder(link):
                raise folder_stands(str(link))
            if link.is_symlink() and self.pointed(name) == key == link_target(link):
                return
            with beside(link) as staged:
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
            return pointed_target(self, name) or (link_target(link) if link.is_symlink() else None)

    def followed(self, name: str) -> str:
        with translated("read", self._path(name)) as link:
            is_copy = not link.is_symlink() and pointed_target(self, name) is not None
            return pointer_key(name) if is_copy else name

    def _resolved(self, key: str) -> str:
        """The key without a name in it that is pointed: its copy may be about to be replaced."""
        name, _, rest = key.partition("/")
        pointer = pointed_target(self, name) if rest else None
        return key if pointer is None else f"{pointer}/{rest}"

    def _write_synced(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with beside(target) as temporary:
            temporary.write_bytes(data)
            sync_file(temporary)
            os.replace(temporary, target)

    def _path(self, key: str) -> Path:
        return self.root / checked(key)

    def _target(self, key: str) -> Path:
        return Path(self._target_path(key))

    def _target_path(self, key: str) -> str:
        """Where to write, or to remove. Raises ConfigError if a folder on the way is a link."""
        check_way(self._base, folder_of(checked(key)))
        return f"{self._base}/{key}"

    def _place(self, key: str) -> str:
        """From the root, where what a key names is: a name in the root may be pointed at another.
        Raises ConfigError if a folder on the way is any other link."""
        place = checked(key)
        for _ in range(_MOST_POINTERS):
            name, slash, rest = place.partition("/")
            pointed = inside(self.root, name)
            if pointed is None:
                break
            place = f"{pointed}{slash}{rest}"
        check_way(self._base, folder_of(place))
        return place

    def _listed(self, folder: str) -> Path:
        """The path of a folder to list. Raises ConfigError if it, or one on the way, is a link."""
        place = self._place(folder)
        check_way(self._base, place)
        return self.root / place

    def _read(self, key: str) -> BufferedReader:
        return open(f"{self._base}/{key}", "rb", opener=lambda *_: self._open(key))

    def _open(self, key: str) -> int:
        """A descriptor to read by, of a file. Most keys lead through no link: what would is looked
        at only then."""
        try:
            descriptor = open_below(self._base, checked(key))
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "no such file", f"{self._base}/{key}") from None
        except OSError:
            with translated("read", self._path(key)):
                return self._opened(self._place(key))
        try:
            return self._file(descriptor, key)
        except OSError as error:
            raise translation("read", f"{self._base}/{key}", error) from error

    def _opened(self, place: str) -> int:
        try:
            descriptor = self._descriptor(place)
        except OSError:
            with suppress(FileNotFoundError):
                self._check_file(place, os.lstat(f"{self._base}/{place}"))
            raise
        return self._file(descriptor, place)

    def _file(self, descriptor: int, place: str) -> int:
        try:
            self._check_file(place, os.fstat(descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _descriptor(self, place: str) -> int:
        return open_below(self._base, place)

    def _check_file(self, place: str, status: os.stat_result) -> None:
        """Raises FileNotFoundError if it is no file: a folder silently, for a key is never one."""
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "not a file")
        if not stat.S_ISREG(status.st_mode):
            raise self._no_file(self.root / place, kind_text(status.st_mode))

    def _no_file(self, path: Path, why: str) -> FileNotFoundError:
        log.warning("not_a_file_of_ours", path=str(path), cause=why)
        return FileNotFoundError(errno.ENOENT, "not a file", str(path))

    def _look(self, folder: str) -> Contents:
        found = Contents(files=[], folders=[], others={}, hidden=[])
        prefix = f"{folder}/" if folder else ""
        for entry in self._entries(folder):
            # A name that was removed since it was listed is not there.
            with suppress(FileNotFoundError), translated("list", Path(entry.path)):
                unlisted = self._unlisted(entry)
                if unlisted is None:
                    put(found, entry, prefix + entry.name, self._refusal)
                    continue
                found.others[prefix + entry.name] = unlisted
                if folder:  # names in the root may be pointed
                    log.warning("link_not_followed", path=entry.path)
        found.files.sort(key=lambda stored: stored.key)
        found.folders.sort()
        found.hidden.sort()
        return found

    def _unlisted(self, entry: os.DirEntry[str]) -> str | None:
        """Why a link is neither a file nor a folder; None of what is no link, or hidden."""
        if entry.name.startswith(".") or not entry.is_symlink():
            return None
        return f"it is a symbolic link to {link_text(Path(entry.path))}"

    def _refusal(self, link: Path) -> str | None:  # noqa: ARG002
        """Why what a link leads to is not to be read; None if it may be."""
        return None

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        with suppress(FileNotFoundError):
            path = self._listed(folder) if folder else self.root
            with translated("list", path), os.scandir(path) as entries:
                yield from entries
