"""summary.json: what a run says of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from pipeline_core.messages.counts import RejectReason, Tally
from pipeline_core.messages.inputs import RepeatedEntry, Unreadable
from pipeline_core.messages.reconciliation import Reconciliation
from pipeline_core.messages.report_plugin import ReportPlugin
from pipeline_core.plural import counted

RunStatus = Literal["complete", "incomplete"]
# How many missing days a summary lists if its run has a limit: the last ones.
MOST_MISSING = 10_000


class Totals(Struct, frozen=True):
    """The report in one line."""

    total_revenue: str
    """Revenue as decimal text."""
    units_sold: int
    """Units of all counted purchases."""
    unique_customers: int
    """Distinct customers; guests are none."""


class RejectSummary(Struct, frozen=True):
    """What was left out for one reason. What came back, and is left out for another reason than
    that, would have sold and brought nothing: it is in no sum but that of ``returns``."""

    events: int
    """Number of events."""
    units: int | None
    """Units they would have sold, below 0 of returns; null if they are known of none."""
    revenue: str | None
    """What they would have brought, as decimal text, below 0 of returns; null if it is known of
    none."""
    unknown_units: int | None = None
    """Number of events in these sums whose units cannot be known; null of an earlier version."""
    unknown_revenue: int | None = None
    """The same of what they would have brought."""
    returns: RejectSummary | None = None
    """Those that are returns, if the reason is another; null if there are none."""


class Returns(Struct, frozen=True, kw_only=True):
    """What came back, as positive amounts."""

    events: int
    """Number of events; they are among the counted ones."""
    units: int
    """Units that came back."""
    revenue: str
    """What they had brought, as decimal text."""
    unique_customers: int | None
    """Distinct customers who brought something back; null where returns are subtracted."""


class EventCounts(Struct, frozen=True):
    """seen = counted + not_purchase + rejected."""

    seen: int
    """Events that were read."""
    counted: int
    """Purchases that are in the report, and returns that are taken from it, or in their own."""
    not_purchase: int
    """Events that are something else."""
    rejected: int
    """Events that were left out."""


class PartCounts(Struct, frozen=True):
    """How many parts became what."""

    read: int
    """Parts that were read."""
    unreadable: int
    """Parts that could not be."""


class EventPlace(Struct, frozen=True):
    """Where an event is."""

    archive: str
    """Name of the archive."""
    day: str
    """Name of the day in it."""
    part: str
    """Name of the part in the day."""
    position: int
    """Its place among the part's events, from 0."""

    def __str__(self) -> str:
        return f"{self.archive} > {self.day} > {self.part}, event {self.position}"


class UnlikeFirst(Struct, frozen=True):
    """What was left out as sent twice, and says something else than the first with its key."""

    events: int
    """Number of events."""
    again: EventPlace | None
    """The first of them; null if its events are gone."""
    first: EventPlace | None
    """What has its key, and counts, or was rejected for another reason; null if its events are
    gone."""


