"""Customers and products as a catalog has them."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline_core.catalog.tables import Column, Table

CUSTOMERS = [f"c{n:03d}" for n in range(1, 31)]
PRODUCTS = [f"p{n:03d}" for n in range(1, 11)]


def column(name: str, values: Sequence[str | None], kind: str = "text") -> Column:
    return Column(name, kind, tuple(values), frozenset(filter(None, values)))


def labels(*values: str, count: int) -> list[str]:
    return [values[n % len(values)] for n in range(count)]


def tables(customers: Sequence[str] = CUSTOMERS, products: Sequence[str] = PRODUCTS) -> list[Table]:
    return [
        Table(
            "customers",
            (
                column("joined", ["2024-01-01"] * len(customers)),
                column("customer_id", customers),
                column("segment", labels("VIP", "New", count=len(customers))),
            ),
        ),
        Table(
            "products",
            (
                column("product_id", products),
                column("category", labels("Toys", "Books", count=len(products))),
                column("price", [f"{n}.50" for n in range(len(products))]),
                column("title", [f"Thing {n}" for n in range(len(products))]),
            ),
        ),
    ]
