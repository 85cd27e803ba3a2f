"""Exports of four products, as they send them: invented orders, in each product's own wrapping.

What each sells, in all: 9 units of `p1`, 3 of `p2`, 3 of `p3` and 1 of `p4` on two days, one order
by a guest. One event is sent twice, one purchase has no quantity where its product writes none for
one, and events of other types name products, too.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.support.archives import archive_zip

Customers = list[tuple[str, str, str | None]]
Products = list[tuple[str, str, str | None, str]]

CUSTOMERS: Customers = [(each, "2020-01-01", "Retail") for each in ("u1", "u2", "u3")]
PRODUCTS: Products = [
    ("p1", "Lamp", "Home", "19.90"),
    ("p2", "Pen", "Office", "5.00"),
    ("p3", "Card", "Office", "1.25"),
    ("p4", "Chair", "Home", "49.99"),
]
PRICES = {product: float(price) for product, _, _, price in PRODUCTS}


class Order(NamedTuple):
    """A purchase of some products, and how many of each."""

    number: int
    day: str
    hour: int
    user: str | None
    items: tuple[tuple[str, int], ...]
    is_sent_twice: bool = False


ORDERS = (
    Order(1, "2023-10-23", 8, "u1", (("p1", 2), ("p2", 1))),
    Order(2, "2023-10-23", 11, "u2", (("p3", 3),), is_sent_twice=True),
    Order(3, "2023-10-23", 22, "u3", (("p1", 1),)),
    Order(4, "2023-10-24", 7, None, (("p2", 2),)),
    Order(5, "2023-10-24", 9, "u1", (("p4", 1),)),
    Order(6, "2023-10-24", 15, "u2", (("p1", 5), ("p1", 1))),
)


class Export(NamedTuple):
    """An archive, the settings that describe it, and what of it cannot be known."""

    archive: bytes
    settings: dict[str, str]
    event_id: str  # SALES_EVENT_ID, by which what was sent twice counts once
    has_days: bool = True
    refunds: int = 0  # that look like purchases, but for a price below 0


def _lines(events: Iterable[object]) -> bytes:
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def _without(event: dict[str, Any], absent: object = None) -> dict[str, Any]:
    return {key: value for key, value in event.items() if value is not absent}


def amplitude() -> Export:
    """Lines, gzipped, an hour a file; the folder is a project's number that looks like a date."""
    hours: dict[str, bytes] = {}
    for order in ORDERS:
        events: list[dict[str, Any]] = [
            {"$insert_id": f"v{order.number}", "user_id": "u9", "event_type": "Product Viewed"}
            | {"event_properties": {"sku": "p4"}}
        ]
        for number, (product, units) in enumerate(order.items):
            properties: dict[str, Any] = {"$productId": product}
            properties |= {"$quantity": units if units > 1 else None}
            properties |= {"$price": PRICES[product], "$revenue": units * PRICES[product]}
            events.append(
                {"$insert_id": f"{order.number}-{number}", "user_id": order.user}
                | {"event_type": "revenue_amount", "event_properties": _without(properties)}
            )
        name = f"231107/231107_{order.day}_{order.hour}#1.json.gz"
        hours[name] = gzip.compress(_lines(events))
        if order.is_sent_twice:
            hours[name.replace("#1", "#2")] = gzip.compress(_lines(events[1:]))
    refund = {"$productId": "p2", "$price": -PRICES["p2"], "$revenue": -PRICES["p2"]}
    events = [{"$insert_id": "r", "user_id": "u1", "event_type": "revenue_amount"}]
    events[0]["event_properties"] = refund
    hours["231107/231107_2023-10-24_16#1.json.gz"] = gzip.compress(_lines(events))
    fields = ("customer_id=user_id", "product_id=event_properties.$productId")
    return Export(
        archive_zip(hours),
        {
            "SALES_FIELDS": ",".join((*fields, "quantity=event_properties.$quantity")),
            "SALES_PURCHASE_TYPES": "revenue_amount",
            "SALES_QUANTITY": "number:1",
            "SALES_PRICE_FIELD": "event_properties.$price",
        },
        "$insert_id",
        refunds=1,
    )


