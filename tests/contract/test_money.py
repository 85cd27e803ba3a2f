"""Money is exact, whatever the amounts: against Decimal, which never rounds here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.support.archives import part, purchase
from tests.support.run import latest, rows, run_local, shop_of, summary

LARGEST = 2**31 - 1


def _revenue(tmp_path: Path, price: str, quantity: int, times: int) -> Decimal:
    """Total revenue, the same in all places where it stands."""
    products = (("p1", "Pen", "Office", price),)
    events = part([purchase(quantity=quantity)] * times)
    outcome = run_local(shop_of(tmp_path, events, products=products), tmp_path)
    assert outcome.exit_code == 0
    (report,), (daily,) = rows(tmp_path), rows(tmp_path, "daily_sales.csv")
    assert report[2] == daily[3] == summary(outcome).totals.total_revenue
    (typed,) = pq.read_table(latest(tmp_path) / "sales_report.parquet").to_pylist()
    assert str(typed["total_revenue"]) == report[2]
    assert report[3] == str(quantity * times)
    return Decimal(report[2])


@pytest.mark.parametrize("price", ["0.10", "0.01", "33.33", "0.07", "1.005", "19.99"])
@pytest.mark.parametrize(("quantity", "times"), [(1, 1000), (3, 333), (LARGEST, 10)])
def test_revenue_is_quantity_times_price(
    tmp_path: Path, price: str, quantity: int, times: int
) -> None:
    assert _revenue(tmp_path, price, quantity, times) == Decimal(price) * quantity * times


@pytest.mark.parametrize(
    ("times", "beyond"), [(1, 2**53), (5, 2**53), (1000, 2**63), (20_000, 2**63)]
)
def test_largest_price_times_largest_quantity_is_exact(
    tmp_path: Path, times: int, beyond: int
) -> None:
    revenue = _revenue(tmp_path, "99999999.99", LARGEST, times)
    assert revenue == Decimal("99999999.99") * LARGEST * times
    assert revenue * 100 > beyond


def test_largest_price_of_all_is_exact(tmp_path: Path) -> None:
    revenue = _revenue(tmp_path, "90071992547409.91", LARGEST, 1000)
    assert revenue == Decimal("90071992547409.91") * LARGEST * 1000
    assert revenue * 100 > 2**90


def test_one_cent_more_shows_beyond_what_a_double_can_tell(tmp_path: Path) -> None:
    products = (("p1", "Pen", "Office", "99999999.99"), ("p2", "Cap", "Office", "0.01"))
    for number, extra in enumerate(([], [purchase(product="p2")])):
        events = part([purchase(quantity=LARGEST)] * 100 + extra)
        folder = tmp_path / str(number)
        run_local(shop_of(folder, events, products=products), folder)
    (less,), (more,) = rows(tmp_path / "0"), rows(tmp_path / "1")
    assert Decimal(more[2]) - Decimal(less[2]) == Decimal("0.01")
    assert float(more[2]) == float(less[2])


def test_total_is_the_sum_of_the_rows(tmp_path: Path) -> None:
    prices = ["99999999.99", "33.33", "0.01", "0.10", "12345678.9", "0"]
    products = [(f"p{n}", "Pen", f"Category {n}", price) for n, price in enumerate(prices)]
    events = [purchase(product=f"p{n}", quantity=LARGEST - n) for n in range(len(prices))] * 50
    outcome = run_local(shop_of(tmp_path, part(events), products=products), tmp_path)
    expected = sum(50 * Decimal(price) * (LARGEST - n) for n, price in enumerate(prices))
    assert sum(Decimal(row[2]) for row in rows(tmp_path)) == expected
    assert Decimal(summary(outcome).totals.total_revenue) == expected


def test_rejected_revenue_is_exact_too(tmp_path: Path) -> None:
    products = (("p1", "Pen", None, "99999999.99"),)
    events = part([purchase(quantity=LARGEST)] * 1000)
    outcome = run_local(shop_of(tmp_path, events, products=products), tmp_path)
    figures = summary(outcome).rejected["missing_category"]
    assert figures.revenue == str(Decimal("99999999.99") * LARGEST * 1000)
    assert figures.units == LARGEST * 1000
