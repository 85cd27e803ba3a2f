"""What a shop calls things, and how it wraps them: the names, shapes and rules of its feed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Ids = Literal["text", "any"]
Numbers = Literal["integer", "number"]


class Condition(Struct, frozen=True):
    """What a field has to be, or must not be, for an event to count."""

    path: str
    """Path of the field."""
    is_equal: bool
    """Whether it has to be one of ``values``; else it must be none of them."""
    values: tuple[str, ...]
    """Texts of JSON scalars: a string's value, a number's digits as written, true, false, null."""

    @property
    def text(self) -> str:
        """As SALES_ONLY has it."""
        return f"{self.path}{'=' if self.is_equal else '!='}{'|'.join(self.values)}"


class Feed(Struct, frozen=True, kw_only=True):
    """How a shop's events are found and read. A path ``a.b`` is the key ``a.b`` itself or, if there
    is none, key ``b`` of the object at ``a``."""

    event_type: str = "event_type"
    """Path of what an event is."""
    customer_id: str = "customer_id"
    """Path of who bought."""
    product_id: str = "product_id"
    """Path of what was bought."""
    quantity: str = "quantity"
    """Path of how many of it were bought, in units."""
    price: str | None = None
    """Path of what was paid for a unit; None: the price is that of the product."""
    price_decimals: int = 2
    """Most decimals of a price that was paid."""
    purchase_types: tuple[str, ...] = ("purchase",)
    """Types of events that are purchases."""
    return_types: tuple[str, ...] = ()
    """Types of events that are returns, of a quantity above 0."""
    ids: Ids = "text"
    """Whether only texts are ids, or JSON integers too, by their digits."""
    records: str | None = None
    """Path of the array of events in a part that is one object; None: its only array of objects."""
    parts: tuple[str, ...] = ()
    """Further entries that are parts: endings, which begin with a dot and may have ``.gz`` or
    ``.zst`` behind them, and patterns of names."""
    ignore: tuple[str, ...] = ()
    """Patterns of the names of entries that are passed over."""
    items: str | None = None
    """Path of an order's items, ``[]`` behind each list; each item is an event. None: an event is
    one purchase."""
    only: tuple[Condition, ...] = ()
    """What an event has to meet, all of it, to be a purchase."""
    numbers: Numbers = "integer"
    """Whether a quantity is a JSON integer, or any number, or text of one, without a fraction."""
    missing_quantity: int | None = None
    """Units that a missing quantity, or null, counts as; None: it is invalid."""
    event_id: tuple[str, ...] = ()
    """Paths by which an event that was sent twice is known; empty: none is looked for."""

    @property
    def taken_types(self) -> tuple[str, ...]:
        """Types of events that are purchases or returns."""
        return (*self.purchase_types, *self.return_types)
