"""Whether this process reaches the places of a shop: tried as a run would use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import PipelineError
from pipeline_core.ledger import open_state
from pipeline_core.planning.archives import find_archives
from pipeline_core.storage import Storage, open_archives, open_storage

_WRITTEN = ".doctor"


def unreached(shop: Shop, *, follow_links: bool) -> dict[str, str]:
    """Why each of ``data``, ``state`` and ``reports`` cannot be used, in a sentence or two; nothing
    of one that can. Data are listed, into the others a file is written."""
    tries: dict[str, Callable[[], object]] = {
        "data": lambda: find_archives(open_archives(shop.data, follow_links=follow_links)),
        "state": lambda: write_mark(open_state(shop.state)),
        "reports": lambda: write_mark(open_storage(shop.reports)),
    }
    return {place: cause for place, use in tries.items() if (cause := _cause(use))}


def write_mark(storage: Storage) -> str:
    """Writes the file that stays where somebody tried whether he may write; returns its name.

    Raises:
        PipelineError: it cannot be written.
    """
    storage.write(_WRITTEN, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
    return _WRITTEN


def _cause(use: Callable[[], object]) -> str:
    """Why it fails; empty if it does not."""
    try:
        use()
    except PipelineError as error:
        return str(error)
    return ""
