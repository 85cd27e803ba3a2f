"""Files that a receipt names, read only if they are the bytes that were stored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from pipeline_core.errors import DamagedResult
from pipeline_core.messages import StoredFile
from pipeline_core.storage import Storage


def load_stored(state: Storage, stored: StoredFile) -> bytes:
    """All bytes. Raises DamagedResult if they are gone, or are not those stored."""
    try:
        data = state.read(stored.key)
    except FileNotFoundError:
        raise _lost(stored) from None
    _check(stored, hashlib.sha256(data))
    return data


@contextmanager
def opened_stored(state: Storage, stored: StoredFile) -> Iterator[IO[bytes]]:
    """The same to read from its beginning: no more of it is in memory than is asked for."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(state.fetched(stored.key))
        except FileNotFoundError:
            raise _lost(stored) from None
        _check(stored, hashlib.file_digest(file, "sha256"))
        file.seek(0)
        yield file


def _check(stored: StoredFile, found: hashlib._Hash) -> None:
    if found.hexdigest() != stored.digest:
        raise DamagedResult(f"{stored.key} is damaged: its digest is not the receipt's")


def _lost(stored: StoredFile) -> DamagedResult:
    return DamagedResult(f"{stored.key} is in a receipt but not in the storage")
