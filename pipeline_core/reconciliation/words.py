"""The reconciliation as people read it: its rows, and its sentences."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from pipeline_core.messages.counts import RejectReason
from pipeline_core.messages.reconciliation import PurchaseSum, Reconciliation
from pipeline_core.percent import percent
from pipeline_core.plural import counted
from pipeline_core.reconciliation.reasons import KEPT_BY_BUCKET, reason_words
from pipeline_core.reconciliation.reconcile import added_up, fraction


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
        return None if of.revenue is None else fraction(of.revenue, bought.revenue)

    yield ReconciledRow("counted", "", found.counted, share(found.counted))
    for line in found.reasons:
        yield ReconciledRow(line.words, line.reason, line.figures, share(line.figures))
    if found.reasons:
        yield ReconciledRow("left out", "", found.left_out, share(found.left_out), is_sum=True)
    yield ReconciledRow("bought", "", bought, share(bought), is_sum=True)
    if found.came_back is not None:
        yield ReconciledRow(found.came_back.words, "", found.came_back.figures, None)
    if found.net is not None:
        yield ReconciledRow("in the report", "", found.net, None, is_sum=True)
    for line in found.returns:
        yield ReconciledRow(line.words, line.reason, line.figures, None)
    if found.sent_twice is not None:
        again = RejectReason.DUPLICATE_EVENT
        yield ReconciledRow(reason_words(again), again, found.sent_twice, None)


def status_in_words(found: Reconciliation) -> str:
    """What a status says beside itself: ``26.8 % left out``, and the share of the money if that is
    larger; empty if it goes without saying."""
    if not found.is_notable:
        return ""
    said = f"{percent(Fraction(found.share))} % left out"
    is_dear = Fraction(found.revenue_share) > Fraction(found.share)
    return f"{said}, {revenue_share_in_words(found)}" if is_dear else said


def share_in_words(found: Reconciliation) -> str:
    """``26.8 % of purchases and returns``"""
    has_returns = found.all_events > found.bought.purchases
    return f"{percent(Fraction(found.share))} % of purchases{' and returns' if has_returns else ''}"


def revenue_share_in_words(found: Reconciliation) -> str:
    """``at least 10.7 % of revenue``"""
    least = "at least " if found.left_out.unknown_revenue else ""
    return f"{least}{percent(Fraction(found.revenue_share))} % of revenue"


def left_out_in_words(found: Reconciliation) -> str:
    """What the share is of, in a sentence; empty if nothing is left out."""
    if not found.left_out_events:
        return ""
    money = "" if found.left_out.revenue is None else f", {revenue_share_in_words(found)}"
    return (
        f"{found.left_out_events:,} of {found.all_events:,} are left out: "
        f"{share_in_words(found)}{money}."
    )


def in_one_line(found: Reconciliation) -> str:
    """A sentence or two in money: what was bought = what is counted + each reason."""
    parts = [f"{money_in_words(found.counted)} counted"]
    parts += [_part(line.words, line.reason, line.figures) for line in found.reasons]
    bought = f"Bought {money_in_words(found.bought)} = {' + '.join(parts)}."
    said = " ".join(filter(None, (bought, left_out_in_words(found))))
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


class KeptByBucket(NamedTuple):
    """Money, as decimal text, that `--unknown bucket` would count of what is left out; and what it
    would take of what came back, None if nothing. What is not known adds none."""

    bought: str
    returned: str | None


def kept_by_bucket(found: Reconciliation) -> KeptByBucket | None:
    """None if it would count nothing of it."""
    bought, returned = (
        [line.figures for line in lines if line.reason in KEPT_BY_BUCKET]
        for lines in (found.reasons, () if found.returns_mode == "reject" else found.returns)
    )
    known = [each.revenue for each in returned if each.revenue is not None]
    if not (bought or known):
        return None
    nothing = f"{abs(Decimal(found.counted.revenue or 0) * 0)}"
    return KeptByBucket(
        added_up([nothing, *(each.revenue for each in bought)]),
        added_up(known).removeprefix("-") if known else None,
    )
