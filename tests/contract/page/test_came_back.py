"""What came back, on the page: subtracted, or beside everything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline_core.messages import ReturnsMode
from tests.contract.page.test_page import Page
from tests.support.archives import part, purchase
from tests.support.run import run_local, shop_of, text

EVENTS = [
    purchase(quantity=50),
    purchase("c2", quantity=10),
    purchase(quantity=-20),
    purchase("c2", "p2", -3),
]
CUSTOMERS = [("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "VIP")]
PRODUCTS = [("p1", "Pen", "Office", "0.10"), ("p2", "Bear", "Toys", "2.00")]


def _said(folder: Path, returns: ReturnsMode) -> str:
    shop = shop_of(folder, part(EVENTS), customers=CUSTOMERS, products=PRODUCTS)
    run_local(shop, folder, returns=returns, currency="EUR")
    return " ".join(Page(text(folder, "index.html")).said.split()).replace("\u00a0", " ")


def test_what_is_subtracted_is_told_with_what_there_would_be_without(tmp_path: Path) -> None:
    said = _said(tmp_path, "net")
    assert (
        "2 returns of 23 units, which had brought EUR 8.00. They are subtracted from every figure "
        "of this page, on the day on which they came back: without them revenue would be EUR 6.00, "
        "and units 60."
    ) in said
    assert "What came back is subtracted here. This page says what came back and what was" in said
    assert "brought is rounded, and less what came back" in said
    category = " ".join(Page(text(tmp_path, "by_category/Toys.html")).said.split())
    assert "Revenue, less returns−EUR 6.00" in category.replace("\u00a0", " ")  # noqa: RUF001
    assert "Purchases counted2" in said
    assert "ToysVIP −6.00 −30 All−2.00 372" in said, "what came back only"  # noqa: RUF001


def test_what_is_apart_has_its_own_table(tmp_path: Path) -> None:
    said = _said(tmp_path, "separate")
    assert Page(text(tmp_path, "index.html")).links.count("returns.csv") == 2
    assert (
        "2 returns of 23 units, which had brought EUR 8.00, by 2 customers. They are in "
        "returns.csv, and in no other figure of this page: less them revenue would be "
        "−EUR 2.00, and units 37."  # noqa: RUF001
    ) in said
    assert "What came back is in none of these figures." in said
    assert "ToysVIP 6.0075.0 % 31 OfficeRetail 2.0025.0 % 201 All8.00232" in said


@pytest.mark.parametrize("returns", ["reject", "net", "separate"])
def test_nothing_is_said_of_returns_that_are_not_there(
    tmp_path: Path, returns: ReturnsMode
) -> None:
    run_local(shop_of(tmp_path, part([purchase()])), tmp_path, returns=returns)
    assert "came back" not in Page(text(tmp_path, "index.html")).said.lower()
