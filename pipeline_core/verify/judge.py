"""What one event is: a sale, a reject with its reason, or no purchase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple, Self, TypeVar

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.messages import Feed, Options, RejectReason, ReturnsMode
from pipeline_core.reread.fields import Record, id_of, is_met, is_purchase, price_of, sold_units

_UNKNOWN = "Unknown"


class Customer(NamedTuple):
    """A row of the snapshot. It counts from its first day (ISO, or empty) to before its last."""

    id: str
    segment: str | None
    first: str
    last: str


class Product(NamedTuple):
    """The same of a product."""

    category: str | None
    price: Decimal
    first: str
    last: str


class Sale(NamedTuple):
    """A purchase that counts, or a return that does, of units and revenue below 0; ``customer`` is
    None for a guest. ``newest``: whether rows are not always valid, and the newest was taken for
    want of a date; ``is_priced``: whether its product has a price, and not 0 for want of one."""

    category: str
    segment: str
    customer: str | None
    units: int
    revenue: Decimal
    newest: bool = False
    is_priced: bool = True


class Reject(NamedTuple):
    """An event that is left out; units are 0, and revenue is None, where nobody knows them.
    ``is_return`` whether it came back, however much."""

    reason: RejectReason
    units: int = 0
    revenue: Decimal | None = None
    is_return: bool = False


@dataclass(frozen=True)
class Rules:
    """Rows of customers and products by id, the newest last, decimals of the prices, what becomes
    of the unknown, and what the shop calls things."""

    customers: dict[str, list[Customer]]
    products: dict[str, list[Product]]
    scale: int
    bucket: bool
    feed: Feed = Feed()
    returns: ReturnsMode = "reject"

    @classmethod
    def of(cls, snapshot: Snapshot, options: Options) -> Self:
        """The rules of a run."""
        customers: dict[str, list[Customer]] = {}
        products: dict[str, list[Product]] = {}
        for batch in snapshot.customers.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                one = Customer(row["customer_id"].decode(), row["segment"] or None, *_range(row))
                customers.setdefault(one.id, []).append(one)
        for row in snapshot.products.to_pylist():
            price = Decimal(row["price_minor"]).scaleb(-snapshot.scale)
            product = Product(row["category"] or None, price, *_range(row))
            products.setdefault(row["product_id"].decode(), []).append(product)
        return cls(
            customers={one: _newest_last(rows) for one, rows in customers.items()},
            products={one: _newest_last(rows) for one, rows in products.items()},
            scale=snapshot.scale,
            bucket=options.unknown == "bucket",
            feed=options.feed,
            returns=options.returns,
        )


_Row = TypeVar("_Row", Customer, Product)


def _range(row: dict[str, Any]) -> tuple[str, str]:
    first, last = row["valid_from"], row["valid_to"]
    return ("" if first is None else first.isoformat()), ("" if last is None else last.isoformat())


def _newest_last(rows: list[_Row]) -> list[_Row]:
    return sorted(rows, key=lambda row: row.first)


def row_on(rows: list[_Row], sold_on: str) -> _Row | None:
    """The row that counts on a day (ISO); the newest where that is not known."""
    if not sold_on:
        return rows[-1] if rows else None
    for row in rows:
        if row.first <= sold_on and (not row.last or sold_on < row.last):
            return row
    return None


def is_dated(rows: Sequence[Customer] | Sequence[Product]) -> bool:
    """Whether one of them is not always valid."""
    return any(row.first or row.last for row in rows)


def judge(record: Record, sold_on: str, rules: Rules) -> Sale | Reject | None:
    """None if it is no purchase. ``sold_on`` is the date of its day (ISO) or empty."""
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
    return _judge_purchase(record, sold_on, rules)


def _judge_purchase(record: Record, sold_on: str, rules: Rules) -> Sale | Reject:
    feed, who = rules.feed, record.get(rules.feed.customer_id)
    customer_id, product_id = id_of(who, feed), id_of(record.get(feed.product_id), feed)
    guest = who in (None, "")
    units = sold_units(record, feed)
    products = rules.products.get(product_id or "", [])
    customers = rules.customers.get(customer_id or "", [])
    product, customer = row_on(products, sold_on), row_on(customers, sold_on)
    category = product.category if product else None
    segment = customer.segment if customer else None
    is_paid = feed.price is not None
    price = product.price if product and product.price >= 0 else None  # below: it has none
    if feed.price is not None:
        price = price_of(record.get(feed.price), feed.price_decimals)
    faults = (
        (RejectReason.GUEST, guest and not rules.bucket),
        (RejectReason.INVALID_CUSTOMER_ID, not customer_id and not guest),
        (RejectReason.INVALID_PRODUCT_ID, not product_id),
        (RejectReason.RETURN, units < 0 and rules.returns == "reject"),
        (RejectReason.INVALID_QUANTITY, not units),
        (RejectReason.UNKNOWN_PRODUCT, not products and not rules.bucket),
        (RejectReason.UNKNOWN_CUSTOMER, customer is None and not rules.bucket),
        (
            RejectReason.MISSING_CATEGORY,
            (bool(product) or is_paid) and not category and not rules.bucket,
        ),
        (RejectReason.MISSING_SEGMENT, segment is None and not rules.bucket),
        (RejectReason.NO_PRICE_ON_DATE, bool(products) and product is None and not is_paid),
        (RejectReason.INVALID_PRICE, is_paid and price is None),
    )
    for reason, holds in faults:
        if holds:
            lost = None if price is None or not units else units * price
            is_return = units < 0 or record.get(feed.event_type) in feed.return_types
            return Reject(reason, units, lost, is_return)
    revenue = Decimal(0) if price is None else units * price
    # The snapshot's own string, so that sets of customers share it.
    buyer = customers[0].id if customers else customer_id
    newest = not sold_on and (is_dated(products) or is_dated(customers))
    cell = category or _UNKNOWN, segment or _UNKNOWN
    return Sale(*cell, buyer, units, revenue, newest, price is not None)
