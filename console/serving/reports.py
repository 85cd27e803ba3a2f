"""Which published file an address means. Nothing else of a storage can be named."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from console.serving.runs import PublishedRuns
from pipeline_core.configuration.places import LATEST, RUNS
from pipeline_core.ledger.names import is_run_id
from pipeline_core.load.removed_reports import removed_page
from pipeline_core.publication.file_names import INDEX, SUMMARY, is_report_file
from pipeline_core.storage import Storage
from pipeline_core.storage.local import LocalStorage

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}
# In bytes: S3's limit of a key, and every usual file system's of a name.
_LONGEST_KEY = 1024
_LONGEST_NAME = 255
_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


class FoundFile(NamedTuple):
    """A file of a published run: its key, its size in bytes, and what changes when it does."""

    key: str
    size: int
    version: str


class ReportRemovedError(FileNotFoundError):
    """The report was removed by retention; ``page`` says so, as HTML."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.page = page


def find_report_file(reports: Storage, runs: PublishedRuns, path: str) -> FoundFile:
    """The file at ``path``, which is ``latest/…`` or ``runs/<run>/…``, percent-decoded.

    Raises:
        ReportRemovedError: it is of a report that was removed, and is not its summary.
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
        key += INDEX
    _check_name(reports, key)
    _, run_id, name = key.split("/", 2)
    if not (runs.has(run_id) and is_report_file(name, runs.added_reports(run_id))):
        raise FileNotFoundError(key)
    if name != SUMMARY and (removed := runs.removed(run_id)) is not None:
        raise ReportRemovedError(removed_page(removed))
    if isinstance(reports, LocalStorage) and not _stays_inside(reports.root, run_id, key):
        raise FileNotFoundError(key)
    found = reports.stat(key)
    return FoundFile(key, found.size, found.version)


def _check_name(reports: Storage, key: str) -> None:
    """Raises FileNotFoundError unless a run may have published a file called so."""
    folder, _, inside = key.partition("/")
    run_id, _, name = inside.partition("/")
    is_odd = any(not char.isprintable() or char == "\\" for char in key)
    is_ours = folder == RUNS and is_run_id(run_id) and is_report_file(name)
    if not is_ours or is_odd or _is_too_long(reports, key):
        raise FileNotFoundError(key)


def _is_too_long(reports: Storage, key: str) -> bool:
    """Whether nothing can be called so; storages would say that something is wrong with them."""
    prefix = "" if isinstance(reports, LocalStorage) else urlsplit(reports.uri).path.strip("/")
    whole = f"{prefix}/{key}".lstrip("/").encode()
    return len(whole) > _LONGEST_KEY or any(len(n) > _LONGEST_NAME for n in whole.split(b"/"))


def _stays_inside(root: Path, run_id: str, key: str) -> bool:
    """Whether no link in a run's folder leads out of it, nowhere, or round and round."""
    run = root / RUNS / run_id
    try:
        real = os.path.realpath(root / key, strict=True)
    except OSError as error:  # anything else is the storage's to tell
        return error.errno not in _NOWHERE
    return Path(real).is_relative_to(run.resolve()) and not run.is_symlink()


def content_type(key: str) -> str:
    """By the name's ending; what is not known is not shown but saved."""
    return _TYPES.get(Path(key).suffix.lower(), "application/octet-stream")
