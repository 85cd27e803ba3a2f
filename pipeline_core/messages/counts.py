"""Events and inputs, counted."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class RejectReason(StrEnum):
    """Why an event was left out, in the order in which the reasons are tried."""

    NOT_AN_OBJECT = "not_an_object"
    INVALID_EVENT_TYPE = "invalid_event_type"
    DUPLICATE_EVENT = "duplicate_event"
    GUEST = "guest"
    INVALID_CUSTOMER_ID = "invalid_customer_id"
    INVALID_PRODUCT_ID = "invalid_product_id"
    RETURN = "return"
    INVALID_QUANTITY = "invalid_quantity"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_CUSTOMER = "unknown_customer"
    MISSING_CATEGORY = "missing_category"
    MISSING_SEGMENT = "missing_segment"
    NO_PRICE_ON_DATE = "no_price_on_date"
    INVALID_PRICE = "invalid_price"


class RejectFigures(Struct, frozen=True):
    """What was left out for one reason. What came back, and is left out for another reason than
    that, would have sold and brought nothing: it is in no sum but that of ``returns``."""

    events: int = 0
    """Number of events."""
    units: int | None = None
    """Units they would have sold, below 0 of returns; None if they are known of none."""
    revenue: int | None = None
    """What they would have brought, in minor units, below 0 of returns; None if it is known of
    none."""
    unknown_units: int = 0
    """Number of events in these sums whose units cannot be known."""
    unknown_revenue: int = 0
    """Number of events in these sums of which it cannot be known what they would have brought."""
    returns: RejectFigures | None = None
    """Those that are returns, if the reason is another; None if there are none."""


class ReturnFigures(Struct, frozen=True):
    """What came back and counts, as positive amounts."""

    events: int = 0
    """Number of events."""
    units: int = 0
    """Units that came back."""
    revenue: int = 0
    """What they had brought, in minor units."""

    def __add__(self, other: ReturnFigures) -> ReturnFigures:
        return ReturnFigures(
            self.events + other.events,
            self.units + other.units,
            self.revenue + other.revenue,
        )


class Counts(Struct, frozen=True, kw_only=True):
    """The conservation law of one archive: seen = counted + not_purchase + rejected."""

    seen: int = 0
    """Events that were read."""
    counted: int = 0
    """Purchases that are in the report, and returns that are taken from it, or in their own."""
    not_purchase: int = 0
    """Events that are something else."""
    rejected: dict[str, RejectFigures] = {}
    """What was left out, by RejectReason."""
    returned: ReturnFigures = ReturnFigures()
    """Those of the counted that are returns."""
    undated: int = 0
    """Counted purchases without a date whose product or customer has dated rows: the newest one was
    taken."""


class Tally(Struct, frozen=True):
    """How many archives, days or parts became what."""

    read: int = 0
    """Read in this run."""
    reused: int = 0
    """Taken over from what earlier runs left."""
    duplicate: int = 0
    """Known already under another name, and so not counted."""
    unreadable: int = 0
    """Not readable at all."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.read + other.read,
            self.reused + other.reused,
            self.duplicate + other.duplicate,
            self.unreadable + other.unreadable,
        )
