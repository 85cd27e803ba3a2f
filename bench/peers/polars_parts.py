"""Polars: ``read_json`` a part, filtered at once; one join and one group-by at the end.

A last argument of 2 reads two archives at a time, each by a thread.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl

from bench.peers.common import archives, parts, write_report

SCHEMA = {
    "timestamp": pl.String,
    "customer_id": pl.String,
    "event_type": pl.String,
    "product_id": pl.String,
    "quantity": pl.Int64,
}


def main(data: Path, dimensions: Path, reports: Path, threads: int) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    with ThreadPoolExecutor(threads) as pool:
        sales = pl.concat(pool.map(purchases, archives(data)))
    customers = pl.read_csv(dimensions / "customers.csv", infer_schema=False)
    products = pl.read_csv(dimensions / "products.csv", infer_schema=False)
    cents = pl.col("price").str.replace(".", "", literal=True).cast(pl.Int64)
    report = (
        sales.join(products, on="product_id")
        .join(customers, on="customer_id")
        .group_by("category", "segment")
        .agg(
            (pl.col("quantity") * cents).sum().alias("cents"),
            pl.col("quantity").sum(),
            pl.col("customer_id").n_unique(),
        )
    )
    write_report(reports, report.iter_rows())


def purchases(archive: Path) -> pl.DataFrame:
    """The purchases of an archive, in the columns that count."""
    return pl.concat(
        pl.read_json(part, schema=SCHEMA)
        .filter(pl.col("event_type") == "purchase")
        .select("customer_id", "product_id", "quantity")
        for part in parts(archive)
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
