"""A feed that is understood, and of which next to nothing is a purchase."""

from __future__ import annotations

from pipeline_core.messages import EventCounts

# Of a shop's visitors some in a hundred buy, and each leaves some ten events.
_FEW = 1000


def few_purchases_in_words(events: EventCounts) -> str:
    """That fewer than one in a thousand events is a purchase, counted or rejected, in sentences;
    empty if more are, or if none is, for which a run is refused."""
    purchases = events.counted + events.rejected
    if not purchases or purchases * _FEW >= events.seen:
        return ""
    are = "1 is a purchase" if purchases == 1 else f"{purchases:,} are purchases"
    return (
        f"Of {events.seen:,} events {are}. If that is too few: `sales-pipeline inspect` shows the "
        "types that there are, and SALES_PURCHASE_TYPES and SALES_ONLY say which of them count."
    )
