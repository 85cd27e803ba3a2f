"""From the figures of a run, or of some dates, to their reconciliation; its rows, and its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Context, Decimal
from fractions import Fraction
from typing import Literal, NamedTuple

from pipeline_core.messages.counts import RejectReason
from pipeline_core.messages.options import LEFT_OUT_SHARE
from pipeline_core.messages.reasons import KEPT_BY_BUCKET, reason_words
from pipeline_core.messages.reconciliation import PurchaseSum, ReasonSum, Reconciliation
from pipeline_core.messages.summary import RejectSummary, Returns, Summary, Totals, is_subtracted
from pipeline_core.percent import percent
from pipeline_core.plural import counted

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
    to, and of what was rejected by reason. More than the share ``limit`` left out is notable."""
    zero = abs(Decimal(totals.total_revenue) * 0)  # with the decimals of the money
    sales, returns, again = dict[str, PurchaseSum](), dict[str, PurchaseSum](), None
    for reason, of in rejected.items():
        if reason == RejectReason.DUPLICATE_EVENT:
            again = _sales_of(of)
        elif reason == RejectReason.RETURN:
            returns[reason] = _sales_of(of)
        else:
            sales[reason] = _sales_of(of)
        if of.returns is not None:
            returns[reason] = _sales_of(of.returns)
    kept = _kept(events, totals, taken)
    left_out = _sum(sales.values(), zero)
    bought = _sum((kept, left_out), zero)
    share, share_of = _larger_share(left_out, bought)
    return Reconciliation(
        bought=bought,
        counted=kept,
        left_out=left_out,
        reasons=tuple(_line(reason, of, bought) for reason, of in sales.items()),
        returns=tuple(_return_line(reason, of) for reason, of in returns.items()),
        came_back=_came_back(taken),
        net=_net(kept.purchases, totals, taken),
        sent_twice=again,
        share=_six_places(share),
        share_of=share_of,
        is_notable=share > Fraction(limit),
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


class ReconciledRow(NamedTuple):
    """A row of the table in which all adds up; ``code`` is a RejectReason, or empty. ``share`` is
    that of the money that was bought, None where it is not known or says nothing."""

    words: str
    code: str
    figures: PurchaseSum
    share: Fraction | None
    is_sum: bool = False


def table_rows(found: Reconciliation) -> Iterator[ReconciledRow]:
    """What was bought, as counted and by reason; then what is no sale."""
    bought = found.bought

    def share(of: PurchaseSum) -> Fraction | None:
        return None if of.revenue is None else _fraction(of.revenue, bought.revenue)

    yield ReconciledRow("counted", "", found.counted, share(found.counted))
    for line in found.reasons:
        yield ReconciledRow(line.words, line.reason, line.figures, share(line.figures))
    if found.reasons:
        yield ReconciledRow("left out", "", found.left_out, share(found.left_out), is_sum=True)
    yield ReconciledRow("bought", "", bought, share(bought), is_sum=True)
    if found.came_back is not None:
        yield ReconciledRow(found.came_back.words, "", found.came_back.figures, None)
    if found.net is not None:
        yield ReconciledRow("counted, less these returns", "", found.net, None, is_sum=True)
    for line in found.returns:
        yield ReconciledRow(line.words, line.reason, line.figures, None)
    if found.sent_twice is not None:
        again = RejectReason.DUPLICATE_EVENT
        yield ReconciledRow(reason_words(again), again, found.sent_twice, None)


def status_in_words(found: Reconciliation) -> str:
    """What a status says beside itself: ``at least 10.7 % of revenue left out``; empty if that goes
    without saying."""
    return _share_in_words(found) if found.is_notable else ""


def _share_in_words(found: Reconciliation) -> str:
    share = f"{percent(Fraction(found.share))} % of {found.share_of} left out"
    if found.share_of == "purchases":
        return f"{share}, of unknown value"
    return f"at least {share}" if found.left_out.unknown_revenue else share


def in_one_line(found: Reconciliation) -> str:
    """A sentence or two in money: what was bought = what is counted + each reason."""
    parts = [f"{money_in_words(found.counted)} counted"]
    parts += [_part(line.words, line.reason, line.figures) for line in found.reasons]
    share = f", {_share_in_words(found)}" if found.reasons else ""
    said = f"Bought {money_in_words(found.bought)} = {' + '.join(parts)}{share}."
    apart = [_part(line.words, line.reason, line.figures) for line in found.returns]
    if found.came_back is not None:
        line = found.came_back
        net = "" if found.net is None else f", which makes {money_in_words(found.net)}"
        apart.insert(0, f"{money_in_words(line.figures)} ({line.words}){net}")
    if found.sent_twice is not None:
        again = RejectReason.DUPLICATE_EVENT
        apart.append(_part(reason_words(again), again, found.sent_twice))
    return f"{said} Beside that: {', '.join(apart)}." if apart else said


def _part(words: str, reason: str, of: PurchaseSum) -> str:
    unknown = f"{counted(of.purchases, 'purchase')} of unknown value"
    amount = unknown if of.revenue is None else money_in_words(of)
    return f"{amount} ({words}, {reason})"


def money_in_words(of: PurchaseSum) -> str:
    """A sum of money, with what is not known of it."""
    if of.revenue is None:
        return "unknown"
    return f"{_bound(of, of.unknown_revenue)}{Decimal(of.revenue):,f}"


def units_in_words(of: PurchaseSum) -> str:
    """The same of units."""
    if of.units is None:
        return "unknown"
    return f"{_bound(of, of.unknown_units)}{of.units:,}"


def _bound(of: PurchaseSum, unknown: int) -> str:
    """What is not known of returns would make their sum less."""
    if not unknown:
        return ""
    return "at most " if of.units is not None and of.units < 0 else "at least "


def kept_by_bucket(found: Reconciliation) -> str | None:
    """Money, as decimal text, that `--unknown bucket` would count of what is left out; what is not
    known adds none. None if it would count nothing of it."""
    kept = [line.figures for line in found.reasons if line.reason in KEPT_BY_BUCKET]
    return _added_up(each.revenue for each in kept) if kept else None


def _kept(events: int, totals: Totals, taken: Returns | None) -> PurchaseSum:
    """The sales in the report, before what came back is subtracted."""
    back = 0 if taken is None else taken.events
    units, revenue = totals.units_sold, totals.total_revenue
    if taken is not None and is_subtracted(taken):
        units, revenue = units + taken.units, _added_up([revenue, taken.revenue])
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


def _sales_of(of: RejectSummary) -> PurchaseSum:
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
    share = None if of.revenue is None else _six_places(_fraction(of.revenue, bought.revenue))
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
        revenue=_added_up([f"{zero}", *(each.revenue for each in parts)]) if is_known else None,
        unknown_units=unknown_units,
        unknown_revenue=unknown_revenue,
    )


def _added_up(amounts: Iterable[str | None]) -> str:
    total = Decimal(0)
    for amount in amounts:
        total = _EXACT.add(total, Decimal(amount or 0))
    return f"{total:f}"


def _larger_share(
    left_out: PurchaseSum, bought: PurchaseSum
) -> tuple[Fraction, Literal["revenue", "purchases"]]:
    """Of the money, as far as it is known; or of the purchases of which it is not."""
    money = _fraction(left_out.revenue, bought.revenue)
    unknown = Fraction(left_out.unknown_revenue, bought.purchases or 1)
    return (unknown, "purchases") if unknown > money else (money, "revenue")


def _fraction(part: str | None, whole: str | None) -> Fraction:
    """Of nothing it is 0."""
    all_of_it = Fraction(whole or 0)
    return Fraction(part or 0) / all_of_it if all_of_it else Fraction(0)


def _six_places(share: Fraction) -> str:
    return f"{Decimal(round(share * 10**_SHARE_PLACES)).scaleb(-_SHARE_PLACES):f}"
