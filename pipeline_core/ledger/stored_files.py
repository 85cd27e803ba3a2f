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


def load_stored(
    state: Storage, stored: StoredFile, held: HeldResults | None = None, run_id: str = ""
) -> bytes:
    """All bytes. Raises DamagedResult if they are gone, or are not those stored; ``run_id`` is the
    run that asks."""
    if stored.offset is not None and held is not None:
        data = held.stretch(stored)
        if _digest(data) == stored.digest:
            return data
    try:
        data = state.read(stored.key)
    except FileNotFoundError:
        raise _lost(stored, run_id) from None
    if stored.offset is not None:
        behind = behind_receipt(data)
        if held is not None:
            held.hold(stored.key, behind)
        data = stretch(behind, stored)
    _check(stored, _digest(data), run_id)
    return data


@contextmanager
def opened_stored(
    state: Storage, stored: StoredFile, held: HeldResults | None = None, run_id: str = ""
) -> Iterator[IO[bytes]]:
    """The same to read from its beginning: no more of a file is in memory than is asked for."""
    if stored.offset is not None:
        yield io.BytesIO(load_stored(state, stored, held, run_id))
        return
    with ExitStack() as stack:
        try:
            file = stack.enter_context(state.fetched(stored.key))
        except FileNotFoundError:
            raise _lost(stored, run_id) from None
        _check(stored, hashlib.file_digest(file, "sha256").hexdigest(), run_id)
        file.seek(0)
        yield file


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _check(stored: StoredFile, digest: str, run_id: str) -> None:
    if digest != stored.digest:
        damaged = f"{stored.key} is damaged: its digest is not the receipt's."
        raise DamagedResult(damaged, made_again_words(run_id))


def _lost(stored: StoredFile, run_id: str) -> LostResult:
    lost = f"{stored.key} is in a receipt but not in the storage."
    return LostResult(lost, made_again_words(run_id))


def made_again_words(run_id: str) -> str:
    """What helps where results of a run are lost; nothing where no run asks."""
    again = f"`sales-pipeline rebuild {run_id}` makes what is lost again; `resume` does of a run"
    return f"{again} that was not published." if run_id else ""
