"""What a shop's hooks are told, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

Event = Literal[
    "published", "failed", "refused", "incomplete", "recovered", "late", "undelivered", "unfit"
]


class RunFigures(Struct, frozen=True, kw_only=True):
    """A run's summary in short."""

    run_id: str
    """The run."""
    total_revenue: str
    """Revenue as decimal text."""
    units_sold: int
    """Units of all counted purchases."""
    unique_customers: int
    """Distinct customers; guests are none."""
    events_seen: int
    """Events that were read."""
    events_counted: int
    """Purchases that are in the report, and returns that are taken from it, or in their own."""
    returns_counted: int
    """Returns among the counted events."""
    events_rejected: int
    """Events that were left out."""
    unreadable: int
    """Number of inputs that could not be read."""
    ignored: int
    """Number of files and entries that were passed over."""
    left_out: str
    """What was bought, as counted and left out by reason, in money, for people; empty if nothing is
    left out."""
    left_out_share: str
    """Share (0 to 1) of all purchases and returns that is left out, with six decimals."""
    left_out_revenue_share: str
    """The same of the money of all sales, as far as it is known."""
    left_out_purchases: int
    """Number of sales that are left out, but for those that were sent before."""
    left_out_revenue: str | None
    """What they would have brought, as decimal text; null if it is known of none."""
    left_out_unknown_revenue: int
    """Number of those of which that cannot be known: the money is at least what it says."""


class HookMessage(Struct, frozen=True, kw_only=True):
    """What the webhook gets as its body and the command on its standard input."""

    text: str
    """All of it for people, in sentences; ``& < >`` are escaped, as Slack asks."""
    event: Event
    """What happened."""
    run_id: str
    """The run; empty if there is none."""
    reason: str
    """Why, for people; empty of a complete report."""
    remedy: str
    """What to do about it; empty if there is nothing to do."""
    at: str
    """When it was told, in ISO 8601 (UTC)."""
    slot: str | None
    """The time on the schedule that it is about, as 20240301T0300 on the clock of SALES_TIMEZONE;
    null of a run that no schedule started."""
    changes: tuple[str, ...]
    """Sentences about a new report and the one before."""
    figures: RunFigures | None
    """The run's own figures if it has some, else those of the report that stands; null without
    both."""
    report: str | None
    """Path or URI of the page that the run published, else of the one that stands; null without
    both."""
    archives: tuple[str, ...]
    """Of ``recovered``: names of the archives whose work was taken up again, the first of them."""
    archives_total: int
    """How many there are."""


class Told(Struct, frozen=True, kw_only=True):
    """What hooks know of how a run ended."""

    is_complete: bool = True
    """Whether there is nothing more to tell, as in the records of earlier versions."""
    events: tuple[str, ...] = ()
    """The events that they heard so far."""


class Telling(Struct, frozen=True, kw_only=True):
    """Who tells the hooks right now."""

    owner: str
    """The process, as host:pid."""
    expires_at: datetime
    """When another may tell them (UTC): by then it has ended, or died."""
