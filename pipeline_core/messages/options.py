"""What a run was told: how to count, what an input may cost, when the dead are dead."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from pipeline_core.messages.closed_days import ClosedDays
from pipeline_core.messages.feed import Feed

UnknownMode = Literal["reject", "bucket"]
ReturnsMode = Literal["reject", "net", "separate"]
LEFT_OUT_SHARE = Decimal("0.05")


class Limits(Struct, frozen=True, kw_only=True):
    """What one input may cost. Sizes are uncompressed, counted while inflating."""

    part_bytes: int = 4 << 30
    """Bytes of one part."""
    day_bytes: int = 16 << 30
    """Bytes of one day's parts."""
    archive_bytes: int = 64 << 30
    """Bytes of one archive's parts."""
    event_bytes: int = 16 << 20
    """Bytes of one event's text."""
    zip_entries: int = 100_000
    """Entries in one zip, of an archive or of a day."""
    json_depth: int = 256
    """Nesting depth of a part's JSON."""
    dictionary_bytes: int = 256 << 20
    """Bytes of memory that one LZMA or Zstandard entry may take to look back."""
    reject_share: float = 1.0
    """Share (0 to 1) of purchases that may be rejected before the run is incomplete."""


class DriftLimits(Struct, frozen=True, kw_only=True):
    """How far a run may be from the last published one. Shares are exact; None is no limit."""

    revenue_change: Decimal | None = None
    """Share (0 to 1) that total revenue may rise or fall."""
    purchases_change: Decimal | None = None
    """Share (0 to 1) that the number of counted purchases may rise or fall."""
    reject_share_rise: Decimal | None = None
    """What may be added to the share of rejects: 0.02 is two points."""
    new_missing_days: int | None = None
    """Number of days missing that were not missing before."""
    customers_gone: Decimal | None = None
    """Share (0 to 1) of the customers that may be gone."""
    products_gone: Decimal | None = None
    """Share (0 to 1) of the products that may be gone."""


class Options(Struct, frozen=True, kw_only=True):
    """What decides a run's figures, how it is cut, and whether it is published; the same for every
    worker. A limit that is None was not known to the version that planned the run."""

    unknown: UnknownMode = "reject"
    """What becomes of purchases of products or customers that nobody knows."""
    returns: ReturnsMode = "reject"
    """What becomes of returns: left out, subtracted, or in a report of their own."""
    allow_incomplete: bool = False
    """Whether the run is published even if it is incomplete."""
    allow_drift: bool = False
    """Whether the run is published even if it drifts."""
    batch_size: int = 50_000
    """Events that a process holds at once; bounds memory, changes no figure."""
    reject_rows: int = 1_000_000
    """Most rows of rejects.csv."""
    reject_bytes: int | None = None
    """Most bytes of rows in rejects.csv."""
    reject_event_bytes: int | None = None
    """Most bytes of an event's text in rejects.csv; a longer one is cut."""
    most_listed: int | None = None
    """Most unreadable inputs, and conflicting days, that a summary or a receipt lists."""
    spreadsheet_safe: bool = False
    """Whether CSV texts that a spreadsheet would run as a formula get a ' before them."""
    as_of: date | None = None
    """Days dated later, or not at all, do not exist; None lets all of them."""
    follow_links: bool = False
    """Whether archives behind links that lead out of their folder are read: else they are
    unreadable."""
    feed: Feed = Feed()
    """How the shop's events are found and read."""
    limits: Limits = Limits()
    """What one input may cost."""
    drift: DriftLimits = DriftLimits()
    """How far the run may be from the last published one."""
    shop: str = ""
    """The shop's name, for the page."""
    left_out_share: Decimal = LEFT_OUT_SHARE
    """Share (0 to 1) of the purchases and returns, or of the money, from which a report says what
    share is left out."""
    currency: str = ""
    """Code or sign of the prices' currency, for the page."""
    closed_days: ClosedDays = ClosedDays()
    """Dates on which the shop is closed: they are not missing."""


class Policy(Struct, frozen=True, kw_only=True):
    """When the dead are taken for dead, and how often a killer is tried."""

    lease: int = 60
    """Seconds of silence after which whoever works on something is dead."""
    stall_after: int = 120
    """Seconds without progress after which missing work is sent again."""
    max_attempts: int = 3
    """Times that an archive may end its worker before it is left out."""
    requests: int = 16
    """Most requests to an object store that a process has under way at once."""


class Reuse(Struct, frozen=True, kw_only=True):
    """What a run uses of earlier ones, and keeps for later ones."""

    full: bool = False
    """Whether it uses nothing that earlier runs left."""
    keep: bool = True
    """Whether it keeps extracts for later runs."""
    extract_bytes: int | None = None
    """Bytes of extracts kept of an archive, beside eight times its own; None, of an earlier
    version, is no limit."""
