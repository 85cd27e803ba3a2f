"""Files that a receipt names, read only if they are the bytes that were stored."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from pipeline_core.errors import DamagedResult, LostResult
from pipeline_core.ledger.result_files import HeldResults, behind_receipt, stretch
from pipeline_core.messages import StoredFile
from pipeline_core.storage import Storage


def load_stored(state: Storage, stored: StoredFile, held: HeldResults | None = None) -> bytes:
    """All bytes. Raises DamagedResult if they are gone, or are not those stored."""
    if stored.offset is not None and held is not None:
        data = held.stretch(stored)
        if _digest(data) == stored.digest:
            return data
    try:
        data = state.read(stored.key)
    except FileNotFoundError:
        raise _lost(stored) from None
    if stored.offset is not None:
        behind = behind_receipt(data)
        if held is not None:
            held.hold(stored.key, behind)
        data = stretch(behind, stored)
    _check(stored, _digest(data))
    return data


@contextmanager
def opened_stored(
    state: Storage, stored: StoredFile, held: HeldResults | None = None
) -> Iterator[IO[bytes]]:
    """The same to read from its beginning: no more of a file is in memory than is asked for."""
    if stored.offset is not None:
        yield io.BytesIO(load_stored(state, stored, held))
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(state.fetched(stored.key))
        except FileNotFoundError:
            raise _lost(stored) from None
        _check(stored, hashlib.file_digest(file, "sha256").hexdigest())
        file.seek(0)
        yield file


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check(stored: StoredFile, digest: str) -> None:
    if digest != stored.digest:
        raise DamagedResult(f"{stored.key} is damaged: its digest is not the receipt's")


def _lost(stored: StoredFile) -> LostResult:
    return LostResult(f"{stored.key} is in a receipt but not in the storage")
