"""From the figures of a run, or of some dates, to their reconciliation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from fractions import Fraction

import msgspec

from pipeline_core.messages.counts import RejectReason
from pipeline_core.messages.options import LEFT_OUT_SHARE, ReturnsMode
from pipeline_core.messages.reconciliation import PurchaseSum, ReasonSum, Reconciliation
from pipeline_core.messages.summary import RejectSummary, Returns, Summary, Totals, is_subtracted
from pipeline_core.reconciliation.reasons import reason_words

_EXACT = Context(prec=200)  # more digits than any sum has
_SHARE_PLACES = 6


def reconcile(
    events: int,
    totals: Totals,
    rejected: Mapping[str, RejectSummary],
    limit: Decimal,
    taken: Returns | None = None,
) -> Reconciliation:
    """Of so many counted events, the returns ``taken`` among them, of the ``totals`` that they come
    to, and of what was rejected by reason. The share ``limit`` left out, or more, is notable."""
    zero = abs(Decimal(totals.total_revenue) * 0)  # with the decimals of the money
    sales, returns, again = dict[str, PurchaseSum](), dict[str, PurchaseSum](), None
    for reason, of in rejected.items():
        if reason == RejectReason.DUPLICATE_EVENT:
            again = sales_of(of)
        elif reason == RejectReason.RETURN:
            returns[reason] = sales_of(of)
        elif (sold := sales_of(of)).purchases:
            sales[reason] = sold
        if of.returns is not None:
            returns[reason] = sales_of(of.returns)
    kept = _kept(events, totals, taken)
    left_out = _sum(sales.values(), zero)
    bought = _sum((kept, left_out), zero)
    found = Reconciliation(
        bought=bought,
        counted=kept,
        left_out=left_out,
        reasons=tuple(_line(reason, of, bought) for reason, of in sales.items()),
        returns=tuple(_return_line(reason, of) for reason, of in returns.items()),
        came_back=_came_back(taken),
        net=_net(kept.purchases, totals, taken),
        sent_twice=again if again is not None and again.purchases else None,
        share="",
        is_notable=False,
        returns_mode=_mode(taken),
    )
    share = Fraction(found.left_out_events, found.all_events or 1)
    of_revenue = fraction(left_out.revenue, bought.revenue)
    return msgspec.structs.replace(
        found,
        share=_six_places(share),
        revenue_share=_six_places(of_revenue),
        is_notable=share > 0 and max(share, of_revenue) >= Fraction(limit),
    )


def reconciled(summary: Summary) -> Reconciliation:
    """That of a run, also of one of an earlier version."""
    if summary.reconciliation is not None:
        return summary.reconciliation
    return reconcile(
        summary.events.counted,
        summary.totals,
        summary.rejected,
        LEFT_OUT_SHARE,
        summary.returns,
    )


def _mode(taken: Returns | None) -> ReturnsMode:
    if taken is None:
        return "reject"
    return "net" if is_subtracted(taken) else "separate"


def _kept(events: int, totals: Totals, taken: Returns | None) -> PurchaseSum:
    """The sales in the report, before what came back is subtracted."""
    back = 0 if taken is None else taken.events
    units, revenue = totals.units_sold, totals.total_revenue
    if taken is not None and is_subtracted(taken):
        units, revenue = units + taken.units, added_up([revenue, taken.revenue])
    return PurchaseSum(purchases=events - back, units=units, revenue=revenue)


def _net(purchases: int, totals: Totals, taken: Returns | None) -> PurchaseSum | None:
    if taken is None or not (taken.events and is_subtracted(taken)):
        return None
    return PurchaseSum(purchases=purchases, units=totals.units_sold, revenue=totals.total_revenue)


def _came_back(taken: Returns | None) -> ReasonSum | None:
    if taken is None or not taken.events:
        return None
    what = "subtracted" if is_subtracted(taken) else "in returns.csv"
    figures = PurchaseSum(
        purchases=taken.events,
        units=-taken.units,
        revenue=f"{_EXACT.minus(Decimal(taken.revenue)):f}",
    )
    words = f"{reason_words(RejectReason.RETURN)}, {what}"
    return ReasonSum(reason=RejectReason.RETURN, words=words, figures=figures, share=None)


def sales_of(of: RejectSummary) -> PurchaseSum:
    """Without returns that are left out for another reason than that."""
    purchases = of.events - (of.returns.events if of.returns else 0)
    return PurchaseSum(
        purchases=purchases,
        units=of.units,
        revenue=of.revenue,
        unknown_units=_unknown(of.unknown_units, purchases, of.units),
        unknown_revenue=_unknown(of.unknown_revenue, purchases, of.revenue),
    )


def _unknown(number: int | None, purchases: int, amount: object) -> int:
    """An earlier version did not count what it did not know: it is all or, as far as one can say,
    nothing."""
    if number is None:
        return purchases if amount is None else 0
    return number


def _return_line(reason: str, of: PurchaseSum) -> ReasonSum:
    words = reason_words(reason)
    if reason != RejectReason.RETURN:
        words = f"{reason_words(RejectReason.RETURN)}: {words}"
    return ReasonSum(reason=reason, words=words, figures=of, share=None)


def _line(reason: str, of: PurchaseSum, bought: PurchaseSum) -> ReasonSum:
    share = None if of.revenue is None else _six_places(fraction(of.revenue, bought.revenue))
    return ReasonSum(reason=reason, words=reason_words(reason), figures=of, share=share)


def _sum(of: Iterable[PurchaseSum], zero: Decimal) -> PurchaseSum:
    """All together; of nothing units and money are known, and 0."""
    parts = list(of)
    purchases = sum(each.purchases for each in parts)
    unknown_units = sum(each.unknown_units for each in parts)
    unknown_revenue = sum(each.unknown_revenue for each in parts)
    is_known = not purchases or unknown_revenue < purchases
    return PurchaseSum(
        purchases=purchases,
        units=None
        if purchases and unknown_units == purchases
        else sum(each.units or 0 for each in parts),
        revenue=added_up([f"{zero}", *(each.revenue for each in parts)]) if is_known else None,
        unknown_units=unknown_units,
        unknown_revenue=unknown_revenue,
    )


def added_up(amounts: Iterable[str | None]) -> str:
    """The sum of amounts, decimal texts, as far as they are known."""
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, Decimal(amount or 0))
    return f"{total:f}"


def fraction(part: str | None, whole: str | None) -> Fraction:
    """The share of an amount in another, decimal texts both; of nothing it is 0."""
    all_of_it = Fraction(whole or 0)
    return Fraction(part or 0) / all_of_it if all_of_it else Fraction(0)


def _six_places(share: Fraction) -> str:
    return f"{Decimal(round(share * 10**_SHARE_PLACES)).scaleb(-_SHARE_PLACES):f}"
