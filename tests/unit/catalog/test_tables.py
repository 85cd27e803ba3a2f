"""What tables and columns may hold, by their names and by what stands there."""

from __future__ import annotations

import pytest

from pipeline_core.catalog.tables import Table, mappings, match
from pipeline_core.catalog.words import likeness, purchase_likeness, words
from tests.support.known_tables import PRODUCTS, column, labels, tables


def test_names_are_taken_apart_into_their_words() -> None:
    assert words("$productId") == ["product", "id"]
    assert words("client no") == ["client", "no"]
    assert words("SKU_code2") == ["sku", "code", "2"]


@pytest.mark.parametrize(
    ("meaning", "path", "other"),
    [
        ("customer_id", "user.id", "user.country"),
        ("customer_id", "userId", "anonymousId"),
        ("product_id", "item.sku", "item.title"),
        ("product_id", "product_id", "product_name"),
        ("quantity", "qty", "total_price"),
        ("quantity", "item.count", "stock_count_id"),
        ("event_type", "event_type", "event_time"),
        ("event_type", "type", "user_type"),
        ("segment", "tier", "email"),
        ("price", "list price", "vat"),
    ],
)
def test_names_speak_for_one_field_and_not_for_another(meaning: str, path: str, other: str) -> None:
    assert likeness(path, meaning) > max(0, likeness(other, meaning))


def test_types_are_told_by_their_names() -> None:
    assert purchase_likeness("Order Completed") > purchase_likeness("order") > 0
    assert purchase_likeness("Checkout Started") == purchase_likeness("add_to_cart") == 0
    assert 0 < purchase_likeness("xyz") < purchase_likeness("Kauf")


def test_columns_are_told_by_what_they_hold() -> None:
    customers, products = tables()
    assert [each.looks for each in customers.columns] == ["date", "id", "label"]
    assert [each.looks for each in products.columns] == ["id", "label", "price", "id"]


def test_columns_of_other_names_are_found() -> None:
    articles = Table(
        "items",
        (
            column("title", [f"Thing {n}" for n in range(10)]),
            column("article", PRODUCTS),
            column("family", labels("Toys", "Books", count=10)),
            column("stock", [str(n * 7) for n in range(10)]),
            column("list price", [f"{n}.99" for n in range(10)]),
        ),
    )
    _, mapped = mappings([tables()[0], articles], ("product_id", "category", "price"))[0]
    assert mapped.table.name == "items"
    assert mapped.columns == {
        "product_id": "article",
        "category": "family",
        "price": "list price",
    }


@pytest.mark.parametrize(
    ("begin", "end"),
    [("valid_from", "valid_to"), ("gueltig ab", "gueltig bis"), ("start_date", "EndDate")]
    + [("effective_from", "effective_until"), ("since", None), (None, "expires at")],
)
def test_columns_that_say_when_a_row_is_valid_are_found(begin: str | None, end: str | None) -> None:
    days = [f"2024-0{n}-01" for n in range(1, 4)]
    begins: list[str | None] = [None, *days[:2]]
    ends: list[str | None] = [*days[:2], "infinity"]
    spans = {begin: begins * 4, end: ends * 4}
    history = Table(
        "prices",
        (
            column("created_at", ["2024-01-09"] * 12),
            column("sku", [f"p{n // 3:03}" for n in range(12)]),
            column("category", labels("Toys", "Books", count=12)),
            column("price", [f"{n}.50" for n in range(12)]),
            *(column(name, values) for name, values in spans.items() if name is not None),
        ),
    )
    _, mapped = mappings([tables()[0], history], ("product_id", "category", "price"))[0]
    expected = {"valid_from": begin, "valid_to": end}
    assert mapped.columns == {"product_id": "sku", "category": "category", "price": "price"} | {
        ours: theirs for ours, theirs in expected.items() if theirs is not None
    }


def test_dates_of_rows_that_are_all_of_other_ids_are_no_validity() -> None:
    customers = tables()[0]
    since = Table("customers", (*customers.columns, column("since", ["2024-01-01"] * 30)))
    _, mapped = mappings([since], ("customer_id", "segment"))[0]
    assert mapped.columns == {"customer_id": "customer_id", "segment": "segment"}


@pytest.mark.parametrize(
    ("ids", "known", "difference"),
    [
        (["0017", "0018"], ["17", "18", "19"], "padded"),
        (["u-17", "u-18"], ["17", "18", "19"], "prefixed"),
        (["A1", "B2"], ["a1", "b2"], "case"),
        (["a1 ", "b2 "], ["a1", "b2"], "blanks"),
        (["x", "y"], ["a1", "b2"], None),
    ],
)
def test_what_tells_ids_from_those_of_the_table(
    ids: list[str], known: list[str], difference: str | None
) -> None:
    found = match("user", ids, "customers", column("id", known), numbers=False)
    assert (found.found, found.ids, found.difference) == (0, 2, difference)


def test_ids_that_are_numbers_are_called_so() -> None:
    assert match("user", ["1"], "customers", column("id", ["1"]), numbers=True).difference == (
        "numbers"
    )
