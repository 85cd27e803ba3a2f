"""Why events are left out, in plain words: what every table, page, notice and document says."""

from __future__ import annotations

from pipeline_core.messages.counts import RejectReason

_WORDS = {
    RejectReason.NOT_AN_OBJECT: "no JSON objects",
    RejectReason.INVALID_EVENT_TYPE: "events without a type",
    RejectReason.DUPLICATE_EVENT: "sent before",
    RejectReason.GUEST: "guests",
    RejectReason.INVALID_CUSTOMER_ID: "invalid customer ids",
    RejectReason.INVALID_PRODUCT_ID: "invalid product ids",
    RejectReason.RETURN: "returns",
    RejectReason.INVALID_QUANTITY: "invalid quantities",
    RejectReason.UNKNOWN_PRODUCT: "unknown products",
    RejectReason.UNKNOWN_CUSTOMER: "unknown customers",
    RejectReason.MISSING_CATEGORY: "products without a category",
    RejectReason.MISSING_SEGMENT: "customers without a segment",
    RejectReason.NO_PRICE_ON_DATE: "products without a price on the day",
    RejectReason.INVALID_PRICE: "invalid prices paid",
}
# What `--unknown bucket` counts.
KEPT_BY_BUCKET = frozenset(
    {
        RejectReason.GUEST,
        RejectReason.UNKNOWN_PRODUCT,
        RejectReason.UNKNOWN_CUSTOMER,
        RejectReason.MISSING_CATEGORY,
        RejectReason.MISSING_SEGMENT,
    }
)


def reason_words(reason: str) -> str:
    """What was left out, as behind "left out:"; of a reason of another version, its code."""
    known = _WORDS.get(RejectReason(reason)) if reason in set(RejectReason) else None
    return known or reason
