"""Files of a state that are found damaged: they are removed, so that they are made again; who only
reads leaves them."""

from __future__ import annotations

from typing import Literal

from pipeline_core.logs import get_logger
from pipeline_core.storage import Storage
from pipeline_core.storage.read_only import ReadOnlyStorage

log = get_logger()

# Where and what this process told of: who reads comes by the same file again and again.
_told: set[tuple[str, str]] = set()


def clear_up(
    state: Storage,
    key: str,
    kind: Literal["block", "record"],
    cause: str,
    run_id: str | None = None,
) -> None:
    """Removes a damaged file, where ``state`` does that, and tells of it once."""
    if (state.uri, key) not in _told:
        _told.add((state.uri, key))
        done = "left" if isinstance(state, ReadOnlyStorage) else "removed"
        action, about = f"damaged_{kind}_{done}", {} if run_id is None else {"run_id": run_id}
        log.warning(action, key=key, cause=cause, **about)
    state.remove(key)
