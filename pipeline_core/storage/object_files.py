"""Files of Amazon S3 and what speaks its language, Google Cloud Storage, Azure Blob Storage."""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError

from pipeline_core.errors import ConfigError
from pipeline_core.machine.disk import temporary_file
from pipeline_core.storage.base import Contents, StoredObject, checked
from pipeline_core.storage.listing import is_visible
from pipeline_core.storage.object_client import open_client, refuse_after_fork
from pipeline_core.storage.object_errors import is_beyond_end, refused_condition, translation
from pipeline_core.storage.object_reading import BLOCK, Ranges, blocks, stored_object
from pipeline_core.store_environment import VARIABLES

if TYPE_CHECKING:
    from obstore import GetOptions, ListResult, ObjectMeta, PutResult

_CONCURRENT_BLOCKS = 4
_LISTED = 1000
# A zip's directory of a week fits in.
_RANGE = 64 << 10

_URI = re.compile(r"(s3|gs|az)://([\w.-]+)(?:/([^?]*))?", re.IGNORECASE | re.ASCII)


class ObjectFiles:
    """The verbs of a bucket and a prefix that need no folder; see ``ObjectStorage``."""

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

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (self._uri,)  # every process reads its own credentials

    @property
    def uri(self) -> str:
        """The place, without credentials."""
        return self._uri

    @property
    def is_far(self) -> bool:
        """As ``Storage.is_far``."""
        return True

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
                (stored for name, stored in inside.items() if is_visible(name)),
                key=lambda stored: stored.key,
            ),
            folders=sorted(filter(is_visible, names)),
            others={},
            hidden=sorted(stored.key for name, stored in inside.items() if name.startswith(".")),
        )

    def names(self, folder: str, most: int) -> frozenset[str] | None:
        """As ``Storage.names``: a thousand a request, and none for more than ``most``."""
        found, prefix = set[str](), f"{folder}/"
        with self._translated("list", folder):
            for chunk in obstore.list(self._store, checked(folder), chunk_size=_LISTED):
                found.update(meta["path"].removeprefix(prefix) for meta in chunk)
                if len(found) > most:
                    return None
        return frozenset(name for name in found if is_visible(name.rpartition("/")[2]))

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

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        """As ``Storage.remove_files``: a thousand a request, where the store has such."""
        keys = [checked(f"{folder}/{name}") for name in sorted(names)]
        with suppress(FileNotFoundError), self._translated("delete", folder):
            if keys:
                obstore.delete(self._store, keys)

    def store_file(self, key: str, path: Path) -> None:
        """As ``Storage.store_file``, in blocks."""
        self._store_file(key, path)

    def _store_file(self, key: str, path: Path) -> PutResult:
        with path.open("rb"), self._translated("write", key):  # a missing path is no missing key
            return self._put(key, path)

    def local_file(self, key: str) -> AbstractContextManager[Path]:
        """As ``Storage.local_file``: a copy, removed afterwards."""
        return self._copied(key, None)

    @contextmanager
    def _copied(self, key: str, version: str | None) -> Iterator[Path]:
        with temporary_file(self._uri) as (path, target):
            with self._translated("read", key):
                for block in blocks(self._store, checked(key), version):
                    target.write(block)
            target.close()
            yield path

    @contextmanager
    def fetched(self, key: str) -> Iterator[io.BufferedReader]:
        """As ``Storage.fetched``: a copy, removed afterwards."""
        with self.local_file(key) as path, path.open("rb") as file:
            yield file

    def stretch(self, key: str, begin: int, end: int) -> bytes:
        """As ``Storage.stretch``."""
        with self._translated("read", key):
            options: GetOptions = {"range": (begin, end)}
            try:
                return bytes(obstore.get(self._store, checked(key), options=options).bytes())
            except BaseError as error:
                if is_beyond_end(error):
                    return b""
                raise

    @contextmanager
    def open(self, key: str) -> Iterator[IO[bytes]]:
        """As ``Storage.open``: a request for each stretch that is read."""
        with self.open_listed(self.stat(key)) as file:
            yield file

    @contextmanager
    def fetched_as(self, key: str, version: str) -> Iterator[io.BufferedReader]:
        """As ``Storage.fetched_as``: the answer that has the bytes says of which version."""
        with self._copied(key, version) as path, path.open("rb") as file:
            yield file

    @contextmanager
    def open_listed(self, file: StoredObject) -> Iterator[IO[bytes]]:
        """As ``Storage.open_listed``."""
        with (
            self._translated("read", file.key),
            io.BufferedReader(Ranges(self._store, file), _RANGE) as opened,
        ):
            yield opened

    def _list(self, folder: str) -> ListResult[Sequence[ObjectMeta]]:
        try:
            with self._translated("list", folder):
                return obstore.list_with_delimiter(self._store, checked(folder) if folder else None)
        except FileNotFoundError:
            return {"objects": [], "common_prefixes": []}

    def _put(self, key: str, data: bytes | Path) -> PutResult:
        return obstore.put(
            self._store,
            checked(key),
            data,
            chunk_size=BLOCK,
            max_concurrency=_CONCURRENT_BLOCKS,
        )

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
