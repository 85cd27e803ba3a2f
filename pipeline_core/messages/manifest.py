"""The plan of a run: its archives, their days, and the work they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from pipeline_core.errors import ContractError
from pipeline_core.messages.blocks import ArchiveBlock, InBlocks, WorkSizes
from pipeline_core.messages.dimension_source import DimensionSource
from pipeline_core.messages.options import Options, Policy, Reuse
from pipeline_core.messages.report_plugin import ReportPlugin
from pipeline_core.messages.work import Work
from pipeline_core.plural import counted, plural


class DayRef(Struct, frozen=True):
    """A day inside an archive: a zip, or loose parts of one date."""

    name: str
    """The zip's name in the archive; of loose parts their date in ISO 8601 or, if they have none,
    the archive's name without its ending."""
    index: int
    """Its place in the archive's directory, from 0; of loose parts that of the first."""
    size: int
    """Bytes of the zip, or of the loose parts that differ, as the archive's directory declares
    them."""
    crc: int
    """CRC-32 of those bytes, as declared; of loose parts that of their date, base names, sizes and
    CRCs."""
    digest: str | None = None
    """SHA-256 (hex) of those bytes, or of the loose parts' date, base names and SHA-256, where two
    days looked alike or an earlier run found it out."""
    duplicate_of: str | None = None
    """Name of the archive that has the same bytes, and in which they count."""
    parts: tuple[int, ...] = ()
    """Directory places of the loose parts, by their names; none of a zip."""


class ArchiveRef(Struct, frozen=True, kw_only=True):
    """One weekly archive as it was planned."""

    id: str
    """Its number in the manifest, from 0, as text of fixed width."""
    name: str
    """Its name in the place of data."""
    size: int
    """Bytes of its file."""
    version: str
    """What changes whenever its bytes do; empty if no file could be opened."""
    days: tuple[DayRef, ...] = ()
    """Its days, in the order of its directory."""
    shares: tuple[tuple[int, ...], ...] = ()
    """Directory places of days, each place once, that are processed apart, if the archive is too
    large for one process."""
    digest: str | None = None
    """SHA-256 (hex) of its bytes, where two archives looked alike or an earlier run found it
    out."""
    duplicate_of: str | None = None
    """Name of the archive that has the same bytes, and counts."""
    unreadable: str | None = None
    """Why it cannot be read, for people; None if it can."""
    ignored: dict[str, int] | None = None
    """Number of its entries that are no days, by their ending; None if an earlier version did not
    look."""

    def planned_skip(self) -> frozenset[int]:
        """Directory places of the days that count elsewhere."""
        return frozenset(day.index for day in self.days if day.duplicate_of is not None)

    def pieces(self) -> WorkSizes:
        """The work that it is. Where days are shared out, each piece has its part of the archive's
        bytes: loose days are not compressed."""
        if self.duplicate_of is not None:
            return WorkSizes(self.id, ())
        if not self.shares:
            return WorkSizes(self.id, (self.size,))
        day_sizes = {day.index: day.size for day in self.days}
        whole = max(1, sum(day_sizes.values()))
        sizes = [
            self.size * sum(day_sizes[index] for index in share) // whole for share in self.shares
        ]
        return WorkSizes(self.id, sizes)


