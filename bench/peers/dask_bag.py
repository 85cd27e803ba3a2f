"""Dask: a bag of archives, flattened to events, filtered, and made a data frame."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask.bag
import pandas as pd

from bench.peers.common import CORES, archives, parts, write_report

COLUMNS = {"customer_id": "str", "product_id": "str", "quantity": "int64"}


def main(data: Path, dimensions: Path, reports: Path) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    bag = dask.bag.from_sequence(archives(data), partition_size=1)
    events = bag.map(read).flatten()
    frame = events.filter(is_purchase).to_dataframe(meta=COLUMNS)
    sales = frame.compute(scheduler="processes", num_workers=CORES)
    customers = pd.read_csv(dimensions / "customers.csv", dtype=str)
    products = pd.read_csv(dimensions / "products.csv", dtype=str)
    products["cents"] = products["price"].str.replace(".", "").astype(int)
    sales = sales.merge(products, on="product_id").merge(customers, on="customer_id")
    sales["revenue"] = sales["quantity"] * sales["cents"]
    report = sales.groupby(["category", "segment"]).agg(
        revenue=("revenue", "sum"), units=("quantity", "sum"), customers=("customer_id", "nunique")
    )
    write_report(reports, report.reset_index().itertuples(index=False, name=None))


def read(archive: Path) -> Iterator[dict[str, Any]]:
    """Every event of an archive."""
    for part in parts(archive):
        yield from json.loads(part)


def is_purchase(event: dict[str, Any]) -> bool:
    """Say whether it counts."""
    return bool(event["event_type"] == "purchase")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
