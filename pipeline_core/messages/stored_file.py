"""Files that a receipt names."""

from __future__ import annotations

from msgspec import Struct


class StoredFile(Struct, frozen=True, omit_defaults=True):
    """Bytes in the state storage: a file, or a stretch behind the receipt in a result's file."""

    key: str
    """The key of the file there."""
    digest: str
    """The SHA-256 (hex) that the bytes must have."""
    rows: int
    """Rows of the table in them."""
    offset: int | None = None
    """Where they begin behind the receipt; None if they are all of the file."""
    size: int = 0
    """How many they are, behind a receipt."""

    @property
    def identity(self) -> str:
        """Tells them from all others: of other content, or of another run."""
        return self.key if self.offset is None else f"{self.key}#{self.digest}"
