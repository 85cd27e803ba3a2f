"""What one run leaves for the next."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from pipeline_core.messages.blocks import ArchiveBlock
from pipeline_core.messages.manifest import ArchiveRef
from pipeline_core.messages.options import Options
from pipeline_core.messages.receipt import Receipt
from pipeline_core.messages.report_plugin import ReportPlugin
from pipeline_core.messages.work import Work


class Known(Struct, frozen=True):
    """An archive as the last run left it."""

    archive: ArchiveRef
    """As it was planned, with the digests that were found out."""
    done: tuple[tuple[Work, Receipt], ...]
    """Every receipt that counted, with its work."""


class Memory(Struct, frozen=True, kw_only=True):
    """What the last run found out about the archives of a place."""

    rules: int
    """RULES_VERSION by which the receipts were made."""
    extraction: int = 1
    """EXTRACTION_VERSION by which they were made; before it was noted it was 1."""
    data: str
    """URI of the archives."""
    options: Options
    """Options of the run that made the receipts."""
    dimensions_digest: str
    """SHA-256 (hex) of the snapshot of customers and products they were made with."""
    customer_numbers: str | None = None
    """SHA-256 (hex) of the file of customers' numbers in that run's manifest."""
    report_plugins: tuple[ReportPlugin, ...] = ()
    """Reports of plug-ins that the receipts have partials of, by name."""
    archives: Collection[Known] = ()
    """The archives, by name. Of many, the record has none, and names ``blocks``."""
    blocks: tuple[ArchiveBlock, ...] = ()
    """Files of the archives, in their order and without what is the run's alone; none of few."""
    run_id: str = ""
    """The run that left it, the first of those that left the same; empty if an earlier version did
    not say."""
    planned: tuple[ArchiveBlock, ...] = ()
    """Files that the manifest of that run names."""
