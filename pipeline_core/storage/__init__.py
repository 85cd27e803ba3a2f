"""The few verbs the pipeline needs from a file system or an object store."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipeline_core.errors import ConfigError
from pipeline_core.remedies import install_line
from pipeline_core.storage.base import Contents, Storage, StoredObject
from pipeline_core.storage.check import check_creates
from pipeline_core.storage.local import LocalStorage

__all__ = [
    "Contents",
    "Storage",
    "StoredObject",
    "absolute_uri",
    "check_creates",
    "open_storage",
]

_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+)://")
_OBJECT_SCHEMES = {"s3", "gs", "az"}


def open_storage(uri: str) -> Storage:
    """The storage behind a folder name, ``file://``, ``s3://``, ``gs://`` or ``az://`` URI.

    Raises:
        ConfigError: the scheme is not known or its package is not installed.
    """
    scheme = _scheme(uri)
    if scheme in ("", "file"):
        return LocalStorage(_local_path(uri))
    if scheme not in _OBJECT_SCHEMES:
        raise ConfigError(
            f"{scheme}:// is not supported as a place.",
            "Use a folder, file://, s3://, gs:// or az://.",
        )
    try:
        from pipeline_core.storage.object_store import ObjectStorage
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{scheme}:// needs the package {error.name}.",
            f"Install it: `{install_line('obstore')}`.",
        ) from error
    return ObjectStorage(uri)


def absolute_uri(uri: str) -> str:
    """The same place, readable from any working folder: a folder's absolute path, or the URI."""
    return str(_local_path(uri).absolute()) if _scheme(uri) in ("", "file") else uri


def _scheme(uri: str) -> str:
    match = _SCHEME.match(uri)
    return match[1].lower() if match else ""


def _local_path(uri: str) -> Path:
    return Path(unquote(urlsplit(uri).path)) if _scheme(uri) == "file" else Path(uri)
