"""What changed since the run published before, small enough for a page and a notification."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Struct

from pipeline_core.messages import Totals

_TOLD = 3


class TopCause(Struct, frozen=True, kw_only=True):
    """What one thing did to the whole report. All texts are untrusted, and cut if they are very
    long."""

    kind: str
    """One of `diff`'s kinds of causes."""
    because: str
    """The archive, product, customer or rule, in words."""
    revenue: str
    """What it added to the revenue, as decimal text."""
    units: int
    """What it added to the units."""
    rows: int
    """Rows of the report that it changed; 0 if nobody knows in which."""
    category: str
    """Category of the row that it changed most; empty if nobody knows."""
    segment: str
    """Segment of that row."""


class OtherCauses(Struct, frozen=True):
    """Causes that did less, added up."""

    count: int
    """Number of them."""
    revenue: str
    """What they added to the revenue, as decimal text."""
    units: int
    """What they added to the units."""


class Changes(Struct, frozen=True, kw_only=True):
    """A run's totals less those of the published run before it. ``causes`` and ``others`` add up to
    ``revenue`` and ``units``, unless ``unknown`` says why they are not known."""

    since: str
    """The run before."""
    run_id: str
    """The run."""
    before: Totals
    """Totals of the run before."""
    after: Totals
    """Totals of the run."""
    revenue: str
    """Change of the revenue, as decimal text."""
    units: int
    """Change of the units."""
    customers: int
    """Change of the distinct customers, which causes do not add up to."""
    causes: tuple[TopCause, ...] = ()
    """What did most, the largest first."""
    others: OtherCauses | None = None
    """What did less; None if nothing did."""
    unknown: str = ""
    """Why causes are not known, for people; empty if they are."""


def sentences(changes: Changes) -> Iterator[str]:
    """How revenue moved, the largest causes, and where there is more."""
    total = _plain(changes.after.total_revenue)
    if _is_zero(changes.revenue):
        yield f"Revenue is {total}, as in run {changes.since}."
    else:
        yield f"Revenue {_moved(changes.revenue)} to {total} since run {changes.since}."
    for cause in changes.causes[:_TOLD]:
        yield f"{_effect(cause)}: {cause.because}."
    others = changes.causes[_TOLD:]
    count = len(others) + (changes.others.count if changes.others else 0)
    if count:
        yield f"{count:,} more {'cause' if count == 1 else 'causes'} did less."
    if changes.unknown:
        yield f"What made it is not known: {changes.unknown}"
    yield f"`sales-pipeline diff {changes.since} {changes.run_id}` says more."


def _effect(cause: TopCause) -> str:
    """Revenue of Toys / VIP fell by 1,204.50"""
    if not cause.rows:  # what rules did is not known by row
        return f"Revenue {_moved(cause.revenue)}"
    cell = f"{cause.category} / {cause.segment}"
    where = cell if cause.rows == 1 else f"{cause.rows:,} rows, most of {cell},"
    if not _is_zero(cause.revenue):
        return f"Revenue of {where} {_moved(cause.revenue)}"
    if cause.units:
        return f"Units of {where} {_moved(str(cause.units))}"
    return f"Sales of {where} moved"


def _moved(amount: str) -> str:
    return f"{'fell' if amount.startswith('-') else 'rose'} by {_plain(amount.lstrip('-'))}"


def _plain(number: str) -> str:
    return f"{Decimal(number):,f}"


def _is_zero(number: str) -> bool:
    return not Decimal(number)
