"""PySpark ``local[2]``: the parts unzipped into a folder by two threads, then one data frame."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from bench.peers.common import CORES, unzip, write_report

SCHEMA = "customer_id STRING, event_type STRING, product_id STRING, quantity BIGINT"
SETTINGS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": str(CORES),
    "spark.ui.enabled": "false",
}


def main(data: Path, dimensions: Path, reports: Path) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    builder = SparkSession.builder.master(f"local[{CORES}]").config(map=SETTINGS)
    with tempfile.TemporaryDirectory(dir=reports) as folder:
        unzip(data, Path(folder))
        spark = builder.getOrCreate()
        events = spark.read.schema(SCHEMA).json(folder, multiLine=True)
        products = spark.read.csv(str(dimensions / "products.csv"), header=True)
        customers = spark.read.csv(str(dimensions / "customers.csv"), header=True)
        cents = f.regexp_replace("price", "[.]", "").cast("bigint")
        report = (
            events.where(f.col("event_type") == "purchase")
            .join(f.broadcast(products), "product_id")
            .join(f.broadcast(customers), "customer_id")
            .groupBy("category", "segment")
            .agg(
                f.sum(f.col("quantity") * cents),
                f.sum("quantity"),
                f.countDistinct("customer_id"),
            )
        )
        rows = [tuple(row) for row in report.collect()]
        spark.stop()
    write_report(reports, rows)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
