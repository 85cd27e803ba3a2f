"""DuckDB: the parts unzipped into a folder by two threads, then one SQL query over all of them.

A last argument of ``given`` names the columns; ``inferred`` lets DuckDB find them.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import duckdb

from bench.peers.common import CORES, unzip, write_report

COLUMNS = """, columns = {customer_id: 'VARCHAR', event_type: 'VARCHAR', product_id: 'VARCHAR',
    quantity: 'BIGINT'}"""
QUERY = """
    SELECT category, segment,
        CAST(sum(quantity * CAST(replace(price, '.', '') AS BIGINT)) AS BIGINT),
        CAST(sum(quantity) AS BIGINT), count(DISTINCT customer_id)
    FROM read_json('{parts}/*.json', format = 'array'{columns})
    JOIN read_csv('{dimensions}/products.csv', all_varchar = true) USING (product_id)
    JOIN read_csv('{dimensions}/customers.csv', all_varchar = true) USING (customer_id)
    WHERE event_type = 'purchase'
    GROUP BY ALL
"""


def main(data: Path, dimensions: Path, reports: Path, columns: str) -> None:
    """Writes ``reports/sales_report.csv`` from every part of every archive."""
    with tempfile.TemporaryDirectory(dir=reports) as folder:
        unzip(data, Path(folder))
        query = QUERY.format(parts=folder, dimensions=dimensions, columns=columns)
        with duckdb.connect(config={"threads": CORES}) as database:
            rows = database.execute(query).fetchall()
    write_report(reports, rows)


if __name__ == "__main__":
    given = COLUMNS if sys.argv[4] == "given" else ""
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), given)