class Manifest(Struct, frozen=True, kw_only=True):
    """The plan of one run, written once. URIs carry no secrets."""

    run_id: str
    """The run; sorts by the time of planning."""
    created_at: datetime
    """When it was planned (UTC)."""
    engine: str
    """What processes the archives: local or celery."""
    data: str
    """URI of the archives."""
    reports: str
    """URI that the reports are published in."""
    options: Options
    """What decides the figures."""
    policy: Policy = Policy()
    """When the dead are taken for dead."""
    dimensions_digest: str
    """SHA-256 (hex) of the values of the snapshot of customers and products."""
    customer_numbers: str | None = None
    """SHA-256 (hex) of the file of numbers by which distinct customers are counted, which is beside
    the snapshot; None is by their places there."""
    price_scale: int | None = None
    """Decimals of the snapshot's prices; None if an earlier version did not say."""
    price_history: int | None = None
    """Number of the version of the price history that the snapshot's products are; None if the run
    keeps none."""
    customers: DimensionSource | None = None
    """Where the customers came from; None if an earlier version did not say."""
    products: DimensionSource | None = None
    """Where the products came from; the same."""
    locked_until: datetime | None = None
    """Until when the lock was known to hold as the plan was written (UTC); None if nobody knew."""
    remembered: str = ""
    """SHA-256 (hex) of what the run before left, but for its id; empty if that was not used."""
    archives: Sequence[ArchiveRef] = ()
    """The archives by name; an archive's place is its id. Of many, the record of the plan has
    none, and names ``blocks``."""
    blocks: tuple[ArchiveBlock, ...] = ()
    """Files of the archives, in their order and without their ids; none of few."""
    work: ArchiveBlock | None = None
    """File of the compressed bytes of each archive's work, if there are ``blocks``."""
    conflicting_days: tuple[str, ...] = ()
    """Names of days that two archives have with different bytes; both count."""
    reuse: Reuse = Reuse()
    """What the run uses of earlier ones, and keeps for later ones."""
    rules: str = ""
    """Versions of extraction and counting that the run is made by; empty if an earlier version did
    not say."""
    unpriced: int = 0
    """Number of products without a price: had one been bought, the run would have failed."""
    unpriced_named: tuple[str, ...] = ()
    """The first of them, by id, as text."""
    report_plugins: tuple[ReportPlugin, ...] = ()
    """Reports that plug-ins add, by name; none if an earlier version knew of none."""
    ignored: dict[str, int] | None = None
    """Number of files of ``data`` that are no archives, by their ending; None if an earlier version
    did not look."""

    @property
    def unpriced_words(self) -> str:
        """That there are products without a price, for people; empty if there are none."""
        if not self.unpriced:
            return ""
        verb = "has" if self.unpriced == 1 else "have"
        more = ", ..." if self.unpriced > len(self.unpriced_named) else ""
        return (
            f"{counted(self.unpriced, 'product')} {verb} no price "
            f"({', '.join(self.unpriced_named)}{more}): a run in which one is bought will fail."
        )

    @property
    def work_unit(self) -> str:
        """What ``planned_work`` counts, for people."""
        planned = self.planned_work()
        is_cut = any(work.share is not None for work in planned)
        return "pieces of archives" if is_cut else plural(len(planned), "archive")

    def counting(self) -> int:
        """Number of archives that are no duplicates; of many, no block of them is read."""
        return sum(1 for each in self._pieces() if each.sizes)

    def planned_work(self) -> tuple[Work, ...]:
        """Every archive that is no duplicate, or its shares, largest first: none is left over
        at the end."""
        return tuple(self.planned_sizes())

    def planned_sizes(self) -> dict[Work, int]:
        """The planned work, largest first, with its compressed bytes."""
        sizes = {
            work: size
            for each in self._pieces()
            for work, size in zip(_works(each), each.sizes, strict=True)
        }
        return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0].id)))

    def plans(self, work: Work) -> bool:
        """Whether it is planned work; of its archive alone anything is read."""
        return self._has(work.archive) and work in _works(self.archive(work.archive).pieces())

    def archive(self, archive_id: str) -> ArchiveRef:
        """Raises ContractError if the run has no such archive."""
        if self._has(archive_id) and (found := self.archives[int(archive_id)]).id == archive_id:
            return found
        raise ContractError(f"run {self.run_id} has no archive {archive_id}")

    def _has(self, archive_id: str) -> bool:
        return archive_id.isdecimal() and int(archive_id) < len(self.archives)

    def _pieces(self) -> Iterable[WorkSizes]:
        if isinstance(self.archives, InBlocks):
            return self.archives.pieces()
        return (archive.pieces() for archive in self.archives)


def _works(pieces: WorkSizes) -> Sequence[Work]:
    if pieces.are_shares:
        return [Work(pieces.archive, share=number) for number in range(len(pieces.sizes))]
    return [Work(pieces.archive)] if pieces.sizes else []
