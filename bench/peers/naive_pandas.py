"""What one would write first: zipfile, json.load, concat, merge, groupby. Money in cents."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pandas as pd

from bench.peers.common import archives, write_report


def main(data: Path, dimensions: Path, reports: Path) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    frames = []
    for path in archives(data):
        with zipfile.ZipFile(path) as archive:
            for day in archive.namelist():
                with archive.open(day) as opened, zipfile.ZipFile(opened) as parts:
                    for part in parts.namelist():
                        with parts.open(part) as file:
                            frames.append(pd.DataFrame(json.load(file)))
    events = pd.concat(frames)
    customers = pd.read_csv(dimensions / "customers.csv", dtype=str)
    products = pd.read_csv(dimensions / "products.csv", dtype=str)
    products["cents"] = products["price"].str.replace(".", "").astype(int)
    sales = events[events["event_type"] == "purchase"]
    sales = sales.merge(products, on="product_id").merge(customers, on="customer_id")
    sales["revenue"] = sales["quantity"] * sales["cents"]
    groups = sales.groupby(["category", "segment"])
    report = groups.agg(
        revenue=("revenue", "sum"), units=("quantity", "sum"), customers=("customer_id", "nunique")
    )
    write_report(reports, report.reset_index().itertuples(index=False, name=None))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
