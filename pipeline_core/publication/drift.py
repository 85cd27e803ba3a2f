"""drift: whether a run is further from the last published one than its limits believe."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pyarrow as pa

from pipeline_core.errors import ContractError
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger, published_before
from pipeline_core.messages import DriftLimits, Manifest, Summary, UnknownMode
from pipeline_core.reconciliation.reconcile import reconciled
from pipeline_core.storage import Storage
from pipeline_core.transform.ids import NOT_FOUND, index_of
from pipeline_core.transform.money import to_text
from pipeline_core.valid_ranges import lasting_ids

_DAYS_SHOWN = 6
_OF_UNKNOWN: dict[UnknownMode, str] = {"reject": "left out", "bucket": "counted as Unknown"}


def drift(state: Storage, manifest: Manifest, summary: Summary) -> str:
    """What moved too far since the newest published run that was planned before this one, with
    the figures of both; empty if nothing did, or if there is none. What cannot be compared
    counts as moved too far. An as-of run is further by design, and is compared with none."""
    limits = manifest.options.drift
    if limits == DriftLimits() or manifest.options.as_of is not None:
        return ""
    earlier = published_before(state, manifest.run_id)
    if earlier is None:
        return ""
    ledger = RunLedger(state, earlier)
    outcome = ledger.outcome()
    if outcome is None or outcome.summary is None:
        return (
            f"The figures of run {ledger.run_id}, the last one published, are gone from "
            f"{state.uri}; nothing can be compared with them."
        )
    before = outcome.summary
    found = [*breaches(limits, before, summary), *_gone_rows(state, limits, before, summary)]
    if found:
        found += _circumstances(before, ledger.planned(), manifest)
    return " ".join(found)


def breaches(limits: DriftLimits, before: Summary, after: Summary) -> Iterator[str]:
    """A sentence for each limit that the figures of a summary are over."""
    run = f"in run {before.run_id}"
    revenue = before.totals.total_revenue, after.totals.total_revenue
    yield from _change("Total revenue is", *revenue, limits.revenue_change, run)
    purchases = str(_purchases(before)), str(_purchases(after))
    yield from _change("Counted purchases are", *purchases, limits.purchases_change, run)
    rejects = _reject_share(before), _reject_share(after)
    yield from _rise_of_rejects(*rejects, limits.reject_share_rise, run)
    yield from _new_missing_days(before, after, limits.new_missing_days, run)


def gone(
    what: str,
    before: pa.LargeBinaryArray,
    after: pa.LargeBinaryArray,
    limit: Decimal | None,
    run: str,
) -> Iterator[str]:
    """A sentence if too many of the distinct ids ``before`` are not in ``after``."""
    if limit is None or not len(before):
        return
    rows = index_of(after).rows_of(before)
    lost = int((rows == NOT_FOUND).sum())
    share = Fraction(lost, len(before))
    if share > Fraction(limit):
        yield (
            f"{what} gone: {lost:,} of {len(before):,} {run}, {_hundredths(share, limit)} %; "
            f"the limit is {_whole(limit)} %."
        )


def _change(what: str, before: str, after: str, limit: Decimal | None, run: str) -> Iterator[str]:
    """In either direction. Decimal texts are compared exactly, whatever their decimals; from
    zero, every change is too large. What is less than zero is as large as its amount."""
    was, now = Fraction(before), Fraction(after)
    change = abs(now - was)
    if limit is None or change <= Fraction(limit) * abs(was):
        return
    direction = "more" if now > was else "less"
    share = f"{_hundredths(change / abs(was), limit)} % {direction} than" if was else "after"
    yield (
        f"{what} {Decimal(after):,f}, {share} {Decimal(before):,f} {run}; "
        f"the limit is {_whole(limit)} %."
    )


def _purchases(summary: Summary) -> int:
    """Those that count; returns are none."""
    return reconciled(summary).counted.purchases


def _reject_share(summary: Summary) -> Fraction:
    """Of the purchases; none of none is none."""
    bad = summary.bad_events
    return Fraction(bad, max(1, bad + summary.events.counted))


def _rise_of_rejects(
    before: Fraction, after: Fraction, limit: Decimal | None, run: str
) -> Iterator[str]:
    rise = after - before
    if limit is None or rise <= Fraction(limit):
        return
    yield (
        f"{_hundredths(after)} % of purchases are rejected, {_hundredths(rise, limit)} points more "
        f"than {_hundredths(before)} % {run}; the limit is {_whole(limit)} points."
    )


def _new_missing_days(
    before: Summary, after: Summary, limit: int | None, run: str
) -> Iterator[str]:
    new = sorted(set(after.missing_days) - set(before.missing_days))
    # Not all are listed where there are very many.
    count = max(len(new), after.missing_count - before.missing_count)
    if limit is None or count <= limit:
        return
    more = ", ..." if count > _DAYS_SHOWN else ""
    shown = ", ".join(map(str, new[:_DAYS_SHOWN]))
    yield (
        f"New missing days: {count} ({shown}{more}), {after.missing_count} in all and "
        f"{before.missing_count} "
        f"{run}; the limit is {limit}."
    )


def _gone_rows(
    state: Storage, limits: DriftLimits, before: Summary, after: Summary
) -> Iterator[str]:
    if limits.customers_gone is None and limits.products_gone is None:
        return
    if before.dimensions_digest == after.dimensions_digest:
        return
    try:
        earlier = load_snapshot(state, before.dimensions_digest)
    except ContractError as error:  # somebody may have cleaned up
        yield f"What is gone from customers and products is not known: {error.message}."
        return
    now, run = load_snapshot(state, after.dimensions_digest), f"in run {before.run_id}"
    then, today = before.created_at.date(), after.created_at.date()
    customers = lasting_ids(earlier.customers, then), lasting_ids(now.customers, today)
    yield from gone("Customers", *customers, limits.customers_gone, run)
    products = lasting_ids(earlier.products, then), lasting_ids(now.products, today)
    yield from gone("Products", *products, limits.products_gone, run)


def _circumstances(before: Summary, planned: Manifest | None, manifest: Manifest) -> Iterator[str]:
    """What may explain it."""
    if before.status == "incomplete":
        yield f"Run {before.run_id} is incomplete."
    if planned is not None and planned.options.unknown != manifest.options.unknown:
        one, other = (_OF_UNKNOWN[each.options.unknown] for each in (planned, manifest))
        yield (
            f"Purchases of whom or what nobody knows are {one} in run {before.run_id}, and {other} "
            "in this one."
        )
    if planned is not None and planned.options.returns != manifest.options.returns:
        yield (
            f"Run {before.run_id} was made with SALES_RETURNS={planned.options.returns}, "
            f"this one with SALES_RETURNS={manifest.options.returns}."
        )


def _hundredths(share: Fraction, limit: Decimal | None = None) -> str:
    """A share in hundredths: with two decimals, or with one and as many more as it takes to be
    seen above its limit."""
    places = 2 if limit is None else 1
    while True:
        text = to_text(round(share * 10 ** (places + 2)), places)
        if limit is None or Fraction(text) > Fraction(limit) * 100:
            return f"{Decimal(text):,f}"
        places += 1


def _whole(limit: Decimal) -> str:
    """A limit in hundredths, without idle zeros."""
    return f"{(limit * 100).normalize():f}"
