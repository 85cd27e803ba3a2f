"""What a storage can do. Keys are relative, with forward slashes, and never leave the root."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Protocol

from pipeline_core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One file: ``size`` in bytes; ``version`` changes whenever the bytes may have."""

    key: str
    size: int
    version: str


@dataclass(frozen=True)
class Contents:
    """Everything directly inside a folder, by key; the names of ``folders`` are as in
    ``Storage.folders``. ``others`` are neither files nor folders: a link that leads nowhere, a
    pipe, a socket; their values say what. ``hidden`` files are none of ``files``."""

    files: list[StoredObject]
    folders: list[str]
    others: dict[str, str]
    hidden: list[str]


class OtherVersion(Exception):
    """A file is another one than was asked for."""


class Storage(Protocol):
    """A folder or an object-store prefix.

    Every verb raises ``FileNotFoundError`` for a key that is not there or would leave the root,
    ``RetryableError`` when the storage does not answer or has no room left, as ``NotAllowed`` when
    a folder's rights forbid it, and ``ConfigError`` when it turns the credentials down. Pickles
    without credentials.
    """

    @property
    def uri(self) -> str:
        """The absolute place, without credentials."""
        ...

    @property
    def is_far(self) -> bool:
        """Whether each verb is a request that takes a round trip, and may be paid for."""
        ...

    def files(self, folder: str = "") -> list[StoredObject]:
        """Files directly inside ``folder``, by key; empty if there is no such folder.

        Hidden ones (``.name``) are left out, here and in ``folders``: unfinished writes are.
        """
        ...

    def folders(self, folder: str = "") -> list[str]:
        """Names of the folders directly inside ``folder``, sorted."""
        ...

    def contents(self, folder: str = "") -> Contents:
        """All that there is directly inside ``folder``. Nothing is opened.

        Raises ConfigError if ``folder`` is a file, and FileNotFoundError if the root does not
        exist, which object stores cannot tell from one that is empty.
        """
        ...

    def names(self, folder: str, most: int) -> frozenset[str] | None:
        """Names of the files inside ``folder`` and its folders, from there (``a/b.json``), hidden
        ones left out; None where that takes requests, and there are more than ``most``."""
        ...

    def stat(self, key: str) -> StoredObject:
        """Size and version of one file."""
        ...

    def read(self, key: str) -> bytes:
        """All bytes of one file."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Creates or replaces a file as a whole; nobody sees half of it."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Writes a file as a whole unless it is there; says whether it was this call.

        ``check_creates`` finds out whether the place keeps that promise.
        """
        ...

    def vouches(self, key: str) -> bool:
        """Whether a file that was listed counts: one that was not written under the key of a state
        does not. Where there is no key every file does, and nothing is asked."""
        ...

    def remove(self, key: str) -> None:
        """Removes a file; one that is not there is fine."""
        ...

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        """Removes files of one folder, very many by few requests; as ``remove`` otherwise."""
        ...

    def store_file(self, key: str, path: Path) -> None:
        """Like ``write``, from a local file of any size."""
        ...

    def local_file(self, key: str) -> AbstractContextManager[Path]:
        """A local path to read the file from while the context is open."""
        ...

    def fetched(self, key: str) -> AbstractContextManager[BufferedReader]:
        """A file to read from the beginning to the end: a whole local copy of one that is far."""
        ...

    def fetched_as(self, key: str, version: str) -> AbstractContextManager[BufferedReader]:
        """The same. Raises OtherVersion if the file is not of this one."""
        ...

    def stretch(self, key: str, begin: int, end: int) -> bytes:
        """The bytes from ``begin`` up to ``end``, or to where the file ends before; one request.
        Whoever reads several knows by their contents that they are of one version."""
        ...

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """A file to read here and there: only what is read is fetched."""
        ...

    def open_listed(self, file: StoredObject) -> AbstractContextManager[IO[bytes]]:
        """The same of a file that was listed; a far one is not asked again for what that said.
        RetryableError if it is another one since."""
        ...

    def publish_folder(self, key: str, *, is_new: bool = False) -> AbstractContextManager[Path]:
        """An empty local folder whose files become ``key`` as a whole on a clean exit.

        A folder that already stands at ``key`` was published whole before; it stays. That nobody
        began to publish it is not looked for where it ``is_new``.
        """
        ...

    def point(
        self,
        name: str,
        key: str,
        beside: Sequence[str] = (),
        was: str = "",
        root: Iterable[StoredObject] | None = None,
    ) -> None:
        """Makes ``name``, in the root, read as the folder or file ``key`` and as nothing else; then
        files ``beside`` it as those in it that are called so. What it ``was`` pointed at, and which
        files are in the ``root``, is asked for unless the caller has just looked.

        A folder that stands there, and was not pointed before, is left alone: RetryableError.
        """
        ...

    def pointed(self, name: str) -> str | None:
        """The key that ``name`` was last pointed at, or None."""
        ...

    def followed(self, name: str) -> str:
        """The key of what is swapped as a whole when ``name`` is pointed: ``name`` itself where it
        is a link, ``<name>.json`` where it is a copy, made file by file or gone for a moment."""
        ...


def checked(key: str) -> str:
    """The key. Raises FileNotFoundError if it can be no file's: nothing outside the root is."""
    if "\0" in key or not {"", ".", ".."}.isdisjoint(key.split("/")):
        raise FileNotFoundError(errno.ENOENT, "no such key", key)
    return key


def no_conditional_writes(place: str, how: str) -> ConfigError:
    """That a place cannot keep two runs apart; ``how`` it showed."""
    return ConfigError(
        f"{place} has no conditional writes: {how}. Two runs at once would both go on.",
        "Use a store that has them, such as Amazon S3, Google Cloud Storage, Azure, Cloudflare R2 "
        "or MinIO, or a folder.",
    )
