"""A category's page: its months, its products, its segments and its total."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.messages import ReturnsMode
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


def _by_product(folder: Path, category: str = "Office") -> str:
    said = " ".join(Page(text(folder, f"by_category/{category}.html")).said.split())
    return said.partition("By product")[2].partition("By segment")[0].replace("\u00a0", " ").strip()


def test_it_says_what_each_product_brought(tmp_path: Path) -> None:
    products = [(f"p{number}", "", "Office", f"{number}.00") for number in range(1, 26)]
    events = [purchase("c1", f"p{number}") for number in range(1, 26)]
    events += [purchase("c2", "p25", 2), purchase("c2", "p1", 3), purchase("c2", "p4")]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=products)
    run_local(shop, tmp_path, currency="EUR")
    said = _by_product(tmp_path)
    head = "ProductRevenue (EUR)Revenue as a bar ShareUnits "
    assert said.startswith(f"{head}p2575.00 19.6 % 3 p2424.00 6.3 % 1 p2323.00 6.0 % 1 "), said
    # Those of equal revenue go by their ids, and p6, p5, p1, p3 and p2 are left.
    rest = "and 5 more products, together20.00 5.2 %8"
    assert said.endswith(f" p48.00 2.1 % 2 p88.00 2.1 % 1 p77.00 1.8 % 1 {rest} All382.0031"), said


@pytest.mark.parametrize(
    ("returns", "table"),
    [("net", "p1−2.00 – −20 All−2.00−20"), ("separate", "p13.00 100.0 % 30 All3.0030")],  # noqa: RUF001
)
def test_what_came_back_is_less_or_apart_there_too(
    tmp_path: Path, returns: ReturnsMode, table: str
) -> None:
    events = [purchase(quantity=30), purchase(quantity=-50)]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    run_local(shop, tmp_path, returns=returns)
    assert _by_product(tmp_path) == f"ProductRevenueRevenue as a bar ShareUnits {table}"


def test_products_that_nobody_knows_are_one_line(tmp_path: Path) -> None:
    events = [purchase("c1", f"nowhere{number}", 2) for number in range(30)] + [purchase()]
    shop = shop_of(tmp_path, part(events), customers=CUSTOMERS, products=PRODUCTS)
    run_local(shop, tmp_path, unknown="bucket")
    line = "All that are not among the products0.00 – 60 All0.0060"  # noqa: RUF001
    assert _by_product(tmp_path, "Unknown").endswith(f"Units {line}")
    assert "nowhere" not in text(tmp_path, "by_category/Unknown.html")


def test_ids_are_nothing_but_text(tmp_path: Path) -> None:
    strange = ["<b>&{{ 7 * 7 }}", "x" * 5000]
    products = [(each, "", "Office", "1.00") for each in strange]
    events = [purchase("c1", each) for each in strange]
    run_local(shop_of(tmp_path, part(events), customers=CUSTOMERS, products=products), tmp_path)
    said = _by_product(tmp_path)
    assert "<b>&{{ 7 * 7 }}1.00" in said
    assert "x" * 119 + "…1.00" in said


def test_names_that_look_like_its_slots_are_names(tmp_path: Path) -> None:
    """What all such pages have in common is rendered once, with slots in it."""
    name = "<slot units> & <slot csv>"
    products = [("p1", "Pen", name, "0.10")]
    shop = shop_of(tmp_path, part([purchase(quantity=7)]), customers=CUSTOMERS, products=products)
    run_local(shop, tmp_path, shop=name)
    (path,) = (tmp_path / "reports" / "latest" / "by_category").glob("*.html")
    page, escaped = path.read_text(encoding="utf-8"), "&lt;slot units&gt; &amp; &lt;slot csv&gt;"
    assert f"<h1><bdi>{escaped}</bdi></h1>" in page
    assert f"<title>{escaped}: {escaped}, sales report, days from 2024" in page
    assert "<slot" not in page
    assert f'href="{path.stem}.csv" download' in page
