"""What the summary of a run must have published, by the recount."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from pipeline_core.messages import (
    MOST_MISSING,
    MOST_REPEATED,
    ClosedDays,
    Manifest,
    RejectReason,
    RejectSummary,
    Summary,
)
from pipeline_core.verify.counts import Count, Day, Lost, Place
from pipeline_core.verify.recount import Recount
from pipeline_core.verify.tables import money, net_sales, total

Figures = dict[str, object]


def published_figures(summary: Summary, *, days_known: bool) -> Figures:
    """What of summary.json can be counted again, by name. Reused work counts as read. Without
    conflicting, repeated and missing days if not all days are known."""
    figures: Figures = {
        "totals.total_revenue": summary.totals.total_revenue,
        "totals.units_sold": summary.totals.units_sold,
        "totals.unique_customers": summary.totals.unique_customers,
        "events.seen": summary.events.seen,
        "events.counted": summary.events.counted,
        "events.not_purchase": summary.events.not_purchase,
        "events.rejected": summary.events.rejected,
        "undated": summary.undated,
        "parts.read": summary.parts.read,
        "parts.unreadable": summary.parts.unreadable,
        "days.read": summary.days.read + summary.days.reused,
        "days.duplicate": summary.days.duplicate,
        "days.unreadable": summary.days.unreadable,
        "archives.read": summary.archives.read + summary.archives.reused,
        "archives.duplicate": summary.archives.duplicate,
        "archives.unreadable": summary.archives.unreadable,
        "unreadable_total": summary.unreadable_count,
        "run_id": summary.run_id,
        "status": summary.status,
        "dimensions_digest": summary.dimensions_digest,
    }
    told = summary.reconciliation
    if summary.returns is not None:
        figures |= {
            f"returns.{name}": value
            for name, value in msgspec.structs.asdict(summary.returns).items()
        }
    for reason, lost in summary.rejected.items():
        figures |= _reject_figures(f"rejected.{reason}", lost, is_of_now=told is not None)
    if told is not None:
        bought, left_out = told.bought.revenue, told.left_out.revenue
        figures |= _sales_figures(Decimal(bought or 0), Decimal(left_out or 0))
    places = (Place(each.archive, each.day, each.part) for each in summary.unreadable)
    figures |= _numbered("unreadable", map(_shown, places))
    figures |= {f"ignored.{ending}": number for ending, number in summary.ignored.items()}
    if days_known:
        figures |= _numbered("conflicting_days", summary.conflicting_days)
        repeated = (Place(each.archive, each.day, each.part) for each in summary.repeated_parts)
        figures |= _numbered("repeated_parts", map(_shown, repeated))
        figures |= _numbered("missing_days", map(str, summary.missing_days))
        figures["conflicting_days_total"] = summary.conflicting_count
        figures["missing_days_total"] = summary.missing_count
    return figures | {f"inputs.{name}": digest for name, digest in summary.inputs.items()}


def recounted_figures(
    manifest: Manifest,
    recount: Recount,
    inputs: dict[str, str | None],
    scale: int,
    *,
    counted_before: bool,
    has_wrong_key: bool,
    is_of_now: bool,
) -> Figures:
    """The same by the recount; ``inputs`` are SHA-256 by archive. If an archive cannot be read,
    nobody knows all days. ``counted_before``: whether the run says that it is incomplete because
    it counts nothing, and the one before did; nobody else can know. ``has_wrong_key``: whether it
    says that most of what was sent twice is not like the first, which is not counted here.
    ``is_of_now``: whether it says how much nobody knows of what is left out."""
    count = recount.total
    left_out = sum(lost.events for lost in count.rejected.values())
    sent_twice = count.rejected.get(RejectReason.DUPLICATE_EVENT, Lost()).events
    bad = left_out - sent_twice
    too_many = bad > manifest.options.limits.reject_share * (count.counted + bad)
    # An earlier version, which did not look at what it ignored, took that for a report.
    is_refused = count.seen > 0 and manifest.ignored is not None
    is_empty = not count.counted and (is_refused or counted_before)
    is_incomplete = bool(count.unreadable) or too_many or is_empty or has_wrong_key
    returns, sales = manifest.options.returns, total(count.sales)
    totals = total(net_sales(count)) if returns == "net" else sales
    figures: Figures = {
        "totals.total_revenue": money(totals.revenue, scale),
        "totals.units_sold": totals.units,
        "totals.unique_customers": len(set().union(*count.customers.values())),
        "events.seen": count.seen,
        "events.counted": count.counted,
        "events.not_purchase": count.not_purchase,
        "events.rejected": left_out,
        "undated": count.newest,
        "parts.read": count.parts_read,
        "parts.unreadable": sum(place.part is not None for place in count.unreadable),
        "days.read": count.days_read,
        "days.duplicate": count.days_duplicate,
        "days.unreadable": sum(place.part is None for place in count.unreadable) - recount.broken,
        "archives.read": recount.read,
        "archives.duplicate": recount.duplicate,
        "archives.unreadable": recount.broken,
        "unreadable_total": len(count.unreadable),
        "run_id": manifest.run_id,
        "status": "incomplete" if is_incomplete else "complete",
        "dimensions_digest": manifest.dimensions_digest,
    }
    if returns != "reject":
        came_back, is_apart = total(count.returns), returns == "separate"
        returners = len(set().union(*count.returners.values())) if is_apart else None
        figures |= {
            "returns.events": came_back.events,
            "returns.units": came_back.units,
            "returns.revenue": money(came_back.revenue, scale),
            "returns.unique_customers": returners,
        }
    for reason, lost in count.rejected.items():
        figures |= _reject_figures(f"rejected.{reason}", _lost(lost, scale), is_of_now=is_of_now)
    if is_of_now:
        apart = RejectReason.RETURN, RejectReason.DUPLICATE_EVENT
        lost_sales = sum(
            (each.revenue for name, each in count.rejected.items() if name not in apart), Decimal(0)
        )
        figures |= _sales_figures(sales.revenue + lost_sales, lost_sales)
    most = manifest.options.most_listed
    figures |= _numbered("unreadable", map(_shown, _first(count.unreadable, most)))
    if manifest.ignored is not None:  # an earlier version did not look
        ignored = _ignored(count.ignored + Counter(manifest.ignored))
        figures |= {f"ignored.{ending}": number for ending, number in ignored.items()}
    if not recount.broken:
        conflicting = _conflicting(count.days)
        figures |= _numbered("conflicting_days", conflicting[:most])
        figures["conflicting_days_total"] = len(conflicting)
        figures |= _numbered("repeated_parts", map(_shown, _repeated(count)))
        missing = deque[str](maxlen=MOST_MISSING if most else None)
        missing_count = 0
        for day in _missing(count.days, manifest.options.closed_days):
            missing.append(day)
            missing_count += 1
        figures |= _numbered("missing_days", missing)
        figures["missing_days_total"] = missing_count
    return figures | {f"inputs.{name}": digest for name, digest in inputs.items()}


def _reject_figures(name: str, lost: RejectSummary, *, is_of_now: bool) -> Figures:
    """An earlier version did not say how much nobody knows, and what it did not know it might take
    for nothing."""
    if not is_of_now:
        figures: Figures = {f"{name}.events": lost.events, f"{name}.units": lost.units or 0}
        return figures | {f"{name}.revenue": _plain(Decimal(lost.revenue or 0))}
    fields = "events", "units", "revenue", "unknown_units", "unknown_revenue"
    figures = {f"{name}.{field}": getattr(lost, field) for field in fields}
    if lost.returns is not None:
        figures |= _reject_figures(f"{name}.returns", lost.returns, is_of_now=True)
    return figures


def _lost(lost: Lost, scale: int) -> RejectSummary:
    """As a summary has it."""
    known = lost.events - (lost.returns.events if lost.returns else 0)
    return RejectSummary(
        events=lost.events,
        units=None if known and lost.unknown_units == known else lost.units,
        revenue=None if known and lost.unknown_revenue == known else money(lost.revenue, scale),
        unknown_units=lost.unknown_units,
        unknown_revenue=lost.unknown_revenue,
        returns=None if lost.returns is None else _lost(lost.returns, scale),
    )


def _plain(amount: Decimal) -> str:
    """Without the decimals that say nothing."""
    return f"{amount.normalize():f}"


def _sales_figures(bought: Decimal, left_out: Decimal) -> Figures:
    """In money: what the run says of all that was bought."""
    return {
        "reconciliation.bought.revenue": _plain(bought),
        "reconciliation.left_out.revenue": _plain(left_out),
    }


def _numbered(name: str, values: Iterable[str]) -> Figures:
    return {f"{name}.{number}": value for number, value in enumerate(values)}


def _shown(place: Place) -> str:
    return " > ".join(name for name in place if name is not None)


def _first(places: list[Place], most: int | None) -> list[Place]:
    """All archives; of days and parts the first, up to ``most`` in all."""
    if most is None:
        return places
    room, shown = most - sum(place.day is None for place in places), list[Place]()
    for place in places:
        if place.day is None:
            shown.append(place)
        elif room > 0:
            shown.append(place)
            room -= 1
    return shown


def _conflicting(days: list[Day]) -> list[str]:
    """Names that two archives hold with different bytes, or of zips and parts of one date."""
    holders: dict[str, set[str]] = {}
    contents: dict[str, set[str]] = {}
    kinds: dict[str, set[bool]] = {}
    for day in days:
        holders.setdefault(day.name, set()).add(day.archive)
        contents.setdefault(day.name, set()).add(day.content)
        kinds.setdefault(day.sold_on, set()).add(day.is_zip)
    found = {name for name in holders if len(holders[name]) > 1 and len(contents[name]) > 1}
    mixed = (day.name for day in days if day.sold_on and len(kinds[day.sold_on]) > 1)
    return sorted({*found, *mixed})


def _ignored(counts: Counter[str]) -> Counter[str]:
    """The 40 shortest endings, and all others as one."""
    shown = sorted(counts, key=lambda ending: (ending == "…", len(ending), ending))[:40]
    kept = Counter({ending: counts[ending] for ending in shown if ending != "…"})
    others = counts.total() - kept.total()
    return kept + Counter({"…": others})


def _repeated(count: Count) -> list[Place]:
    """Names of several parts of a day, or days of an archive, with different bytes; the first."""
    contents: dict[Place, set[str]] = {}
    for day in count.days:
        contents.setdefault(Place(day.archive, day.entry), set()).add(day.content)
    found = [place for place, different in contents.items() if len(different) > 1]
    return sorted({*found, *count.repeated}, key=lambda at: (*at[:2], at.part or ""))[
        :MOST_REPEATED
    ]


def _missing(days: list[Day], closed: ClosedDays) -> Iterator[str]:
    """Dates without a day between the first and the last on which the shop was open."""
    dates = {date.fromisoformat(day.sold_on) for day in days if day.sold_on}
    if dates:
        each, last = min(dates), max(dates)
        while each < last:
            is_closed = (
                each.isoweekday() - 1 in closed.weekdays
                or f"{each:%m-%d}" in closed.each_year
                or any(not (each < first or each > until) for first, until in closed.ranges)
            )
            if each not in dates and not is_closed:
                yield each.isoformat()
            each += timedelta(days=1)
