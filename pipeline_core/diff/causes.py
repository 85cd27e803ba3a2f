"""What a comparison of two runs says. Revenue is decimal text with the decimals of the run that
has more of them; a change is the second run's figure less the first's."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from pipeline_core.messages import DimensionSource, ReportPlugin, Totals

# In place of a first day, of days without a date.
UNDATED = "undated"


class CauseKind(StrEnum):
    """Why a figure changed, in the order of the steps."""

    NEW_ARCHIVE = "new_archive"
    VANISHED_ARCHIVE = "vanished_archive"
    CORRECTED_ARCHIVE = "corrected_archive"
    READABLE = "readable"
    UNREADABLE = "unreadable"
    CHANGED_LIMITS = "changed_limits"
    CHANGED_FEED = "changed_feed"
    SENT_TWICE = "sent_twice"
    REDATED_DAY = "redated_day"
    LATER_DAY = "later_day"
    RESTATED_PRICE = "restated_price"
    MOVED_CATEGORY = "moved_category"
    MOVED_SEGMENT = "moved_segment"
    KNOWN_CUSTOMER = "known_customer"
    GONE_CUSTOMER = "gone_customer"
    KNOWN_PRODUCT = "known_product"
    GONE_PRODUCT = "gone_product"
    CHANGED_UNKNOWN = "changed_unknown"
    CHANGED_RETURNS = "changed_returns"
    CHANGED_RULES = "changed_rules"


class Cause(Struct, frozen=True, kw_only=True):
    """What one thing did to a cell: an archive, a product, a customer, or a rule."""

    kind: CauseKind
    """What happened to it."""
    revenue: str
    """What it added to the revenue, as decimal text."""
    units: int
    """What it added to the units."""
    name: str = ""
    """The archive's name, or the product's or customer's id; empty of a rule."""
    day: str = ""
    """Name of the day in the archive, if it is about one; else empty."""
    before: str = ""
    """Its price, category, segment, mode or version in the first run; empty where it had none."""
    after: str = ""
    """The same in the second run."""
    valid_from: str = ""
    """The first day (ISO) of the time for which that holds of a product or a customer; empty if it
    always did; ``undated`` if it does for days without a date."""
    valid_to: str = ""
    """The first day (ISO) for which it does not hold any more; empty if there is none."""
    others: int = 0
    """Number of causes that are alike, too many to name, for which this one stands; they did less
    than those that are named. 0 if it is one of its own."""


class CellFigures(Struct, frozen=True):
    """A cell in the report of one run; zeros if it is not there."""

    revenue: str
    """Revenue as decimal text."""
    units: int
    """Units that were sold."""
    customers: int
    """Distinct customers."""


class CellChange(Struct, frozen=True, kw_only=True):
    """A category and segment of which a figure changed."""

    category: str
    """The category's name."""
    segment: str
    """The customer segment's name."""
    before: CellFigures
    """Its figures in the first run."""
    after: CellFigures
    """Its figures in the second run."""
    revenue: str
    """Change of the revenue, as decimal text."""
    units: int
    """Change of the units."""
    causes: tuple[Cause, ...]
    """What made it, the largest first: they add up to ``revenue`` and ``units``. Distinct customers
    cannot be added up."""


class KindTotal(Struct, frozen=True):
    """What all causes of one kind did to all cells."""

    kind: CauseKind
    """The kind."""
    revenue: str
    """What they added to the revenue, as decimal text."""
    units: int
    """What they added to the units."""


class ComparedRun(Struct, frozen=True):
    """One of the two runs."""

    run_id: str
    """The run."""
    totals: Totals
    """Its report in one line."""
    customers: DimensionSource | None = None
    """Where its customers came from; null if an earlier version did not say."""
    products: DimensionSource | None = None
    """Where its products came from; the same."""
    report_plugins: tuple[ReportPlugin, ...] = ()
    """Reports that plug-ins added to it."""


class Difference(Struct, frozen=True, kw_only=True):
    """Everything that changed from one report to the other."""

    before: ComparedRun
    """The first run."""
    after: ComparedRun
    """The second run."""
    revenue: str
    """Change of the revenue, as decimal text."""
    units: int
    """Change of the units."""
    kinds: tuple[KindTotal, ...]
    """What each kind of causes did; they add up to ``revenue`` and ``units``."""
    cells: tuple[CellChange, ...]
    """What changed in each cell, the largest change first; they add up, too."""
