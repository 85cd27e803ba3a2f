"""What became of a run's delivery to one destination."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

DeliveryState = Literal["pending", "done", "failed", "unknown", "superseded"]


class Delivery(Struct, frozen=True, kw_only=True):
    """A run's delivery to one destination."""

    destination: str
    """Id of the destination: a digest of where it is, without its login."""
    shown: str
    """The destination for people, without its login."""
    state: DeliveryState = "pending"
    """Pending is tried again, failed is not; unknown may have arrived, and is not sent again by
    itself; superseded is one in whose place a newer run is."""
    tries: int = 0
    """How often it was tried."""
    cause: str = ""
    """Why it is not done, for people; empty if it is, or was not tried yet."""
    remedy: str = ""
    """What to do about that; else empty."""
    tried_at: datetime | None = None
    """When it was tried last (UTC); null if it was not yet."""
    delivered_at: datetime | None = None
    """When it was delivered last (UTC), whatever became of tries since; null if it was not, or if
    an earlier version noted it by its state alone."""
    next_at: datetime | None = None
    """When it is tried again (UTC); null if it is not, or may be at once."""
    is_told: bool = False
    """Whether the hooks know that it failed."""

    @property
    def arrived_at(self) -> datetime | None:
        """When it was delivered last (UTC), as far as that is known; None if it was not."""
        return self.delivered_at or (self.tried_at if self.state == "done" else None)

    @property
    def may_be_there(self) -> bool:
        """Whether it was delivered, or may have been, whatever became of tries since."""
        return self.state in {"done", "unknown"} or self.delivered_at is not None
