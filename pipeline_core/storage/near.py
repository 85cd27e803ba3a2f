"""Verbs that a folder has only because object stores have them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO

from pipeline_core.machine.disk_errors import translated
from pipeline_core.storage.base import OtherVersion, StoredObject, checked
from pipeline_core.storage.listing import is_visible, stored
from pipeline_core.storage.safe_paths import check_way, remove_below


class Near:
    """Of a storage to which a request takes no round trip."""

    is_far = False
    _base: str

    def fetched(self, key: str) -> AbstractContextManager[BufferedReader]:
        raise NotImplementedError

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        return self.fetched(key)

    def remove(self, key: str) -> None:
        folder, _, name = checked(key).rpartition("/")
        check_way(self._base, folder)
        with translated("remove", Path(self._base, key)), suppress(FileNotFoundError):
            remove_below(self._base, folder, (name,))

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        check_way(self._base, checked(folder))
        with translated("remove", Path(self._base, folder)), suppress(FileNotFoundError):
            remove_below(self._base, folder, map(checked, names))

    def stretch(self, key: str, begin: int, end: int) -> bytes:
        with self.open(key) as file:
            file.seek(begin)
            return file.read(end - begin)

    def names(self, folder: str, most: int) -> frozenset[str] | None:  # noqa: ARG002
        return frozenset(self._names(folder))

    def _names(self, folder: str) -> Iterator[str]:
        for entry in self._entries(folder):
            if entry.is_dir(follow_symlinks=False):
                inside = self._names(f"{folder}/{entry.name}")
                yield from (f"{entry.name}/{name}" for name in inside)
            elif is_visible(entry.name) and entry.is_file(follow_symlinks=False):
                yield entry.name

    def _entries(self, folder: str) -> Iterator[os.DirEntry[str]]:
        raise NotImplementedError

    @contextmanager
    def fetched_as(self, key: str, version: str) -> Iterator[BufferedReader]:
        with self.fetched(key) as file:
            if stored(key, os.fstat(file.fileno())).version != version:
                raise OtherVersion
            yield file

    def open_listed(self, file: StoredObject) -> AbstractContextManager[IO[bytes]]:
        return self.open(file.key)
