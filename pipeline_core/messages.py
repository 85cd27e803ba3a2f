"""The small frozen structs that cross a process border or are kept as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

from pipeline_core.errors import ContractError

UnknownMode = Literal["reject", "bucket"]
RunStatus = Literal["complete", "incomplete"]
RunState = Literal["published", "refused", "failed"]
# What a person has to allow, with --allow-…, before a refused run is published.
Allowance = Literal["incomplete", "drift"]


class RejectReason(StrEnum):
    """Why an event was left out, in the order in which the reasons are tried."""

    NOT_AN_OBJECT = "not_an_object"
    INVALID_EVENT_TYPE = "invalid_event_type"
    INVALID_CUSTOMER_ID = "invalid_customer_id"
    INVALID_PRODUCT_ID = "invalid_product_id"
    INVALID_QUANTITY = "invalid_quantity"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_CUSTOMER = "unknown_customer"
    MISSING_CATEGORY = "missing_category"
    MISSING_SEGMENT = "missing_segment"


class Limits(Struct, frozen=True, kw_only=True):
    """What one input may cost. Sizes are uncompressed bytes, counted while inflating;
    ``dictionary_bytes`` is the memory that LZMA or Zstandard may take to look back."""

    part_bytes: int = 4 << 30
    day_bytes: int = 16 << 30
    archive_bytes: int = 64 << 30
    event_bytes: int = 16 << 20
    zip_entries: int = 100_000
    json_depth: int = 256
    dictionary_bytes: int = 256 << 20
    reject_share: float = 1.0


class DriftLimits(Struct, frozen=True, kw_only=True):
    """How far a run may be from the last published one: exact shares, and a number of days.
    None is no limit."""

    revenue_change: Decimal | None = None
    purchases_change: Decimal | None = None
    reject_share_rise: Decimal | None = None
    new_missing_days: int | None = None
    customers_gone: Decimal | None = None
    products_gone: Decimal | None = None


class Options(Struct, frozen=True, kw_only=True):
    """What decides a run's figures (and how it is cut, and whether it is published); the same for
    every worker.

    ``batch_size`` is in events and bounds memory, ``reject_rows`` and ``reject_bytes`` cap
    rejects.csv, ``reject_event_bytes`` is what of an event's text it has, and ``most_listed`` caps
    lists of a summary; in a plan of an earlier version, which knew no such limit, the last three
    are None. None of these changes a figure. With ``as_of``, days dated later, or not at all, do
    not exist. Without ``follow_links``, archives behind links that lead out of their folder are
    unreadable.
    """

    unknown: UnknownMode = "reject"
    allow_incomplete: bool = False
    allow_drift: bool = False
    batch_size: int = 50_000
    reject_rows: int = 1_000_000
    reject_bytes: int | None = None
    reject_event_bytes: int | None = None
    most_listed: int | None = None
    spreadsheet_safe: bool = False
    as_of: date | None = None
    follow_links: bool = False
    limits: Limits = Limits()
    drift: DriftLimits = DriftLimits()


class Policy(Struct, frozen=True, kw_only=True):
    """When the dead are taken for dead, in seconds, and how often a killer is tried."""

    lease: int = 60
    stall_after: int = 120
    max_attempts: int = 3


class Reuse(Struct, frozen=True, kw_only=True):
    """Whether a run is ``full``, and uses nothing that earlier ones left, and whether it keeps
    extracts for later ones: of an archive up to ``extract_bytes`` and eight times its own; None,
    of an earlier version, is no limit."""

    full: bool = False
    keep: bool = True
    extract_bytes: int | None = None


class DayRef(Struct, frozen=True):
    """A daily zip inside an archive: ``index`` is its place in the zip's directory, ``digest``
    the SHA-256 of its bytes where two days looked alike or an earlier run found it out,
    ``duplicate_of`` the archive that has the same bytes."""

    name: str
    index: int
    size: int
    crc: int
    digest: str | None = None
    duplicate_of: str | None = None


class ArchiveRef(Struct, frozen=True, kw_only=True):
    """One weekly archive as it was planned. ``id`` is its number in the manifest; ``version``
    changes whenever its bytes do, and is empty if no file could be opened: ``unreadable`` says
    why. One that is too large for one process has ``shares``: directory places of days, each place
    once, that are processed apart. ``ignored`` are its entries that are no days, by their ending;
    None if an earlier version did not look."""

    id: str
    name: str
    size: int
    version: str
    days: tuple[DayRef, ...] = ()
    shares: tuple[tuple[int, ...], ...] = ()
    digest: str | None = None
    duplicate_of: str | None = None
    unreadable: str | None = None
    ignored: dict[str, int] | None = None

    def planned_skip(self) -> frozenset[int]:
        """Directory places of the days that count elsewhere."""
        return frozenset(day.index for day in self.days if day.duplicate_of is not None)


class Manifest(Struct, frozen=True, kw_only=True):
    """The plan of one run, written once. URIs carry no secrets. ``rules`` are the versions of
    extraction and counting that the run is made by, empty if an earlier version did not say.
    ``ignored`` are the files of ``data`` that are no archives, by their ending; None if an earlier
    version did not look."""

    run_id: str
    created_at: datetime
    engine: str
    data: str
    reports: str
    options: Options
    policy: Policy = Policy()
    dimensions_digest: str
    archives: tuple[ArchiveRef, ...]
    conflicting_days: tuple[str, ...] = ()
    reuse: Reuse = Reuse()
    rules: str = ""
    ignored: dict[str, int] | None = None

    @property
    def work_unit(self) -> str:
        """What ``planned_work`` counts, for people."""
        is_cut = any(archive.shares for archive in self.archives)
        return "pieces of archives" if is_cut else "archives"

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
                for number, share in enumerate(archive.shares):
                    size = sum(day_sizes[index] for index in share)
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


class Work(Struct, frozen=True):
    """One archive to process, or one of its shares by number. ``skip`` are the directory places
    of days that count in another archive; None means as planned."""

    archive: str
    skip: tuple[int, ...] | None = None
    share: int | None = None

    @property
    def id(self) -> str:
        """Names the receipt: the archive's id, marked if it is a share, or not processed as
        planned."""
        if self.share is not None:
            return f"{self.archive}-s{self.share:04d}"
        if self.skip is None:
            return self.archive
        places = ",".join(map(str, self.skip))
        return f"{self.archive}-{hashlib.sha256(places.encode()).hexdigest()[:8]}"


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at a piece of work. Whoever makes it keeps moving ``expires_at`` on; a running
    attempt past it is lost, most likely with its process. ``retries`` is Celery's count."""

    number: int
    owner: str
    task_id: str | None
    retries: int
    started_at: datetime
    expires_at: datetime
    state: Literal["running", "done", "handed_back", "failed"] = "running"
    culpable: bool = False
    cause: str = ""


