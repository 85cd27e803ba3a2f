"""Tags of stored files: in many object stores the MD5 of what was written at once."""

from __future__ import annotations

import hashlib

from pipeline_core.storage.base import StoredObject


def md5(data: bytes) -> str:
    """The tag (hex) of a file of these bytes."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def is_of_bytes(file: StoredObject | None, data: bytes) -> bool:
    """Whether a file that was listed is known, by its tag, to hold just these bytes."""
    return file is not None and (file.size, file.version) == (len(data), md5(data))
