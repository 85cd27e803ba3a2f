"""A state whose files are vouched for by a key: what was not written under it is not there."""

from __future__ import annotations

import atexit
import errno
import hashlib
import hmac
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import IO

from pipeline_core.errors import ContractError
from pipeline_core.logs import get_logger
from pipeline_core.machine.disk import TemporaryWriter, temporary_file
from pipeline_core.storage.base import Contents, OtherVersion, Storage, StoredObject
from pipeline_core.vouching.key import StateKey

log = get_logger()

# One folder a key, beside what is kept without one: nobody reads, or clears up, what is another's.
KEYED = "keyed"
_TAG_BYTES = hashlib.sha256().digest_size
_BLOCK = 1 << 20
_TRIES = 3
_SINGLE_LINES = 5


class _RefusedFiles:
    """Names of files that were refused: whoever plants them decides how many there are, so a few
    have a line in the log, then each tenfold number, and the number at the process's end."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._told = 0

    def tell(self, key: str, state: str) -> None:
        if key in self._keys:
            return
        self._keys.add(key)
        number = len(self._keys)
        if number <= _SINGLE_LINES:
            log.warning("not_vouched_for", key=key, state=state)
        if number == _SINGLE_LINES + 1:
            atexit.register(self.tell_number)
        if number > _SINGLE_LINES and number == 10 ** (len(str(number)) - 1):
            self.tell_number()

    def tell_number(self) -> None:
        """Unless it is told already."""
        if len(self._keys) > self._told:
            self._told = len(self._keys)
            log.warning("files_not_vouched_for", number=self._told)


_refused = _RefusedFiles()


class SignedStorage:
    """A place whose files are kept in ``keyed/<mark>/``, each with its tag (32 bytes) behind it.

    A file without the right tag, whether it is torn or somebody else's, raises FileNotFoundError as
    one that is not there does, and gives way to one that is created. Names are not vouched for:
    lists show every file, and ``vouches`` tells.
    """

    def __init__(self, inner: Storage, key: StateKey) -> None:
        self._inner = inner
        self._key = key
        self._prefix = f"{KEYED}/{key.mark}/"

    @property
    def uri(self) -> str:
        return self._inner.uri

    @property
    def is_far(self) -> bool:
        return self._inner.is_far

    def files(self, folder: str = "") -> list[StoredObject]:
        return [self._seen(each) for each in self._inner.files(self._folder(folder))]

    def folders(self, folder: str = "") -> list[str]:
        return self._inner.folders(self._folder(folder))

    def contents(self, folder: str = "") -> Contents:
        found = self._inner.contents(self._folder(folder))
        return Contents(
            files=[self._seen(each) for each in found.files],
            folders=found.folders,
            others={self._name(key): what for key, what in found.others.items()},
            hidden=[self._name(key) for key in found.hidden],
        )

    def names(self, folder: str, most: int) -> frozenset[str] | None:
        return self._inner.names(self._folder(folder), most)

    def stat(self, key: str) -> StoredObject:
        """Reads all of the file, or nobody could tell that it is there."""
        self.read(key)
        return self._seen(self._inner.stat(self._place(key)))

    def read(self, key: str) -> bytes:
        stored = self._inner.read(self._place(key))
        data = stored[:-_TAG_BYTES]
        hasher = self._key.hasher(key)
        hasher.update(data)
        self._check(key, hasher, stored[-_TAG_BYTES:])
        return data

    def write(self, key: str, data: bytes) -> None:
        self._inner.write(self._place(key), self._tagged(key, data))

    def stretch(self, key: str, begin: int, end: int) -> bytes:
        """Reads all of the file: its tag is of all."""
        return self.read(key)[begin:end]

    def create(self, key: str, data: bytes) -> bool:
        place, tagged = self._place(key), self._tagged(key, data)
        for _ in range(_TRIES):
            if self._inner.create(place, tagged):
                return True
            if self.vouches(key):
                return False
            self._inner.remove(place)
        return False

    def vouches(self, key: str) -> bool:
        try:
            self.read(key)
        except FileNotFoundError:
            return False
        return True

    def remove(self, key: str) -> None:
        self._inner.remove(self._place(key))

    def remove_files(self, folder: str, names: Collection[str]) -> None:
        self._inner.remove_files(self._folder(folder), names)

    def store_file(self, key: str, path: Path) -> None:
        hasher = self._key.hasher(key)
        with path.open("rb") as file, temporary_file(self.uri) as (tagged, target):
            while block := file.read(_BLOCK):
                hasher.update(block)
                target.write(block)
            target.write(hasher.digest())
            target.close()
            self._inner.store_file(self._place(key), tagged)

    @contextmanager
    def local_file(self, key: str) -> Iterator[Path]:
        """A copy of our own: what was checked cannot change before it is read."""
        with (
            self._inner.fetched(self._place(key)) as stored,
            temporary_file(self.uri) as (path, target),
        ):
            self._copy_checked(key, stored, target)
            target.close()
            yield path

    @contextmanager
    def fetched(self, key: str) -> Iterator[BufferedReader]:
        with self.local_file(key) as path, path.open("rb") as file:
            yield file

    def fetched_as(self, key: str, version: str) -> AbstractContextManager[BufferedReader]:
        if self._inner.stat(self._place(key)).version != version:
            raise OtherVersion
        return self.fetched(key)

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        return self.fetched(key)

    def open_listed(self, file: StoredObject) -> AbstractContextManager[IO[bytes]]:
        return self.fetched(file.key)

    def publish_folder(self, key: str, **_: object) -> AbstractContextManager[Path]:
        raise self._refusal(key)

    def point(self, name: str, key: str, *_: object, **__: object) -> None:
        raise self._refusal(f"{name} at {key}")

    def pointed(self, name: str) -> str | None:
        raise self._refusal(name)

    def followed(self, name: str) -> str:
        raise self._refusal(name)

    def _copy_checked(self, key: str, stored: IO[bytes], target: TemporaryWriter) -> None:
        hasher, end = self._key.hasher(key), b""
        while block := stored.read(_BLOCK):
            end += block
            hasher.update(end[:-_TAG_BYTES])
            target.write(end[:-_TAG_BYTES])
            end = end[-_TAG_BYTES:]
        self._check(key, hasher, end)

    def _check(self, key: str, hasher: hmac.HMAC, tag: bytes) -> None:
        if not hmac.compare_digest(hasher.digest(), tag):
            _refused.tell(key, self.uri)
            raise FileNotFoundError(errno.ENOENT, "not vouched for by the key of the state", key)

    def _tagged(self, key: str, data: bytes) -> bytes:
        hasher = self._key.hasher(key)
        hasher.update(data)
        return data + hasher.digest()

    def _place(self, key: str) -> str:
        return self._prefix + key

    def _folder(self, folder: str) -> str:
        return self._place(folder).rstrip("/")

    def _name(self, place: str) -> str:
        return place.removeprefix(self._prefix)

    def _seen(self, stored: StoredObject) -> StoredObject:
        return StoredObject(
            self._name(stored.key), max(stored.size - _TAG_BYTES, 0), stored.version
        )

    def _refusal(self, what: str) -> ContractError:
        return ContractError(f"{what} of {self.uri} would be published, from a state")
