"""The folder of the archives: others write into it, so where its links lead is looked at."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pipeline_core.errors import UnreadableArchive
from pipeline_core.machine.disk_errors import translated
from pipeline_core.storage.base import Contents, StoredObject, checked
from pipeline_core.storage.listing import instead_of_file, link_text, stored
from pipeline_core.storage.local import LocalStorage
from pipeline_core.storage.safe_paths import READ, link_on_way, open_below


class ArchiveFolder(LocalStorage):
    """Reads as ``LocalStorage``. Without ``follow_links`` only what has its place inside the folder
    is read; the folder itself may be a link. ``stat``, ``open`` and ``fetched`` raise
    UnreadableArchive for a link that leads out or cannot be followed, and for what is no file; so
    do ``contents`` of a folder that is such a link; otherwise ``contents`` has it among ``others``.

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
        descriptor = self._open(key)
        try:
            return stored(key, os.fstat(descriptor))
        finally:
            os.close(descriptor)

    def _unlisted(self, entry: os.DirEntry[str]) -> str | None:  # noqa: ARG002
        return None  # those that lead out are refused, and the others are archives

    def _listed(self, folder: str) -> Path:
        return self._path(folder)

    def _refusal(self, link: Path) -> str | None:
        is_read = self._follow_links or self._real(link) is not None
        return None if is_read else _leads_out(link)

    def _real(self, path: Path) -> Path | None:
        """Where a file is, from the root, all links followed; None if that is elsewhere."""
        root, real = (Path(os.path.realpath(each)) for each in (self.root, path))
        return real.relative_to(root) if real.is_relative_to(root) else None

    def _place(self, key: str) -> str:
        """From the root. Raises UnreadableArchive if a link leads out."""
        if self._follow_links or link_on_way(self._base, checked(key)) is None:
            return checked(key)
        path = self._path(key)
        place = self._real(path)
        if place is None:
            raise UnreadableArchive(_leads_out(path))
        return place.as_posix()

    def _open(self, key: str) -> int:
        path = self._path(key)
        try:
            with translated("read", path):
                return self._opened(self._place(key))
        except FileNotFoundError:
            instead = instead_of_file(path)
            if instead is not None:
                raise UnreadableArchive(instead) from None
            raise

    def _descriptor(self, place: str) -> int:
        """What is open is what was looked at: a link that came in between is not followed."""
        if self._follow_links:
            return os.open(f"{self._base}/{place}", READ)
        return open_below(self._base, place)


def _leads_out(link: Path) -> str:
    target = ""
    with suppress(OSError):  # a folder on the way is the link, or it is one no more
        target = f" to {link_text(link)}"
    return (
        f"it is a symbolic link{target}, which leads out of the folder of the archives: put the "
        "file there, or set SALES_FOLLOW_LINKS=true if whoever writes there may show any file of "
        "this machine"
    )
