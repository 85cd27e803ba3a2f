"""What one event is: a sale, a reject with its reason, or no purchase."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Self

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import Feed, Options, RejectReason
from pipeline_core.reread.fields import Record, id_of, is_met, is_purchase, units_of

_UNKNOWN = "Unknown"
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
    """Customers and products by id, decimals of the prices, what becomes of the unknown, and what
    the shop calls things."""

    customers: dict[str, Customer]
    products: dict[str, Product]
    scale: int
    bucket: bool
    feed: Feed = Feed()

    @classmethod
    def of(cls, snapshot: Snapshot, options: Options) -> Self:
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
            bucket=options.unknown == "bucket",
            feed=options.feed,
        )


def judge(record: Record, rules: Rules) -> Sale | Reject | None:
    """None if it is no purchase."""
    feed = rules.feed
    if not isinstance(record.order, dict):
        return Reject(RejectReason.NOT_AN_OBJECT)
    if not is_met(record, feed):
        return None
    if not isinstance(record.get(feed.event_type), str):
        return Reject(RejectReason.INVALID_EVENT_TYPE)
    if record.is_empty or not is_purchase(record, feed):
        return None
    if not isinstance(record.item, dict):  # but in place of an item, or of the list of items
        return Reject(RejectReason.NOT_AN_OBJECT)
    return _judge_purchase(record, rules)


def _judge_purchase(record: Record, rules: Rules) -> Sale | Reject:
    feed, who = rules.feed, record.get(rules.feed.customer_id)
    customer_id, product_id = id_of(who, feed), id_of(record.get(feed.product_id), feed)
    guest = who in (None, "")
    units = units_of(record.get(feed.quantity), feed)
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
