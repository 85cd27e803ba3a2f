"""A category's page: its months, its segments and its total."""

from __future__ import annotations

from pathlib import Path

from tests.contract.page.test_page import Page
from tests.support.archives import day_zip, part, purchase, write_shop
from tests.support.run import run_local, shop_of, text, week

PRODUCTS = [("p1", "Pen", "Office", "0.10"), ("p2", "Bear", "Toys", "2.00")]
CUSTOMERS = [("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "VIP")]


def test_its_status_says_how_much_was_left_out(tmp_path: Path) -> None:
    """As that of the report does."""
    guests = purchase("", quantity=30)
    run_local(shop_of(tmp_path, part([purchase(quantity=70), guests])), tmp_path)
    for name, link in (("index.html", ""), ("by_category/Office.html", "../index.html")):
        page = text(tmp_path, name)
        assert "Complete, 50.0 % left out" in " ".join(Page(page).said.split())
        assert 'class="state complete notable"' in page
        assert f'href="{link}#left-out">50.0 %' in page


def test_it_says_what_each_month_brought(tmp_path: Path) -> None:
    bought = {
        "2024-01-31": [purchase(quantity=50)],
        "2024-02-10": [purchase(quantity=200), purchase("c2", quantity=100), purchase("c2", "p2")],
        "2024-02-29": [purchase("c2", "p2", 9)],
        "2024-03-01": [purchase(quantity=400)],
    }
    days = {f"{day}.zip": day_zip({"0.json": part(events)}) for day, events in bought.items()}
    run_local(
        write_shop(tmp_path / "shop", {"week.zip": week(days=days)}, CUSTOMERS, PRODUCTS),
        tmp_path,
        currency="EUR",
    )
    said = " ".join(Page(text(tmp_path, "by_category/Office.html")).said.split())
    assert "In February 2024 it brought EUR 30.00." in said, "January begins before the run does"
    for row in (
        "March 2024to 2024-03-0140.00 ––40040.00",  # noqa: RUF001
        "February 202430.00 ––30015.00",  # noqa: RUF001
        "January 20245.00 ––505.00",  # noqa: RUF001
        "Retail65.00 86.7 %",
        "All75.00",
    ):
        assert row in said, row
