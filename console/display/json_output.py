"""What ``--json`` prints, as far as no other module has a struct for it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.messages import RunState, RunStatus

PlannedState = Literal["new", "changed", "unchanged", "duplicate", "unreadable"]


class PlannedArchive(Struct, frozen=True, kw_only=True):
    """An archive as a run would take it."""

    name: str
    """Its name in the place of data."""
    state: PlannedState
    """What the run would find it to be, beside the last run."""
    bytes: int
    """Bytes of its file."""
    days: int
    """Number of its days."""
    duplicate_days: list[str]
    """Names of its days that count in another archive."""
    duplicate_of: str | None
    """Name of the archive that has the same bytes, and counts; null if there is none."""
    cause: str | None
    """Why it cannot be read; null if it can."""


class Planned(Struct, frozen=True, kw_only=True):
    """What a run would read."""

    nothing_new: bool
    """Whether every archive is as the last run found it, and none would be opened. Customers and
    products are not looked at."""
    archives: list[PlannedArchive]
    """The archives, by name."""
    vanished: list[str]
    """Names of archives that counted in the last run, and are gone."""
    bytes_to_read: int
    """Bytes of the archives that would be opened."""
    expected_seconds: float | None
    """Seconds it would take, at the pace of earlier runs; null if none read anything."""
    conflicting_days: tuple[str, ...]
    """Names of days that two archives have with different bytes; both count."""
    missing_days: tuple[date, ...]
    """The last dates inside the covered range for which there is no day, though the shop is not
    closed on them."""
    missing_days_total: int
    """Number of missing days, listed or not."""
    ignored: dict[str, int]
    """Number of files beside the archives, and of entries of archives that are no days, by their
    ending."""


class Recovered(Struct, frozen=True, kw_only=True):
    """What was found of the newest run, unless it went on here: then its summary is printed."""

    run_id: str | None
    """The run; null if there is none yet."""
    found: str
    """What it was found to be, and what it was given, for people."""


class NothingNew(Struct, frozen=True, kw_only=True):
    """What ``run --if-changed`` prints in place of a summary if no run was made."""

    nothing_new_since: datetime
    """When the run was planned since which nothing is new (UTC)."""
    run_id: str
    """That run, the newest published one."""
    status: RunStatus
    """Whether it is complete; if it is not, the exit code is 3."""


class KeptPrice(Struct, frozen=True, kw_only=True):
    """What a product cost for a time."""

    product_id: str
    """Its id."""
    category: str | None
    """Its category; null or empty if it had none."""
    price: str | None
    """Its price as decimal text; null if it has none yet."""
    valid_from: date | None
    """The first day; null if it always cost that."""
    valid_to: date | None
    """The first day on which it did not any more; null if it still does."""


class KeptPrices(Struct, frozen=True, kw_only=True):
    """The price history."""

    number: int
    """Its version, from 1."""
    read_at: datetime
    """When the products were read of which it knows (UTC)."""
    run_id: str
    """The run whose plan made it, or of which it was taken; empty if a person gave it."""
    rows: list[KeptPrice]
    """By product, then by their days."""


class ListedRun(Struct, frozen=True, kw_only=True):
    """A run in the history. Figures are null if it has none."""

    run_id: str
    """The run."""
    state: RunState | Literal["unfinished"]
    """What became of it."""
    status: RunStatus | None
    """Whether it is complete; null if it has no outcome, or failed."""
    planned_at: datetime | None
    """When it was planned (UTC)."""
    archives: int | None
    """Archives that count, read in it or before; as planned, if it has no figures."""
    total_revenue: str | None
    """Revenue as decimal text."""
    events: int | None
    """Events that were read."""
    rejected: int | None
    """Events that were left out."""
    seconds: float | None
    """Seconds from the plan to the verdict, with all that was waited for in between."""
    work_seconds: float | None
    """Seconds that processes took for its archives, added up, without waiting; null of a run of an
    earlier version, too."""
    as_of: date | None
    """The last date of a report of a time past; null if it is of all days."""
    reason: str | None
    """Why it was refused or failed; null if it was not."""
    is_planned: bool = True
    """Whether it was planned: one that was not began nothing, and failed or is being planned."""
    report_removed_at: datetime | None = None
    """When `gc` removed its report (UTC); null if it did not."""


class UnfinishedRun(Struct, frozen=True):
    """A run that has no figures."""

    run_id: str
    """The run."""
    state: RunState | Literal["unfinished"]
    """What became of it."""
    reason: str
    """Why it has none, for people."""
    processed: int
    """Number of pieces of its work that are processed."""


class ListedReject(Struct, frozen=True, omit_defaults=True):
    """An event that was left out, and its place."""

    reason: str
    """Why it was left out."""
    archive: str
    """Name of the archive."""
    day: str
    """Name of the day in it."""
    part: str
    """Name of the part in the day."""
    position: int
    """Its place among the part's events, from 0."""
    event: str
    """Its text in the part."""
    is_cut: bool = False
    """Whether that is only the beginning of it; there if true."""
    item: int | None = None
    """Its place among the items of an order, from 0; there if it is one of them."""


class Backfilled(Struct, frozen=True, kw_only=True):
    """The run of one date."""

    as_of: date
    """The date: the last one of the report."""
    run_id: str
    """The run."""
    is_made: bool
    """Whether it was made now, and not there before."""
    state: RunState
    """What became of it."""
    status: RunStatus
    """Whether it is complete."""
    total_revenue: str | None
    """Revenue as decimal text; null if the run failed."""


class Collected(Struct, frozen=True):
    """What ``gc`` removed, or would remove."""

    extracts: int
    """Number of files of extracts."""
    merged: int
    """Number of merged partials."""
    results: int
    """Number of partials and rejects of single archives."""
    bytes: int
    """Bytes of these."""
    dry_run: bool
    """Whether nothing was removed."""
    reports: int = 0
    """Number of published reports."""
    report_bytes: int = 0
    """Bytes of their files."""
    runs: int = 0
    """Number of runs whose records are gone, but for how they ended."""
    blocks: int = 0
    """Number of blocks of archives' records that no run names."""
    run_under_way: str = ""
    """The run that has not ended, for which extracts, merged partials and snapshots stay; empty if
    none."""
    snapshots: int = 0
    """Number of files of snapshots of customers and products that no run names."""
