"""Amazon S3 and what speaks its language, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from pipeline_core.errors import ConfigError, NoTemporaryRoom
from pipeline_core.machine.disk import temporary_folder
from pipeline_core.storage.base import Contents, StoredObject, checked
from pipeline_core.storage.object_client import open_client, refuse_after_fork
from pipeline_core.storage.object_errors import refused_condition, translation
from pipeline_core.storage.object_reading import BLOCK, Ranges, blocks, stored_object
from pipeline_core.storage.pointers import folder_stands, pointed_target, pointer_key, pointer_text
from pipeline_core.store_environment import VARIABLES

if TYPE_CHECKING:
    from obstore import ListResult, ObjectMeta

_CONCURRENT_BLOCKS = 4
# A zip's directory of a week fits in.
_RANGE = 64 << 10
_MARKER = ".complete"
_SUMMARY = "summary.json"

_URI = re.compile(r"(s3|gs|az)://([\w.-]+)(?:/([^?]*))?", re.IGNORECASE | re.ASCII)


class ObjectStorage:
    """A bucket (Azure: container) and a prefix: ``s3://``, ``gs://`` or ``az://bucket/prefix``.

    Credentials and endpoint are read from the environment by obstore, or from .env
    (``store_environment.py``), never from the URI:

    - S3: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN`` or the role of
      the machine, pod or container (not ``~/.aws``); ``AWS_REGION``. Other servers:
      ``AWS_ENDPOINT_URL``, requests in path style unless ``AWS_VIRTUAL_HOSTED_STYLE_REQUEST=true``,
      and ``AWS_ALLOW_HTTP=true`` if it begins with ``http://``.
    - Google: ``GOOGLE_APPLICATION_CREDENTIALS``, ``GOOGLE_SERVICE_ACCOUNT`` or the machine's.
    - Azure: ``AZURE_STORAGE_ACCOUNT_NAME`` with ``AZURE_STORAGE_ACCOUNT_KEY``,
      ``AZURE_STORAGE_SAS_TOKEN``, ``AZURE_CLIENT_ID``... or the machine's.

    Downloads and folders to publish pass through the temporary folder (``TMPDIR``).

    A store has neither renames of folders nor links, hence two differences from a folder. A
    published folder is complete once it holds the hidden ``.complete``; two publishers of one
    key at the same instant may mix their files, each whole. ``point(name, ...)`` replaces
    ``<name>.json`` (``{"target": key}``) at once, for readers that follow it; for others it then
    copies the target to ``<name>``, file by file, ``summary.json`` last.

    Not to be used in a process forked after its first use: obstore's threads are not copied.
    """

    def __init__(self, uri: str) -> None:
        match = _URI.fullmatch(uri)
        if match is None:
            # The text is not repeated: what does not fit may be a key or a token.
            raise ConfigError(
                "The URI of an object store is not of the form s3://bucket/prefix.",
                "Write s3://, gs:// or az://, a bucket and a prefix; credentials belong in the "
                "environment.",
            )
        scheme, bucket, prefix = match[1].lower(), match[2], (match[3] or "").strip("/")
        self._uri = f"{scheme}://{bucket}" + (f"/{prefix}" if prefix else "")
        self._variables = VARIABLES[scheme]
        try:
            self._store = open_client(scheme, bucket, checked(prefix) if prefix else None)
        except (BaseError, ValueError, FileNotFoundError):
            raise ConfigError(
                f"The settings of {self._uri} cannot be used.",
                f"Check the prefix, and {self._variables}* in the environment and .env.",
            ) from None

    def __reduce__(self) -> tuple[type[ObjectStorage], tuple[str]]:
        return ObjectStorage, (self._uri,)  # every process reads its own credentials

    @property
    def uri(self) -> str:
        """The place, without credentials."""
        return self._uri

    def files(self, folder: str = "") -> list[StoredObject]:
        """As ``Storage.files``."""
        return self.contents(folder).files

    def folders(self, folder: str = "") -> list[str]:
        """As ``Storage.folders``."""
        return self.contents(folder).folders

    def contents(self, folder: str = "") -> Contents:
        """As ``Storage.contents``: there are files and folders only."""
        prefix, listed = f"{folder}/" if folder else "", self._list(folder)
        # A key that ends in "/", with which consoles mark a folder, is listed as the folder.
        inside = {
            meta["path"].removeprefix(prefix): stored_object(meta)
            for meta in listed["objects"]
            if meta["path"].startswith(prefix)
        }
        names = (path.rsplit("/", 1)[-1] for path in listed["common_prefixes"])
        return Contents(
            files=sorted(
                (stored for name, stored in inside.items() if _is_visible(name)),
                key=lambda stored: stored.key,
            ),
            folders=sorted(filter(_is_visible, names)),
            others={},
            hidden=sorted(stored.key for name, stored in inside.items() if name.startswith(".")),
        )

    def stat(self, key: str) -> StoredObject:
        """As ``Storage.stat``; the version is the ETag."""
        with self._translated("read", key):
            return stored_object(obstore.head(self._store, checked(key)))

    def read(self, key: str) -> bytes:
        """As ``Storage.read``."""
        with self._translated("read", key):
            return b"".join(blocks(self._store, checked(key)))

    def write(self, key: str, data: bytes) -> None:
        """As ``Storage.write``."""
        with self._translated("write", key):
            self._put(key, data)

    def create(self, key: str, data: bytes) -> bool:
        """As ``Storage.create``, by ``If-None-Match: *``. ConfigError if the store has no such."""
        with self._translated("write", key):
            try:
                obstore.put(self._store, checked(key), data, mode="create")
            except AlreadyExistsError:
                return False
            except (BaseError, NotImplementedError) as error:
                raise refused_condition(error, self._uri, self._variables) or error from None
        return True

    def vouches(self, key: str) -> bool:  # noqa: ARG002
        """As ``Storage.vouches``."""
        return True

    def remove(self, key: str) -> None:
        """As ``Storage.remove``."""
        inside = checked(key)
        with suppress(FileNotFoundError), self._translated("delete", key):
            obstore.delete(self._store, inside)

    def store_file(self, key: str, path: Path) -> None:
        """As ``Storage.store_file``, in blocks."""
        with path.open("rb"), self._translated("write", key):  # a missing path is no missing key
            self._put(key, path)

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        """As ``Storage.local_file``: a copy, removed afterwards."""
        with temporary_folder(self._uri) as folder:
            path = folder / "file"
            with self._translated("read", key), path.open("wb") as file:
                for block in blocks(self._store, checked(key)):
                    file.write(block)
            yield path

    @contextmanager
    def fetched(self, key: str) -> Iterator[io.BufferedReader]:
        """As ``Storage.fetched``: a copy, removed afterwards."""
        with self.local_file(key) as path, path.open("rb") as file:
            yield file

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """As ``Storage.open``: a request for each stretch that is read."""
        with self._translated("read", key):
            meta = obstore.head(self._store, checked(key))
            with io.BufferedReader(Ranges(self._store, key, meta), _RANGE) as file:
                yield file

    @contextmanager
    def publish_folder(self, key: str) -> Iterator[Path]:
        """As ``Storage.publish_folder``."""
        marker = f"{checked(key)}/{_MARKER}"
        with temporary_folder(self._uri) as folder:
            try:
                yield folder
            except FileNotFoundError:
                raise
            except OSError as error:  # the caller's writes may fill the disk
                raise NoTemporaryRoom(
                    f"Cannot write temporary files: {error.strerror or error}.",
                    "Set TMPDIR to a folder with room.",
                ) from error
            names = {
                path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
            }
            if self._exists(marker):
                return
            for name in _summary_last(names):
                self.store_file(f"{key}/{name}", folder / name)
            self._delete(key, self._names(key) - names)  # of an attempt that was cut off
            self.write(marker, b"")

    def point(self, name: str, key: str) -> None:
        """As ``Storage.point``. Always copies: the target may itself be a copy that changed."""
        names = self._names(key)
        if not names:
            self.stat(key)
        standing = self._names(name)
        if standing and self.pointed(name) is None:
            raise folder_stands(f"{self._uri}/{name}")
        self.write(pointer_key(name), pointer_text(key))
        if not names:
            self._copy(key, name)
            return
        visible = {each for each in names if _is_visible(each)}
        for each in _summary_last(visible):
            self._copy(f"{key}/{each}", f"{name}/{each}")
        self._delete(name, standing - visible)

    def pointed(self, name: str) -> str | None:
        """As ``Storage.pointed``."""
        return pointed_target(self, name)

    def followed(self, name: str) -> str:
        """As ``Storage.followed``: there are no links."""
        return pointer_key(name)

    def _list(self, folder: str) -> ListResult[Sequence[ObjectMeta]]:
        try:
            with self._translated("list", folder):
                return obstore.list_with_delimiter(self._store, checked(folder) if folder else None)
        except FileNotFoundError:
            return {"objects": [], "common_prefixes": []}

    def _names(self, folder: str) -> set[str]:
        """Of every object under a folder, relative to it, hidden ones included."""
        prefix = f"{folder}/"
        with self._translated("list", folder):
            return {
                meta["path"].removeprefix(prefix)
                for chunk in obstore.list(self._store, checked(folder))
                for meta in chunk
                if meta["path"].startswith(prefix)
            }

    def _exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except FileNotFoundError:
            return False
        return True

    def _put(self, key: str, data: bytes | Path) -> None:
        obstore.put(
            self._store,
            checked(key),
            data,
            chunk_size=BLOCK,
            max_concurrency=_CONCURRENT_BLOCKS,
        )

    def _copy(self, key: str, to: str) -> None:
        with self._translated("copy", key):
            obstore.copy(self._store, checked(key), checked(to))

    def _delete(self, folder: str, names: Iterable[str]) -> None:
        keys = [f"{folder}/{name}" for name in sorted(names)]
        if keys:
            with self._translated("delete", folder):
                obstore.delete(self._store, keys)

    @contextmanager
    def _translated(self, verb: str, key: str) -> Iterator[None]:
        refuse_after_fork()
        place = f"{self._uri}/{key}".rstrip("/")
        try:
            yield
        except (BaseError, OSError, ValueError) as error:
            raise translation(error, f"Cannot {verb} {place}: ", place, self._variables) from None
        except BaseException as error:
            if "InvalidUri" not in str(error):  # a panic, whose class pyo3 offers in no module
                raise
            raise ConfigError(
                f"Cannot {verb} {place}: the endpoint is not a URL.",
                f"Check {self._variables}* in the environment and .env.",
            ) from None


def _is_visible(name: str) -> bool:
    return name != "" and not name.startswith(".")


def _summary_last(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name == _SUMMARY, name))
