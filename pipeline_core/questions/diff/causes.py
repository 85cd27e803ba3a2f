"""What a comparison of two runs says. Revenue is decimal text with the decimals of the run that
has more of them; a change is the second run's figure less the first's."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from pipeline_core.messages import Totals


class CauseKind(StrEnum):
    """Why a figure changed, in the order of the steps."""

    NEW_ARCHIVE = "new_archive"
    VANISHED_ARCHIVE = "vanished_archive"
    CORRECTED_ARCHIVE = "corrected_archive"
    READABLE = "readable"
    UNREADABLE = "unreadable"
    CHANGED_LIMITS = "changed_limits"
    LATER_DAY = "later_day"
    RESTATED_PRICE = "restated_price"
    MOVED_CATEGORY = "moved_category"
    MOVED_SEGMENT = "moved_segment"
    KNOWN_CUSTOMER = "known_customer"
    GONE_CUSTOMER = "gone_customer"
    KNOWN_PRODUCT = "known_product"
    GONE_PRODUCT = "gone_product"
    CHANGED_UNKNOWN = "changed_unknown"
    CHANGED_RULES = "changed_rules"


class Cause(Struct, frozen=True, kw_only=True):
    """What one thing did to a cell: an archive (or its ``day``), a product or a customer of such
    a ``name``, or a rule. ``before`` and ``after`` are its price, category, segment, mode or
    version, empty where it had none. A cause with ``others`` stands for so many that are alike, too
    many to name, and did less than those that are named."""

    kind: CauseKind
    revenue: str
    units: int
    name: str = ""
    day: str = ""
    before: str = ""
    after: str = ""
    others: int = 0


class Figures(Struct, frozen=True):
    """A cell in the report of one run; zeros if it is not there."""

    revenue: str
    units: int
    customers: int


class CellChange(Struct, frozen=True, kw_only=True):
    """A category and segment of which a figure changed. ``causes``, the largest first, add up to
    ``revenue`` and ``units``; distinct customers cannot be added up, so they have none."""

    category: str
    segment: str
    before: Figures
    after: Figures
    revenue: str
    units: int
    causes: tuple[Cause, ...]


class KindTotal(Struct, frozen=True):
    """What all causes of one kind did to all cells."""

    kind: CauseKind
    revenue: str
    units: int


class ComparedRun(Struct, frozen=True):
    """One of the two runs."""

    run_id: str
    totals: Totals


class Difference(Struct, frozen=True, kw_only=True):
    """Everything that changed from one report to the other: ``cells``, the largest change first,
    and ``kinds``, both of which add up to ``revenue`` and ``units``."""

    before: ComparedRun
    after: ComparedRun
    revenue: str
    units: int
    kinds: tuple[KindTotal, ...]
    cells: tuple[CellChange, ...]
