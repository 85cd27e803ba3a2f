"""The few verbs the pipeline needs from a file system or an object store."""

from __future__ import annotations

from collections.abc import Callable

from pipeline_core.configuration.places import check_place, local_path, scheme_of
from pipeline_core.errors import ConfigError
from pipeline_core.machine.install_lines import install_line
from pipeline_core.storage.archives import ArchiveFolder
from pipeline_core.storage.base import Contents, Storage, StoredObject
from pipeline_core.storage.conditional_writes import check_creates
from pipeline_core.storage.local import LocalStorage

__all__ = [
    "Contents",
    "Storage",
    "StoredObject",
    "absolute_uri",
    "check_creates",
    "open_archives",
    "open_only",
    "open_storage",
]

_LOCAL = {"", "file"}
_checks: list[Callable[[str], None]] = []


def open_only(check: Callable[[str], None]) -> None:
    """From now on this process opens no place for which ``check`` raises. For whoever starts a
    process that works for others."""
    _checks[:] = [check]


def open_storage(uri: str) -> Storage:
    """The storage behind a folder name, ``file://``, ``s3://``, ``gs://`` or ``az://`` URI.

    Raises:
        ConfigError: it is no such place, or its package is not installed.
        NotServed: this process may not open it.
    """
    try:
        check_place(uri)
    except ValueError as error:
        raise ConfigError(
            f"A place cannot be used: {error}.", "Correct SALES_DATA, SALES_REPORTS or SALES_STATE."
        ) from None
    for check in _checks:
        check(uri)
    scheme = scheme_of(uri)
    if scheme in _LOCAL:
        return LocalStorage(local_path(uri))
    try:
        from pipeline_core.storage.object_store import ObjectStorage
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{scheme}:// needs the package {error.name}.",
            f"Install it: `{install_line('obstore')}`.",
        ) from error
    return ObjectStorage(uri)


def open_archives(uri: str, *, follow_links: bool) -> Storage:
    """As ``open_storage``, of the archives: a folder is an ``ArchiveFolder``."""
    if scheme_of(uri) in _LOCAL:
        open_storage(uri)  # says whether it is a place
        return ArchiveFolder(local_path(uri), follow_links=follow_links)
    return open_storage(uri)


def absolute_uri(uri: str) -> str:
    """The same place, readable from any working folder: a folder's absolute path, or the URI."""
    return str(local_path(uri).absolute()) if scheme_of(uri) in _LOCAL else uri