class Dispatch(Struct, frozen=True, kw_only=True):
    """Work that was sent to workers together; ``why`` says what had happened, if anything."""

    number: int
    sent_at: datetime
    sent_by: str
    work: tuple[Work, ...]
    why: str = ""


class Unreadable(Struct, frozen=True):
    """The place and the cause of an input that could not be read at all."""

    archive: str
    day: str | None
    part: str | None
    cause: str


class RepeatedEntry(Struct, frozen=True):
    """A name that several entries of one zip have, with different bytes: all of them count. A part
    of a day, or, without ``part``, a day of an archive."""

    archive: str
    day: str
    part: str | None = None


# How many of them are kept, of a receipt or a run: the first by name.
MOST_REPEATED = 1000
# How many missing days a summary lists if its run has a limit: the last ones.
MOST_MISSING = 10_000


class RejectFigures(Struct, frozen=True):
    """Events left out for one reason; units and minor-unit revenue where they can be known."""

    events: int = 0
    units: int | None = None
    revenue: int | None = None


class Counts(Struct, frozen=True, kw_only=True):
    """The conservation law of one archive: seen = counted + not_purchase + rejected."""

    seen: int = 0
    counted: int = 0
    not_purchase: int = 0
    rejected: dict[str, RejectFigures] = {}


class Tally(Struct, frozen=True):
    """How many archives, days or parts were read, reused, known already, or unreadable."""

    read: int = 0
    reused: int = 0
    duplicate: int = 0
    unreadable: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.read + other.read,
            self.reused + other.reused,
            self.duplicate + other.duplicate,
            self.unreadable + other.unreadable,
        )


class StoredFile(Struct, frozen=True):
    """A file in the state storage and the SHA-256 (hex) its bytes must have."""

    key: str
    digest: str
    rows: int


class Receipt(Struct, frozen=True, kw_only=True):
    """The proof that one archive, or one share of it, was processed: what was in it and where
    the results are. The archive's own ``digest`` and ``compressed_bytes`` are its first share's.
    ``general_events`` were decoded by the general tier, which is slower and says the same.
    ``day_digests`` are by directory place; ``bytes_read`` is 0 if the archive was not opened;
    ``rejects`` is None if there are none. ``ignored`` are entries, by their ending, that are no
    days or, in a day that was read here, no parts; those of an archive are its first share's.
    ``attempt`` is the number of the attempt that made it, 0 if nobody says. ``repeated_parts`` are
    at most MOST_REPEATED, ``unreadable`` the first of ``unreadable_count``."""

    run_id: str
    archive: str
    digest: str | None
    days: Tally
    parts: Tally
    counts: Counts
    unreadable: tuple[Unreadable, ...]
    partials: dict[str, StoredFile]
    rejects: StoredFile | None
    compressed_bytes: int
    json_bytes: int
    seconds: float
    share: int | None = None
    general_events: int = 0
    quarantined: bool = False
    day_digests: dict[int, str] = {}
    bytes_read: int = 0
    ignored: dict[str, int] = {}
    attempt: int = 0
    repeated_parts: tuple[RepeatedEntry, ...] = ()

    @property
    def unreadable_count(self) -> int:
        """The archive, or the days and parts, that could not be read, listed or not."""
        is_broken = any(place.day is None for place in self.unreadable)
        return is_broken + self.days.unreadable + self.parts.unreadable