def firehose() -> Export:
    """Values with nothing between them, in files without an ending, of several members if packed;
    the day is that of four folders."""
    files: dict[str, bytes] = {}
    for order in ORDERS:
        events: list[dict[str, Any]] = [{"id": "v", "event_type": "view", "product_id": "p4"}]
        for number, (product, units) in enumerate(order.items):
            event: dict[str, Any] = {"id": f"{order.number}-{number}", "customer_id": order.user}
            event |= {"event_type": "purchase", "product_id": product, "quantity": units}
            event |= {"note": 'a brace } and "quotes" {'}
            events += [event] * (2 if order.is_sent_twice else 1)
        texts = [json.dumps(event).encode() for event in events]
        hour = f"{order.day}-{order.hour:02}".replace("-", "/")
        name = f"shop/{hour}/shop-1-{hour.replace('/', '-')}-05-00-{order.number:08}-0000-4000"
        if order.number % 2:
            files[f"{name}.gz"] = b"".join(map(gzip.compress, texts))
        else:
            files[name] = b"".join(texts)
    return Export(archive_zip(files), {"SALES_PARTS": "shop-*"}, "id")


def ga4() -> Export:
    """Lines, gzipped, a table a day; that of the day itself once more, and numbers as texts."""
    days: dict[str, list[dict[str, Any]]] = {}
    for order in ORDERS:
        event = {"event_date": order.day.replace("-", ""), "user_id": order.user}
        items = [{"item_id": product, "quantity": str(units)} for product, units in order.items]
        bought: dict[str, Any] = {"event_name": "purchase", "items": items}
        bought |= {"ecommerce": {"transaction_id": str(order.number)}}
        viewed = {"event_name": "view_item", "items": [{"item_id": "p4", "quantity": "1"}]}
        found = days.setdefault(str(event["event_date"]), [])
        found += [event | viewed, *[_without(event | bought)] * (2 if order.is_sent_twice else 1)]
    tables = {f"events_{day}_000000000000.json.gz": _lines(found) for day, found in days.items()}
    last = max(days)
    tables[f"events_intraday_{last}_000000000000.json.gz"] = _lines(days[last][:3])
    return Export(
        archive_zip({name: gzip.compress(lines) for name, lines in tables.items()}),
        {
            "SALES_FIELDS": "event_type=event_name,customer_id=user_id,product_id=item_id",
            "SALES_ITEMS": "items[]",
            "SALES_QUANTITY": "number",
            "SALES_IGNORE": "events_intraday_*",
        },
        "event_name,ecommerce.transaction_id",
    )


def segment() -> Export:
    """Lines in files that end in .gz and nothing else, in folders of milliseconds; an order's
    products stand in what happened before and after it, too."""
    files: dict[str, list[dict[str, Any]]] = {}
    for order in ORDERS:
        products = [
            _without({"product_id": product, "quantity": units if units > 1 else None})
            for product, units in order.items
        ]
        properties = {"order_id": str(order.number), "products": products, "test": False}
        number = "1698019200000" if order.day.endswith("23") else "1698105600000"
        found = files.setdefault(f"segment-logs/srcA1b2/{number}/{number}.a0.gz", [])
        for kind in ("Checkout Started", "Order Completed", "Order Updated"):
            event = {"messageId": f"{order.number} {kind}", "event": kind, "userId": order.user}
            is_twice = order.is_sent_twice and kind == "Order Completed"
            found += [event | {"properties": properties}] * (2 if is_twice else 1)
    test: dict[str, Any] = {"messageId": "t", "event": "Order Completed", "userId": "u1"}
    test |= {"properties": {"products": [{"product_id": "p1"}], "test": True}}
    found.append(test)
    found.append({"messageId": "v", "event": "Product Viewed", "properties": {"product_id": "p4"}})
    return Export(
        archive_zip({name: gzip.compress(_lines(each)) for name, each in files.items()}),
        {
            "SALES_FIELDS": "event_type=event,customer_id=userId",
            "SALES_PURCHASE_TYPES": "Order Completed",
            "SALES_ITEMS": "properties.products[]",
            "SALES_QUANTITY": "number:1",
            "SALES_ONLY": "properties.test!=true",
            "SALES_PARTS": ".gz",
        },
        "messageId",
        has_days=False,
    )


EXPORTS = {each.__name__: each for each in (amplitude, firehose, ga4, segment)}
