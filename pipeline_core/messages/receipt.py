"""What proves that work was done."""

from __future__ import annotations

from msgspec import Struct

from pipeline_core.messages.attempts import Attempt
from pipeline_core.messages.blocks import ArchiveBlock
from pipeline_core.messages.counts import Counts, Tally
from pipeline_core.messages.inputs import RepeatedEntry, Unreadable
from pipeline_core.messages.named_ids import NamedIds
from pipeline_core.messages.stored_file import StoredFile


class Receipt(Struct, frozen=True, kw_only=True):
    """The proof that an archive, or a share of it, was processed, and what came of it."""

    run_id: str
    """The run it was made for."""
    archive: str
    """The archive's id in that run's manifest."""
    digest: str | None
    """SHA-256 (hex) of the archive's bytes, on its first share; None if they were not all read."""
    days: Tally
    """What became of the days."""
    parts: Tally
    """What became of the parts of the days that could be read."""
    counts: Counts
    """What became of the events."""
    unreadable: tuple[Unreadable, ...]
    """The first of what could not be read; ``unreadable_count`` is all of it."""
    partials: dict[str, StoredFile]
    """The aggregates, by the report's name."""
    rejects: StoredFile | None
    """Rows for rejects.csv; None if there are none."""
    compressed_bytes: int
    """Bytes of the archive's file, on its first share; 0 on the others."""
    json_bytes: int
    """Bytes of the parts, uncompressed."""
    seconds: float
    """Seconds that the work took."""
    share: int | None = None
    """Number of the share, from 0; None is the whole archive."""
    general_events: int = 0
    """Events decoded by the general tier, which is slower and says the same."""
    quarantined: bool = False
    """Whether the archive was left out since it ended its worker too often."""
    day_digests: dict[int, str] = {}
    """SHA-256 (hex) of days' bytes, by directory place."""
    bytes_read: int = 0
    """Bytes of the archive's file if it was opened; else 0."""
    ignored: dict[str, int] = {}
    """Number of entries, by ending, that are no days (on the first share), or no parts of a day."""
    attempt: int = 0
    """Number of the attempt that made it; 0 if nobody says."""
    repeated_parts: tuple[RepeatedEntry, ...] = ()
    """The first MOST_REPEATED of the parts that are repeated."""
    event_keys: StoredFile | None = None
    """Keys of its events, if the feed names fields of them; None if there are none."""
    sent_twice: StoredFile | None = None
    """Which events are left out since they were sent before; None if none is known to be."""
    named_ids: NamedIds = NamedIds()
    """Which customers and products its events name; empty if an earlier version did not look."""
    made_by: Attempt | None = None
    """That attempt, as it began; None of a result that is taken over, or of an earlier version."""

    @property
    def unreadable_count(self) -> int:
        """The archive, or the days and parts, that could not be read, listed or not."""
        is_broken = any(place.day is None for place in self.unreadable)
        return is_broken + self.days.unreadable + self.parts.unreadable


class DistinctReceipts(Struct, frozen=True):
    """Receipts of what has events that were sent before, once these are left out."""

    receipts: dict[str, Receipt]
    """By the id of the work; among what is kept for later runs, by all that decides them."""
    blocks: tuple[ArchiveBlock, ...] = ()
    """Of many, the files that hold them."""


class ReusedBlock(Struct, frozen=True, omit_defaults=True):
    """A block of what an earlier run knew of archives, and which of them are taken over."""

    block: ArchiveBlock
    """The file."""
    first: int
    """Number in this run of the first archive; those behind it follow."""
    numbers: tuple[int, ...] = ()
    """Where they do not follow, the number of each in this run; -1 if it is not taken over."""


class ReusedReceipts(Struct, frozen=True):
    """Receipts that a run took over from the one before."""

    receipts: dict[str, Receipt] = {}
    """By the id of the work in this run."""
    blocks: tuple[ReusedBlock, ...] = ()
    """Of many archives, the files that hold the receipts."""
    shares: dict[int, int] = {}
    """Number of receipts of archives in these files that are shared out, by the archive's number in
    this run."""
