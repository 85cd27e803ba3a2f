"""The folder of the archives: others write into it, so where its links lead is looked at."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from pipeline_core.errors import UnreadableArchive
from pipeline_core.storage.base import Contents, StoredObject
from pipeline_core.storage.listing import link_text, misled, stored
from pipeline_core.storage.local import LocalStorage, translated

# What others put there between a look and the opening must not be waited for.
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
# On Linux a folder that one may pass through, and not list, can be passed through.
_FOLDER: int = getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", os.O_RDONLY)
_IS_STEPWISE = bool(_NO_LINK) and os.open in os.supports_dir_fd


class ArchiveFolder(LocalStorage):
    """Reads as ``LocalStorage``. Without ``follow_links`` only what has its place inside the folder
    is read; the folder itself may be a link. ``stat``, ``open`` and ``fetched`` raise
    UnreadableArchive for a link that leads out or cannot be followed, and so do ``contents`` of a
    folder that is such a link; otherwise ``contents`` has it among ``others``.

    A hard link cannot be told from a file.
    """

    def __init__(self, root: Path, *, follow_links: bool) -> None:
        super().__init__(root)
        self._follow_links = follow_links

    def contents(self, folder: str = "") -> Contents:
        if folder:
            self._place(folder)
        return super().contents(folder)

    def stat(self, key: str) -> StoredObject:
        with self._read(key) as file:
            return stored(key, os.fstat(file.fileno()))

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        with self._read(key) as file:
            yield file

    @contextmanager
    def fetched(self, key: str) -> Iterator[BufferedReader]:
        with self._read(key) as file:
            yield file

    def _refusal(self, link: Path) -> str | None:
        is_read = self._follow_links or self._inside(link) is not None
        return None if is_read else _leads_out(link)

    def _inside(self, path: Path) -> Path | None:
        """Where a file is, from the root, all links followed; None if that is elsewhere."""
        root, real = (Path(os.path.realpath(each)) for each in (self.root, path))
        return real.relative_to(root) if real.is_relative_to(root) else None

    def _place(self, key: str) -> Path:
        """From the root. Raises UnreadableArchive if a link leads out."""
        path = self._path(key)
        place = path.relative_to(self.root) if self._follow_links else self._inside(path)
        if place is None:
            raise UnreadableArchive(_leads_out(path))
        return place

    def _read(self, key: str) -> BufferedReader:
        path = self._path(key)
        try:
            with translated("read", path):
                return self._opened(self._place(key))
        except FileNotFoundError:
            if path.is_symlink():
                raise UnreadableArchive(misled(path)) from None
            raise

    def _opened(self, place: Path) -> BufferedReader:
        """What is open is what was looked at: a link that came in between is not followed."""
        path = self.root / place
        if self._follow_links or not _IS_STEPWISE:
            descriptor = os.open(path, _READ)
        else:
            descriptor = _open_stepwise(self.root, place)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise IsADirectoryError(errno.EISDIR, "not a file")
            return open(path, "rb", opener=lambda *_: descriptor)  # has the path for its name
        except BaseException:
            os.close(descriptor)
            raise


def _leads_out(link: Path) -> str:
    target = ""
    with suppress(OSError):  # a folder on the way is the link, or it is one no more
        target = f" to {link_text(link)}"
    return (
        f"it is a symbolic link{target}, which leads out of the folder of the archives: put the "
        "file there, or set SALES_FOLLOW_LINKS=true if whoever writes there may show any file of "
        "this machine"
    )


def _open_stepwise(root: Path, place: Path) -> int:
    """A descriptor of a file below the root, reached through no link."""
    folder = os.open(root, _FOLDER)
    try:
        for name in place.parts[:-1]:
            inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(place.name or ".", _READ | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)