class ReusedReceipts(Struct, frozen=True):
    """Receipts that a run took over from the one before, by the work's id."""

    receipts: dict[str, Receipt]


class Totals(Struct, frozen=True):
    """The report in one line; revenue as decimal text."""

    total_revenue: str
    units_sold: int
    unique_customers: int


class RejectSummary(Struct, frozen=True):
    """As ``RejectFigures``, with revenue as decimal text."""

    events: int
    units: int | None
    revenue: str | None


class EventCounts(Struct, frozen=True):
    """seen = counted + not_purchase + rejected."""

    seen: int
    counted: int
    not_purchase: int
    rejected: int


class PartCounts(Struct, frozen=True):
    """Parts that were read and parts that could not be."""

    read: int
    unreadable: int


class Summary(Struct, frozen=True, kw_only=True):
    """summary.json: everything one run can say about itself. ``general_events`` as in Receipt;
    ``compressed_bytes`` are those of the inputs, ``bytes_read`` those of archives that this run
    opened. ``as_of`` is the last date of a report of a time past. ``allowed_drift`` is what moved
    too far since the last published run and was published by --allow-drift, else empty. ``ignored``
    are files and entries that were passed over without being read, by their ending.
    ``allowed_empty`` is what speaks against a report that counts nothing, if there is something and
    it was published by --allow-incomplete, else empty. ``repeated_parts`` are at most
    MOST_REPEATED, days of an archive included. ``unreadable`` has every archive and the first days
    and parts, ``conflicting_days`` the first, ``missing_days`` the last of the number beside it;
    null, of an earlier version, is as many as are listed."""

    run_id: str
    status: RunStatus
    engine: str
    created_at: datetime
    finished_at: datetime
    archives: Tally
    days: Tally
    parts: PartCounts
    events: EventCounts
    rejected: dict[str, RejectSummary]
    totals: Totals
    unreadable: tuple[Unreadable, ...]
    conflicting_days: tuple[str, ...]
    missing_days: tuple[date, ...]
    dimensions_digest: str
    inputs: dict[str, str | None]
    compressed_bytes: int
    json_bytes: int
    seconds: float
    general_events: int = 0
    bytes_read: int = 0
    as_of: date | None = None
    allowed_drift: str = ""
    ignored: dict[str, int] = {}
    allowed_empty: str = ""
    repeated_parts: tuple[RepeatedEntry, ...] = ()
    unreadable_total: int | None = None
    conflicting_days_total: int | None = None
    missing_days_total: int | None = None

    @property
    def unreadable_count(self) -> int:
        """Inputs that could not be read, listed or not."""
        return _counted(self.unreadable_total, self.unreadable)

    @property
    def conflicting_count(self) -> int:
        """Conflicting days, listed or not."""
        return _counted(self.conflicting_days_total, self.conflicting_days)

    @property
    def missing_count(self) -> int:
        """Missing days, listed or not."""
        return _counted(self.missing_days_total, self.missing_days)


def _counted(total: int | None, listed: Sequence[object]) -> int:
    return len(listed) if total is None else total


class Known(Struct, frozen=True):
    """An archive as the last run left it: every receipt that counted, with its work."""

    archive: ArchiveRef
    done: tuple[tuple[Work, Receipt], ...]


class Memory(Struct, frozen=True, kw_only=True):
    """What the last run found out about the archives of ``data``. Receipts were made by
    ``options`` and the dimensions of ``dimensions_digest``, by ``rules`` (RULES_VERSION) and
    ``extraction`` (EXTRACTION_VERSION; before it was noted it was 1)."""

    rules: int
    extraction: int = 1
    data: str
    options: Options
    dimensions_digest: str
    archives: tuple[Known, ...]


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to become of a run, decided once: the fence between publishing and failing. A
    refused one ``needs`` to be allowed that much to be published. ``drift`` is what moved too far,
    ``empty`` why a run that counts nothing is no report; allowed or not."""

    state: RunState
    finished_at: datetime
    reason: str = ""
    remedy: str = ""
    needs: tuple[Allowance, ...] = ()
    drift: str = ""
    empty: str = ""


class Outcome(Struct, frozen=True, kw_only=True):
    """How a run ended. ``reason`` says why it was refused or failed, ``remedy`` what to do."""

    run_id: str
    state: RunState
    status: RunStatus
    reason: str = ""
    remedy: str = ""
    summary: Summary | None = None

    @classmethod
    def failure(cls, run_id: str, verdict: Verdict) -> Outcome:
        """The outcome of a run that ended in an error."""
        return cls(
            run_id=run_id,
            state="failed",
            status="incomplete",
            reason=verdict.reason,
            remedy=verdict.remedy,
        )

    @property
    def exit_code(self) -> int:
        """0 published and complete, 1 refused or failed, 3 published though incomplete."""
        if self.state != "published":
            return 1
        return 0 if self.status == "complete" else 3


def to_json(message: Struct) -> bytes:
    """Readable JSON (UTF-8, indented, newline at the end)."""
    return msgspec.json.format(msgspec.json.encode(message), indent=2) + b"\n"
