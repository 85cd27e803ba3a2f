"""One version of an object, piece by piece.

Each answer says of which version it is, and that is compared here: a store may not know If-Match,
and must not let a weak ETag fulfil it (RFC 9110, 13.1.1).
"""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import PreconditionError

from pipeline_core.logs import get_logger
from pipeline_core.storage.base import OtherVersion, StoredObject
from pipeline_core.storage.listing import why_too_large

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import Bytes, GetOptions, ObjectMeta
    from obstore.store import AzureStore, GCSStore, S3Store

    Store = S3Store | GCSStore | AzureStore

log = get_logger()

# A request is one block, so that none outlives the client's time-out (30 s) on a slow line.
BLOCK = 8 << 20


def version_of(meta: ObjectMeta) -> str:
    """What changes when the object does, however it was asked for: its ETag.

    Azure quotes the tag of one object but not those in a list; a proxy may call the same tag weak
    in one answer and not in the next. Without a tag, lists have a finer time than objects.
    """
    if meta["e_tag"]:
        return meta["e_tag"].removeprefix("W/").strip('"')
    return f"{meta['size']}-{meta['last_modified'].replace(microsecond=0).isoformat()}"


def stored_object(meta: ObjectMeta) -> StoredObject:
    """What a storage says of an object."""
    return StoredObject(meta["path"], meta["size"], version_of(meta))


def stretch(store: Store, key: str, begin: int, end: int, version: str) -> Bytes:
    """The bytes from ``begin`` up to ``end``. Raises PreconditionError if they are of another
    version."""
    options: GetOptions = {"range": (begin, end)}
    found = obstore.get(store, key, options=options)
    if version_of(found.meta) != version:
        raise PreconditionError(key)
    return found.bytes()


def blocks(store: Store, key: str, wanted: str | None = None) -> Iterator[Bytes]:
    """The bytes of one version of an object; PreconditionError if another takes its place. Raises
    FileNotFoundError for a record that is larger than any of ours, and OtherVersion if it is not
    the version that is ``wanted``."""
    found = obstore.get(store, key)
    size, version = found.meta["size"], version_of(found.meta)
    if wanted not in (None, version):
        raise OtherVersion
    if (why := why_too_large(key, size)) is not None:
        log.warning("not_a_file_of_ours", path=key, cause=why)
        raise FileNotFoundError(errno.ENOENT, "no record of ours", key)
    if size <= BLOCK:
        yield found.bytes()
        return
    for start in range(0, size, BLOCK):
        yield stretch(store, key, start, min(start + BLOCK, size), version)


class Ranges(io.RawIOBase):
    """One version of an object as a file; PreconditionError if another takes its place."""

    def __init__(self, store: Store, file: StoredObject) -> None:
        self._store, self._key = store, file.key
        self._size, self._version = file.size, file.version
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        if begin + offset < 0:
            raise OSError(errno.EINVAL, "a place before the beginning")
        self._place = begin + offset
        return self._place

    def readinto(self, buffer: WriteableBuffer) -> int:
        target = memoryview(buffer).cast("B")
        end = min(self._place + len(target), self._size)
        if end <= self._place:
            return 0
        found = stretch(self._store, self._key, self._place, end, self._version)
        target[: len(found)] = memoryview(found)
        self._place += len(found)
        return len(found)
