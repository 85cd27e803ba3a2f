"""Thousands of rows that are valid for a time, and events on their borders: what a run, `verify`
and a frame make of them is what the oracle does."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline_core.frames import DataTransformer, DimensionLoader, EventExtractor
from pipeline_core.messages import UnknownMode
from pipeline_core.verify.verification import verify
from tests.property.test_pipeline_equals_oracle import check
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from tests.support.oracle import compute
from tests.support.run import run_local

FIRST = date(2024, 1, 15)  # so that a leap day is among the days
DAYS = [FIRST + timedelta(days=number) for number in range(60)]
PRODUCTS, CUSTOMERS, EVENTS = 400, 300, 6000


def shop_of(folder: Path, seed: int) -> Shop:
    """Each id has up to twelve rows; half of the events are on a border or beside one."""
    chance = random.Random(seed)  # noqa: S311
    borders: dict[str, list[date]] = {}
    products = [
        (
            one,
            "",
            chance.choice(["Toys", "Food", ""]),
            f"{chance.randint(0, 9999) / 100:.2f}",
            *span,
        )
        for one in (f"p{number}" for number in range(PRODUCTS))
        for span in _spans(one, borders, chance)
    ]
    customers = [
        (one, "", chance.choice(["Retail", "VIP", "New", ""]), *span)
        for one in (f"c{number}" for number in range(CUSTOMERS))
        for span in _spans(one, borders, chance)
    ]
    chance.shuffle(products)
    chance.shuffle(customers)
    assert len(products) + len(customers) > 3000
    sold: dict[str, list[object]] = {f"{day}.zip": [] for day in DAYS}
    sold["some day.zip"] = []
    for number in range(EVENTS):
        customer, product = (
            f"c{chance.randrange(CUSTOMERS + 3)}",
            f"p{chance.randrange(PRODUCTS + 3)}",
        )
        near = chance.choice(borders.get(chance.choice([customer, product]), DAYS) or DAYS)
        day = near + timedelta(days=chance.randint(-1, 1)) if number % 2 else chance.choice(DAYS)
        name = f"{day}.zip" if f"{day}.zip" in sold and number % 29 else "some day.zip"
        sold[name].append(purchase(customer, product, chance.randint(1, 5), n=number))
    days = {name: day_zip({"a.json": part(events)}) for name, events in sold.items()}
    half = len(days) // 2
    archives = {
        "one.zip": archive_zip(dict(list(days.items())[:half])),
        "other.zip": archive_zip(dict(list(days.items())[half:])),
    }
    return write_shop(folder, archives, customers, products)


def _spans(
    one: str, borders: dict[str, list[date]], chance: random.Random
) -> list[tuple[str, str]]:
    """Ranges that touch or leave gaps."""
    days = sorted(chance.sample(DAYS, chance.randint(0, 12)))
    borders[one] = days
    edges = ["", *map(str, days), ""]
    return [span for span in pairwise(edges) if chance.random() < 0.9] or [("", "")]


@pytest.mark.parametrize("unknown", ["reject", "bucket"])
def test_thousands_of_rows_make_what_the_oracle_makes_of_them(
    tmp_path: Path, unknown: UnknownMode
) -> None:
    shop = shop_of(tmp_path / "shop", len(unknown))
    expected = compute(shop.data, shop.dimensions, unknown=unknown)
    assert expected.summary["undated"] > 50
    assert expected.summary["rejected"]["no_price_on_date"]["events"] > 50
    outcome = run_local(shop, tmp_path, unknown=unknown, batch_size=500)
    check(expected, outcome, tmp_path / "reports" / "latest")
    assert verify(str(tmp_path / "state"), outcome.run_id).agrees
    tables = DimensionLoader(shop.dimensions)
    transformer = DataTransformer(tables.customers(), tables.products(), unknown=unknown)
    reports = transformer.transform(EventExtractor(shop.data).batches(1000))
    assert (reports["sales_report"].to_csv(index=False) or "").encode() == expected.sales_report
    assert (reports["daily_sales"].to_csv(index=False) or "").encode() == expected.daily_sales
