"""The plan of a run: its archives, their days, and the work they make."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from pipeline_core.errors import ContractError
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
    price_history: int | None = None
    """Number of the version of the price history that the snapshot's products are; None if the run
    keeps none."""
    customers: DimensionSource | None = None
    """Where the customers came from; None if an earlier version did not say."""
    products: DimensionSource | None = None
    """Where the products came from; the same."""
    archives: tuple[ArchiveRef, ...]
    """The archives by name; an archive's place is its id."""
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
        is_cut = any(archive.shares for archive in self.archives)
        return "pieces of archives" if is_cut else plural(len(self.planned_work()), "archive")

    def planned_work(self) -> tuple[Work, ...]:
        """Every archive that is no duplicate, or its shares, largest first: none is left over
        at the end."""
        return tuple(self.planned_sizes())

    def planned_sizes(self) -> dict[Work, int]:
        """The planned work, largest first, with its compressed bytes."""
        sizes: dict[Work, int] = {}
        for archive in self.archives:
            if archive.duplicate_of is None and archive.shares:
                day_sizes = {day.index: day.size for day in archive.days}
                whole = max(1, sum(day_sizes.values()))  # of loose days it is not compressed
                for number, share in enumerate(archive.shares):
                    size = archive.size * sum(day_sizes[index] for index in share) // whole
                    sizes[Work(archive.id, share=number)] = size
            elif archive.duplicate_of is None:
                sizes[Work(archive.id)] = archive.size
        return dict(sorted(sizes.items(), key=lambda item: (-item[1], item[0].id)))

    def archive(self, archive_id: str) -> ArchiveRef:
        """Raises ContractError if the run has no such archive."""
        place = int(archive_id) if archive_id.isdecimal() else len(self.archives)
        if place < len(self.archives) and self.archives[place].id == archive_id:
            return self.archives[place]
        raise ContractError(f"run {self.run_id} has no archive {archive_id}")