class Summary(Struct, frozen=True, kw_only=True):
    """Everything that one run can say about itself."""

    run_id: str
    """The run, whose folder among the reports has this name."""
    status: RunStatus
    """Incomplete if something could not be read, too much was rejected, most of what was sent twice
    is not like the first, or nothing counts."""
    engine: str
    """What processed the archives: local or celery."""
    created_at: datetime
    """When the run was planned (UTC)."""
    finished_at: datetime
    """When it was decided what becomes of the run (UTC)."""
    archives: Tally
    """What became of the archives."""
    days: Tally
    """What became of the days."""
    parts: PartCounts
    """What became of the parts."""
    events: EventCounts
    """What became of the events."""
    rejected: dict[str, RejectSummary]
    """What was left out, by reason."""
    totals: Totals
    """The report in one line."""
    unreadable: tuple[Unreadable, ...]
    """Every archive that could not be read, and the first such days and parts."""
    conflicting_days: tuple[str, ...]
    """The first names of days that two archives have with different bytes; both count."""
    missing_days: tuple[date, ...]
    """The last dates inside the covered range for which there is no day, though the shop is not
    closed on them."""
    dimensions_digest: str
    """SHA-256 (hex) of the values of the snapshot of customers and products."""
    inputs: Mapping[str, str | None]
    """SHA-256 (hex) of every archive, by its name; null if it could not be read."""
    compressed_bytes: int
    """Bytes of the archives that count."""
    json_bytes: int
    """Bytes of their parts, uncompressed."""
    seconds: float
    """Seconds from the plan to the verdict, with all that was waited for in between."""
    general_events: int = 0
    """Events decoded by the general tier, which is slower and says the same."""
    bytes_read: int = 0
    """Bytes of the archives that this run opened."""
    as_of: date | None = None
    """The last date of a report of a time past; null if it is of all days."""
    allowed_drift: str = ""
    """What moved too far since the last published run and was published by --allow-drift; else
    empty."""
    ignored: dict[str, int] = {}
    """Number of files and entries passed over without being read, by their ending."""
    allowed_empty: str = ""
    """What speaks against a report that counts nothing, if it was published by --allow-incomplete;
    else empty."""
    repeated_parts: tuple[RepeatedEntry, ...] = ()
    """The first MOST_REPEATED of the parts, and days of an archive, that are repeated."""
    unreadable_total: int | None = None
    """Number of inputs that could not be read; null of an earlier version, which listed all."""
    conflicting_days_total: int | None = None
    """Number of conflicting days; null of an earlier version, which listed all."""
    missing_days_total: int | None = None
    """Number of missing days; null of an earlier version, which listed all."""
    report_plugins: tuple[ReportPlugin, ...] = ()
    """Reports of plug-ins that were published beside ours, by name."""
    unlike_first: UnlikeFirst | None = None
    """What was left out as sent twice, and differs from the first in customer, product, quantity
    or price paid; null if nothing does."""
    returns: Returns | None = None
    """What came back and was subtracted, or is in returns.csv; null where returns are left out."""
    undated: int = 0
    """Counted purchases of days without a date whose product or customer has rows that are not
    always valid: the newest of these was taken."""
    reconciliation: Reconciliation | None = None
    """All that was bought, beside what is counted and left out, in money; null of an earlier
    version."""
    work_seconds: float | None = None
    """Seconds that processes took for its archives, each archive's added up: without planning,
    publishing, tries that failed, and waiting; null of an earlier version."""

    @property
    def bad_events(self) -> int:
        """Events that were rejected, but for those that were sent before: their first counts."""
        return self.events.rejected - self.sent_twice

    @property
    def sent_twice(self) -> int:
        """Events that were left out since they were sent before."""
        duplicate = self.rejected.get(RejectReason.DUPLICATE_EVENT)
        return 0 if duplicate is None else duplicate.events

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


def is_subtracted(returns: Returns) -> bool:
    """Whether they are subtracted from the report, and not in one of their own."""
    return returns.unique_customers is None


def undated_words(summary: Summary) -> str:
    """How many purchases had to take the newest row for want of a date, in a sentence; empty if
    none had."""
    if not summary.undated:
        return ""
    return (
        f"Of days without a date: {counted(summary.undated, 'purchase')} of products or customers "
        "that are not always the same; the newest price, category and segment counted."
    )


def unlike_words(summary: Summary) -> str:
    """How many events were left out as sent twice that are not, by what they say, and where the
    first of them is, in a sentence; empty if there are none."""
    unlike = summary.unlike_first
    if unlike is None:
        return ""
    said = (
        f"{unlike.events:,} of {counted(summary.sent_twice, 'event')} left out as sent twice "
        f"{'differs' if unlike.events == 1 else 'differ'} from the first in customer, product or "
        "quantity"
    )
    if unlike.again is None or unlike.first is None:
        return f"{said}."
    return f"{said}, such as {unlike.again}, from {unlike.first}."
