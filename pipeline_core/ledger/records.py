"""Records: the JSON files of a state. One that a power cut tore is as good as none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from pipeline_core.blocks.damaged import clear_up
from pipeline_core.machine.known_kinds import known
from pipeline_core.storage import Storage

_Record = TypeVar("_Record")


def read_record(
    state: Storage, key: str, kind: type[_Record], run_id: str | None = None
) -> _Record | None:
    """The record under a key, or None; ``run_id`` is for the log, if it is none, and cleared up."""
    return read_record_by(
        state, key, lambda data: msgspec.json.decode(data, type=known(kind)), run_id
    )


def read_record_by(
    state: Storage, key: str, decode: Callable[[bytes], _Record], run_id: str | None = None
) -> _Record | None:
    """The same of what ``decode`` makes of the bytes; it raises ValueError of those that are no
    such record."""
    try:
        return decode(state.read(key))
    except FileNotFoundError:
        return None
    except ValueError as error:  # as those of msgspec and of UTF-8 are
        clear_up(state, key, "record", str(error), run_id)
        return None
