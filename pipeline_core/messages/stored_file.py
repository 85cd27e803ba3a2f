"""Files that a receipt names."""

from __future__ import annotations

from msgspec import Struct


class StoredFile(Struct, frozen=True):
    """A file in the state storage."""

    key: str
    """Its key there."""
    digest: str
    """The SHA-256 (hex) that its bytes must have."""
    rows: int
    """Rows of the table in it."""
