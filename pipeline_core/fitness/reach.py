"""Whether this process reaches the places of a shop: tried as a run would use them."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_core.configuration.places import is_local, local_path
from pipeline_core.configuration.served_shops import Shop
from pipeline_core.errors import PipelineError
from pipeline_core.places.writable import check_writable, tried
from pipeline_core.planning.archives import find_archives
from pipeline_core.storage import Storage, open_archives, open_storage


def unreached(shop: Shop, *, follow_links: bool) -> dict[str, str]:
    """Why each of ``data``, ``state`` and ``reports`` cannot be used, in a sentence or two; nothing
    of one that can. Data are listed, into the others a file is written; nothing of it stays."""
    tries: dict[str, Callable[[], object]] = {
        "data": lambda: find_archives(open_archives(shop.data, follow_links=follow_links)),
        "state": lambda: try_writing(shop.state, "The records of runs", "SALES_STATE"),
        "reports": lambda: try_writing(shop.reports, "Reports", "SALES_REPORTS"),
    }
    return {place: cause for place, use in tries.items() if (cause := _cause(use))}


def try_writing(
    uri: str, what: str, setting: str, also: Callable[[Storage, str], None] | None = None
) -> bool:
    """Whether a place is there, in which a file was written then, seen by ``also``, and removed
    again; a folder that is not there yet could be made, and is not. The other arguments are as in
    ``check_writable``.

    Raises:
        PipelineError: it cannot be written.
    """
    if is_local(uri) and not local_path(uri).exists():
        check_writable(uri, what, setting)
        return False
    place = open_storage(uri)
    with tried(place) as name:
        if also is not None:
            also(place, name)
    return True


def _cause(use: Callable[[], object]) -> str:
    """Why it fails; empty if it does not."""
    try:
        use()
    except PipelineError as error:
        return str(error)
    return ""
