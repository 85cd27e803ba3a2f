"""What one would write first: zipfile, json.load, concat, merge, groupby. Money in cents."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pandas as pd


def main(data: Path, dimensions: Path, reports: Path) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    frames = []
    for path in sorted(data.glob("*.zip")):
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
    ).reset_index()
    reports.mkdir(exist_ok=True)
    with (reports / "sales_report.csv").open("w") as file:
        file.write("category,customer_segment,total_revenue,units_sold,unique_customers\n")
        for row in report.to_dict("records"):
            money = f"{row['revenue'] // 100}.{row['revenue'] % 100:02}"
            rest = f"{money},{row['units']},{row['customers']}"
            file.write(f"{row['category']},{row['segment']},{rest}\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
