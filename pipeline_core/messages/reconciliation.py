"""All that was bought, beside what of it is counted and what is left out: purchases, units, money.
What cannot be known is in no sum, and is said."""

from __future__ import annotations

from msgspec import Struct

from pipeline_core.messages.counts import RejectReason
from pipeline_core.messages.options import ReturnsMode


class PurchaseSum(Struct, frozen=True, kw_only=True):
    """Some purchases. Units and money are the sums of those of which they are known."""

    purchases: int
    """Number of purchases."""
    units: int | None
    """Units of them; below 0 of returns, null if they are known of none."""
    revenue: str | None
    """Money for them, as decimal text; below 0 of returns, null if it is known of none."""
    unknown_units: int = 0
    """Number of those whose units cannot be known."""
    unknown_revenue: int = 0
    """Number of those whose money cannot be known."""


class ReasonSum(Struct, frozen=True, kw_only=True):
    """What was left out for one reason."""

    reason: str
    """The reason's code."""
    words: str
    """The same in plain words."""
    figures: PurchaseSum
    """The purchases, added up."""
    share: str | None
    """Share (0 to 1) of all the money, with six decimals; null if nothing of it is known."""


class Reconciliation(Struct, frozen=True, kw_only=True):
    """bought = counted + left_out, and left_out is what the reasons add up to. What came back, and
    copies of what was sent before, are no sales that were lost, and stand apart: with these, all
    purchases are the events that are counted or rejected."""

    bought: PurchaseSum
    """All sales."""
    counted: PurchaseSum
    """What of them is in the report."""
    left_out: PurchaseSum
    """What of them is not."""
    reasons: tuple[ReasonSum, ...]
    """The same by reason, in the order in which they are tried."""
    returns: tuple[ReasonSum, ...]
    """What came back and is left out, by reason."""
    sent_twice: PurchaseSum | None
    """Purchases that were sent before, and count there; null if there are none."""
    share: str
    """Share (0 to 1) of all purchases and returns that is left out, with six decimals; what was
    sent before is in neither number."""
    is_notable: bool
    """Whether that share or the one of the money reaches SALES_LEFT_OUT_SHARE, and so is said
    beside the status."""
    revenue_share: str = "0.000000"
    """Share (0 to 1) of the money of all sales that is left out, as far as it is known."""
    returns_mode: ReturnsMode = "reject"
    """What becomes of returns."""
    came_back: ReasonSum | None = None
    """What came back and counts: it is subtracted from what is counted here, or in returns.csv;
    null if nothing did."""
    net: PurchaseSum | None = None
    """What the report says where returns are subtracted and some were: units and revenue of the
    counted purchases less those that came back; else null."""

    @property
    def left_out_events(self) -> int:
        """Purchases and returns that are left out, but for those that were sent before."""
        returns = (
            line.figures.purchases
            for line in self.returns
            if line.reason != RejectReason.DUPLICATE_EVENT
        )
        return self.left_out.purchases + sum(returns)

    @property
    def all_events(self) -> int:
        """Purchases and returns, counted or left out, but for those that were sent before."""
        back = 0 if self.came_back is None else self.came_back.figures.purchases
        return self.counted.purchases + back + self.left_out_events

    @property
    def is_all_sold(self) -> bool:
        """Whether nothing is left out and nothing came back: there is nothing to tell."""
        return not (self.reasons or self.returns or self.sent_twice or self.came_back)
