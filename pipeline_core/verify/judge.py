"""What one event is: a sale, a reject with its reason, or no purchase."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Self

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import RejectReason, UnknownMode

_UNKNOWN = "Unknown"
_MOST_UNITS = 2**31 - 1
_NOTHING = Decimal(0)


class Customer(NamedTuple):
    """A row of the snapshot."""

    id: str
    segment: str | None


class Product(NamedTuple):
    """A row of the snapshot."""

    category: str | None
    price: Decimal


class Sale(NamedTuple):
    """A purchase that counts; ``customer`` is None for a guest."""

    category: str
    segment: str
    customer: str | None
    units: int
    revenue: Decimal


class Reject(NamedTuple):
    """An event that is left out; units and revenue are 0 where nobody knows them."""

    reason: RejectReason
    units: int = 0
    revenue: Decimal = _NOTHING


@dataclass(frozen=True)
class Rules:
    """Customers and products by id, decimals of the prices, and what becomes of the unknown."""

    customers: dict[str, Customer]
    products: dict[str, Product]
    scale: int
    bucket: bool

    @classmethod
    def of(cls, snapshot: Snapshot, unknown: UnknownMode) -> Self:
        """The rules of a run."""
        customers = (
            Customer(row["customer_id"].decode(), row["segment"] or None)
            for batch in snapshot.customers.to_batches(max_chunksize=10_000)
            for row in batch.to_pylist()
        )
        return cls(
            customers={customer.id: customer for customer in customers},
            products={
                row["product_id"].decode(): Product(
                    row["category"] or None, Decimal(row["price_minor"]).scaleb(-snapshot.scale)
                )
                for row in snapshot.products.to_pylist()
            },
            scale=snapshot.scale,
            bucket=unknown == "bucket",
        )


def judge(event: object, rules: Rules) -> Sale | Reject | None:
    """None if the event says that it is something else than a purchase."""
    if not isinstance(event, dict):
        return Reject(RejectReason.NOT_AN_OBJECT)
    kind = event.get("event_type")
    if not isinstance(kind, str):
        return Reject(RejectReason.INVALID_EVENT_TYPE)
    return _judge_purchase(event, rules) if kind == "purchase" else None


def _judge_purchase(event: dict[str, object], rules: Rules) -> Sale | Reject:
    customer_id, product_id = _text(event.get("customer_id")), _text(event.get("product_id"))
    guest = event.get("customer_id") in (None, "")
    units = _units(event.get("quantity"))
    product = rules.products.get(product_id) if product_id is not None else None
    customer = rules.customers.get(customer_id) if customer_id is not None else None
    category = product.category if product else None
    segment = customer.segment if customer else None
    revenue = units * product.price if product else _NOTHING
    faults = (
        (RejectReason.INVALID_CUSTOMER_ID, not customer_id and not (rules.bucket and guest)),
        (RejectReason.INVALID_PRODUCT_ID, not product_id),
        (RejectReason.INVALID_QUANTITY, not units),
        (RejectReason.UNKNOWN_PRODUCT, product is None and not rules.bucket),
        (RejectReason.UNKNOWN_CUSTOMER, customer is None and not rules.bucket),
        (RejectReason.MISSING_CATEGORY, category is None and not rules.bucket),
        (RejectReason.MISSING_SEGMENT, segment is None and not rules.bucket),
    )
    for reason, holds in faults:
        if holds:
            return Reject(reason, units, revenue)
    # The snapshot's own string, so that sets of customers share it.
    buyer = customer.id if customer else customer_id
    return Sale(category or _UNKNOWN, segment or _UNKNOWN, buyer, units, revenue)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _units(quantity: object) -> int:
    """0 if it is no quantity; True is an int to Python, but not to JSON."""
    if isinstance(quantity, int) and not isinstance(quantity, bool):
        return quantity if 1 <= quantity <= _MOST_UNITS else 0
    return 0
