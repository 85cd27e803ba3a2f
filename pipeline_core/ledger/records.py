"""Records: the JSON files of a state. One that a power cut tore is as good as none."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from pipeline_core.logs import get_logger
from pipeline_core.storage import Storage

log = get_logger()

_Record = TypeVar("_Record")


def read_record(
    state: Storage, key: str, kind: type[_Record], run_id: str | None = None
) -> _Record | None:
    """The record under a key, or None if there is none. One that is no such record is removed, so
    that it can be made again; ``run_id`` is for the log."""
    try:
        return msgspec.json.decode(state.read(key), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        about = {} if run_id is None else {"run_id": run_id}
        log.warning("damaged_record_removed", key=key, cause=str(error), **about)
        state.remove(key)
        return None
