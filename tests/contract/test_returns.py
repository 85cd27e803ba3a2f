"""What came back: left out by default, subtracted, or in a report of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.messages import Outcome
from pipeline_core.settings import load_settings
from tests.support.archives import Shop, part, purchase
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.run import rejects, rows, run_local, shop_of, summary, text
from tests.support.verified import assert_agrees

CUSTOMERS = (("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "Retail"))
PRODUCTS = (("p1", "Pen", "Office", "0.10"), ("p2", "Cap", "Toys", "9.95"))
TYPES = {"SALES_RETURN_TYPES": "refund,Order Refunded"}


def run(shop: Shop, folder: Path, settings: dict[str, str], **options: Any) -> Outcome:
    """Whose report is the oracle's, and verify's."""
    outcome = run_local(shop, folder, feed=feed_of(settings), **options)
    expected = compute(shop.data, shop.dimensions, feed=settings, **options)
    assert text(folder) == expected.sales_report.decode()
    assert text(folder, "daily_sales.csv") == expected.daily_sales.decode()
    assert_agrees(folder, outcome)
    return outcome


def refund(quantity: Any, **fields: Any) -> dict[str, Any]:
    return purchase(quantity=quantity, **fields) | {"event_type": "refund"}


def test_events_of_a_type_that_is_a_return_are_returns(tmp_path: Path) -> None:
    other = refund(1) | {"event_type": "Order Refunded"}
    bad = [refund(each) for each in (0, -1, 2**31, 1.5, None)]
    events = [purchase(quantity=5), refund(3), refund(2**31 - 1), other, *bad]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    outcome = run(shop, tmp_path, TYPES)
    assert [row["reason"] for row in rejects(tmp_path)] == ["return"] * 3 + ["invalid_quantity"] * 5
    assert summary(outcome).rejected["return"].units == -3 - (2**31 - 1) - 1
    assert rows(tmp_path) == [["Office", "Retail", "0.50", "5", "1"]]
    without = run(shop, tmp_path / "without", {})
    assert summary(without).events.not_purchase == 8


def test_items_and_missing_quantities_of_returns(tmp_path: Path) -> None:
    order = {"event_type": "refund", "customer_id": "c1", "lines": [{"product_id": "p1"}] * 2}
    lines = [{"product_id": "p1", "quantity": "2.0"}, {"product_id": "p2", "quantity": "-2"}]
    events = [purchase(), order, order | {"lines": lines}, order | {"lines": []}]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    settings = TYPES | {"SALES_ITEMS": "lines[]", "SALES_QUANTITY": "number:1"}
    outcome = run(shop, tmp_path, settings)
    returned = summary(outcome).rejected["return"]
    assert (returned.events, returned.units, returned.revenue) == (3, -4, "-0.40")
    assert summary(outcome).rejected["invalid_quantity"].events == 1
    assert summary(outcome).events.not_purchase == 2


def test_a_type_is_of_purchases_or_of_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALES_PURCHASE_TYPES", "buy,refund")
    monkeypatch.setenv("SALES_RETURN_TYPES", "refund")
    with pytest.raises(ConfigError, match="SALES_RETURN_TYPES: refund is a type of purchases, too"):
        load_settings()
