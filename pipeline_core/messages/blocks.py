"""Records of neighbouring archives that are kept together, in a file of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct


class ArchiveBlock(Struct, frozen=True):
    """A file of the state with records of some archives, which any later run may name, too."""

    key: str
    """The key of the file."""
    digest: str
    """SHA-256 (hex) of the records as JSON, unpacked."""
    records: int
    """Number of them."""


class WorkSizes(Struct, frozen=True):
    """The work that one archive is."""

    archive: str
    """The archive's id."""
    sizes: Sequence[int]
    """Compressed bytes of the archive, or of each of its shares; none if it counts elsewhere."""

    @property
    def are_shares(self) -> bool:
        """Whether the archive's days are shared out."""
        return len(self.sizes) > 1


@runtime_checkable
class InBlocks(Protocol):
    """Archives of a plan in blocks, and beside them what work they are."""

    def pieces(self) -> Iterable[WorkSizes]:
        """By the archives' names; no block is read."""
        ...
