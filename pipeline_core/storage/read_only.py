"""A storage for whoever only watches: it reads, and writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path
from typing import IO

from pipeline_core.errors import ContractError
from pipeline_core.storage.base import Contents, Storage, StoredObject


class ReadOnlyStorage:
    """The same files as ``inner``. What would change one raises ContractError, unless it ``may
    add`` what is made again; removals do nothing, by which readers clear up after a power cut:
    those who work may do that. ``left`` has keys of what they would remove, as found, once."""

    def __init__(self, inner: Storage, *, may_add: bool = False) -> None:
        self._inner, self._may_add = inner, may_add
        self.left: dict[str, None] = {}

    @property
    def uri(self) -> str:
        return self._inner.uri

    @property
    def is_far(self) -> bool:
        return self._inner.is_far

    def files(self, folder: str = "") -> list[StoredObject]:
        return self._inner.files(folder)

    def folders(self, folder: str = "") -> list[str]:
        return self._inner.folders(folder)

    def contents(self, folder: str = "") -> Contents:
        return self._inner.contents(folder)

    def names(self, folder: str, most: int) -> frozenset[str] | None:
        return self._inner.names(folder, most)

    def stat(self, key: str) -> StoredObject:
        return self._inner.stat(key)

    def read(self, key: str) -> bytes:
        return self._inner.read(key)

    def write(self, key: str, data: bytes) -> None:
        self._adding(key).write(key, data)

    def create(self, key: str, data: bytes) -> bool:
        return self._adding(key).create(key, data)

    def vouches(self, key: str) -> bool:
        return self._inner.vouches(key)

    def remove(self, key: str) -> None:
        """Leaves the file."""
        self.left[key] = None

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        """Leaves the files."""

    def store_file(self, key: str, path: Path) -> None:
        self._adding(key).store_file(key, path)

    def stretch(self, key: str, begin: int, end: int) -> bytes:
        return self._inner.stretch(key, begin, end)

    def local_file(self, key: str) -> AbstractContextManager[Path]:
        return self._inner.local_file(key)

    def fetched(self, key: str) -> AbstractContextManager[BufferedReader]:
        return self._inner.fetched(key)

    def fetched_as(self, key: str, version: str) -> AbstractContextManager[BufferedReader]:
        return self._inner.fetched_as(key, version)

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        return self._inner.open(key)

    def open_listed(self, file: StoredObject) -> AbstractContextManager[IO[bytes]]:
        return self._inner.open_listed(file)

    def publish_folder(self, key: str, **_: object) -> AbstractContextManager[Path]:
        raise self._refusal(key)

    def point(self, name: str, key: str, *_: object, **__: object) -> None:
        raise self._refusal(f"{name} at {key}")

    def pointed(self, name: str) -> str | None:
        return self._inner.pointed(name)

    def followed(self, name: str) -> str:
        return self._inner.followed(name)

    def _adding(self, key: str) -> Storage:
        if not self._may_add:
            raise self._refusal(key)
        return self._inner

    def _refusal(self, what: str) -> ContractError:
        return ContractError(f"{what} of {self.uri} would be written by one who only watches")
