"""Which published file an address means. Nothing else of a storage can be named."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pipeline_core.names import is_run_id
from pipeline_core.places import LATEST
from pipeline_core.storage import Storage
from pipeline_core.storage.local import LocalStorage

_RUNS = "runs"
_PAGE = "index.html"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}
_LONGEST_KEY = 1024


class Published(NamedTuple):
    """A file of a published run: its key, its size in bytes, and what changes when it does."""

    key: str
    size: int
    version: str


def find(reports: Storage, path: str) -> Published:
    """The file at ``path``, which is ``latest/…`` or ``runs/<run>/…``, percent-decoded.

    Raises:
        FileNotFoundError: there is none, or it may not be shown.
        RetryableError: the storage does not answer.
    """
    first, _, rest = path.partition("/")
    if first == LATEST:
        pointed = reports.pointed(LATEST)
        if pointed is None:
            raise FileNotFoundError(path)
        key = f"{pointed}/{rest}"
    else:
        key = path
    if key.endswith("/"):
        key += _PAGE
    _check(reports, key)
    found = reports.stat(key)
    return Published(key, found.size, found.version)


def _check(reports: Storage, key: str) -> None:
    """Raises FileNotFoundError unless the key is one of a file inside a published run."""
    folder, *inside = key.split("/")
    is_hidden = any(name.startswith(".") for name in inside)
    is_odd = any(not char.isprintable() or char == "\\" for char in key)
    is_run = len(inside) > 1 and is_run_id(inside[0])
    if folder != _RUNS or not is_run or is_hidden or is_odd or len(key) > _LONGEST_KEY:
        raise FileNotFoundError(key)
    if isinstance(reports, LocalStorage):  # a link in there might lead anywhere
        run = (reports.root / _RUNS / inside[0]).absolute()
        if not (reports.root / key).resolve().is_relative_to(run.resolve()) or run.is_symlink():
            raise FileNotFoundError(key)


def content_type(key: str) -> str:
    """By the name's ending; what is not known is not shown but saved."""
    return _TYPES.get(Path(key).suffix.lower(), "application/octet-stream")


def published_runs(reports: Storage, most: int) -> list[str]:
    """Ids, newest first."""
    return [name for name in reversed(reports.folders(_RUNS)) if is_run_id(name)][:most]
