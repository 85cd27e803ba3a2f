"""The price paid counts, not that of the products: in a run, by verify and by the oracle."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.diff.compare import difference
from pipeline_core.dimensions.files import read_folder
from pipeline_core.errors import ConfigError, ContractError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import Shop, part, purchase
from tests.support.oracle import compute
from tests.support.recounted import feed_of
from tests.support.run import rows, run_local, shop_of, summary, text
from tests.support.verified import assert_agrees

PRICE = {"SALES_PRICE_FIELD": "price"}
CUSTOMERS = (("c1", "2020-01-01", "Retail"),)
PRODUCTS = (("p1", "Pen", "Office", "7.77"), ("p0", "Pen", None, "7.77"))


def run(shop: Shop, folder: Path, settings: dict[str, str] = PRICE, **options: Any) -> Outcome:
    """Whose report is the oracle's, and verify's."""
    outcome = run_local(shop, folder, feed=feed_of(settings), **options)
    expected = compute(shop.data, shop.dimensions, feed=settings, **options)
    assert text(folder) == expected.sales_report.decode()
    assert text(folder, "daily_sales.csv") == expected.daily_sales.decode()
    assert_agrees(folder, outcome)
    return outcome


def figures(outcome: Outcome) -> dict[str, tuple[int, int | None, str | None]]:
    left_out = summary(outcome).rejected
    return {reason: (f.events, f.units, f.revenue) for reason, f in left_out.items()}


@pytest.mark.parametrize(
    ("decimals", "revenue"), [("2", "33.35"), ("3", "33.350"), ("4", "33.3500")]
)
def test_each_purchase_counts_at_its_own_price(tmp_path: Path, decimals: str, revenue: str) -> None:
    prices = [9.95, 10.5, "1.450", 0, 0.0]
    events = [purchase(quantity=n, price=price) for n, price in enumerate(prices, 1)]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    outcome = run(shop, tmp_path, PRICE | {"SALES_PRICE_DECIMALS": decimals})
    expected = f"{float(revenue) + 1.95:.{decimals}f}"  # 9.95 + 21 + 4.35
    assert rows(tmp_path) == [["Office", "Retail", expected, "15", "1"]]
    assert summary(outcome).rejected == {}


def test_what_is_no_price_is_left_out_last_with_its_units(tmp_path: Path) -> None:
    bad = [-1, "9,95", 9.951, None, True, "1e2", 2**53]
    events = [purchase(price=1.5), *(purchase(quantity=2, price=each) for each in bad), purchase()]
    events += [
        purchase("nobody", quantity=3, price=2),
        purchase(product="nothing", quantity=4, price=2),
        purchase(product="nothing", quantity=5, price=-2),
        purchase(product=None, quantity=6, price=2),
        purchase(product="p0", quantity=7, price=-2),
        purchase(None, quantity=8, price=2),
        purchase(quantity=-9, price=2),
        purchase(quantity=0, price=2),
    ]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    assert figures(run(shop, tmp_path)) == {
        "guest": (1, 8, "16.00"),
        "invalid_product_id": (1, 6, "12.00"),
        "return": (1, -9, "-18.00"),
        "invalid_quantity": (1, None, None),
        "unknown_product": (2, 9, "8.00"),
        "unknown_customer": (1, 3, "6.00"),
        "missing_category": (1, 7, None),
        "invalid_price": (8, 15, None),
    }
    assert rows(tmp_path) == [["Office", "Retail", "1.50", "1", "1"]]


def test_an_unknown_product_brings_what_was_paid(tmp_path: Path) -> None:
    events = [
        purchase(product="nothing", quantity=2, price="1.25"),
        purchase(product="p0", price=-1),
    ]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    outcome = run(shop, tmp_path, unknown="bucket")
    assert rows(tmp_path) == [["Unknown", "Retail", "2.50", "2", "1"]]
    assert figures(outcome) == {"invalid_price": (1, 1, None)}


def test_the_price_of_an_item_is_its_own_or_that_of_its_order(tmp_path: Path) -> None:
    lines = [
        {"product_id": "p1", "quantity": 1, "price": "0.10"},
        {"product_id": "p1", "quantity": 2},
    ]
    order = {"event_type": "purchase", "customer_id": "c1", "lines": lines, "price": 5}
    shop = shop_of(tmp_path, part([order]), customers=CUSTOMERS, products=PRODUCTS)
    run(shop, tmp_path, PRICE | {"SALES_ITEMS": "lines[]"})
    assert rows(tmp_path)[0][2:4] == ["10.10", "3"]


def test_products_need_no_price_and_one_that_is_there_is_not_read(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(price=5)]), customers=CUSTOMERS, products=PRODUCTS)
    for number, header in enumerate(
        ("product_id,category\np1,Office", "product_id,category,price\np1,Office,?")
    ):
        (shop.dimensions / "products.csv").write_text(header + "\n")
        outcome = run_local(shop, tmp_path / str(number), feed=feed_of(PRICE))
        assert rows(tmp_path / str(number))[0][2] == "5.00"
        assert_agrees(tmp_path / str(number), outcome)


def test_a_product_without_a_row_on_the_day_has_no_category_then(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(price=5)]), customers=CUSTOMERS, products=PRODUCTS)
    (shop.dimensions / "products.csv").write_text(
        "product_id,category,valid_from\np1,Office,2024-03-02\n"
    )
    outcome = run_local(shop, tmp_path, feed=feed_of(PRICE))
    assert figures(outcome) == {"missing_category": (1, 1, "5.00")}
    assert_agrees(tmp_path, outcome)
    outcome = run_local(shop, tmp_path / "2", feed=feed_of(PRICE), unknown="bucket")
    assert rows(tmp_path / "2") == [["Unknown", "Retail", "5.00", "1", "1"]]
    assert_agrees(tmp_path / "2", outcome)


def test_extracts_keep_the_price(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(price=9.95)]), customers=CUSTOMERS, products=PRODUCTS)
    run(shop, tmp_path)
    (shop.dimensions / "products.csv").write_text("product_id,category\np1,Pens\n")
    outcome = run_local(shop, tmp_path, feed=feed_of(PRICE))
    assert summary(outcome).bytes_read == 0
    assert rows(tmp_path) == [["Pens", "Retail", "9.95", "1", "1"]]
    outcome = run_local(shop, tmp_path, feed=feed_of(PRICE | {"SALES_PRICE_DECIMALS": "3"}))
    assert rows(tmp_path) == [["Pens", "Retail", "9.950", "1", "1"]]


def test_explain_says_what_was_paid(tmp_path: Path) -> None:
    events = [purchase(quantity=2, price=5), purchase(price=4), purchase(price="?")]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    outcome = run(shop, tmp_path)
    ledger = RunLedger(open_storage(str(tmp_path / "state")), outcome.run_id)
    found = explain(ledger, Cell("Office", "Retail"), 10)
    assert [(each.price, each.units, each.revenue) for each in found.products] == [
        (None, 3, "14.00")
    ]
    assert [each.revenue for each in found.first_events] == ["10.00", "4.00"]
    assert [each.revenue for each in found.first_left_out] == [None]


def test_diff_finds_the_causes_of_other_prices(tmp_path: Path) -> None:
    prices: dict[str, list[float]] = {"1": [5, 4], "2": [5, 4.5]}
    folder, run_ids = tmp_path / "runs", list[str]()
    for name, paid in prices.items():
        events = part([purchase(quantity=2, price=each) for each in paid])
        shop = shop_of(tmp_path / name, events, customers=CUSTOMERS, products=PRODUCTS)
        outcome = run_local(shop, folder, feed=feed_of(PRICE))
        run_ids.append(outcome.run_id)
    without = run_local(shop, folder)
    state = open_storage(str(folder / "state"))
    (cell,) = difference(state, *run_ids).cells
    assert (cell.before.revenue, cell.after.revenue, cell.revenue) == ("18.00", "19.00", "1.00")
    found = difference(state, run_ids[1], without.run_id)
    assert [(kind.kind, kind.revenue) for kind in found.kinds] == [("changed_feed", "12.08")]
    found = difference(state, without.run_id, run_ids[1])
    assert [(kind.kind, kind.revenue) for kind in found.kinds] == [("changed_feed", "-12.08")]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SALES_PRICE_FIELD": "quantity"}, "SALES_PRICE_FIELD: 'quantity' is quantity"),
        (
            {"SALES_PRICE_FIELD": "user.id", "SALES_FIELDS": "customer_id=user.id"},
            "'user.id' is customer_id",
        ),
        ({"SALES_PRICE_FIELD": " "}, "SALES_PRICE_FIELD: an empty path"),
        (
            PRICE | {"SALES_PRICE_HISTORY": "keep"},
            "^Wrong settings: SALES_PRICE_HISTORY=keep goes with prices of products, ",
        ),
        ({"SALES_PRICE_DECIMALS": "7"}, "SALES_PRICE_DECIMALS"),
        ({"SALES_PRICE_DECIMALS": "-1"}, "SALES_PRICE_DECIMALS"),
    ],
)
def test_settings_that_are_wrong(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=said):
        load_settings()


def test_a_source_that_has_other_decimals_stops_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_of(tmp_path, part([purchase(price=5)]), customers=CUSTOMERS, products=PRODUCTS)
    priced = replace(read_folder(shop.dimensions), scale=3)
    monkeypatch.setattr("pipeline_core.planning.sources.read_dimensions", lambda *_: priced)
    with pytest.raises(ContractError, match="different decimals"):
        run_local(shop, tmp_path, feed=feed_of(PRICE))
