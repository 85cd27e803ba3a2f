#!/usr/bin/env bash
#
# One would guess: a check for NaN finds in a Parquet file what it finds in the table that the file was
# written from. Statistics make a search faster, not shorter.
# What happens: the least and the greatest value that pyarrow and Polars write leave NaN out, as the format
# wants it. DuckDB takes them for all there is: isnan() is true for nobody, nor is anything greater than the
# greatest. pyarrow's own filter skips such rows as well, if they are looked for by "not (price >= 0)".
# Why it matters: NaN comes of 0/0 in a column of averages. The check that is to keep it out of the books says
# "0 rows", and the sum over the same file is NaN. read_parquet(..., can_have_nan = true) helps.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0

cat >seen.py <<'END'
from importlib.metadata import version

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

print(*(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "polars")))
sold = pa.table({"price": [5.0, 7.0, float("nan")]})
pq.write_table(sold, "pyarrow.parquet")
pl.from_arrow(sold).write_parquet("polars.parquet")
connection = duckdb.connect()
connection.register("sold", sold)
connection.sql("COPY sold TO 'duckdb.parquet'")
print("DuckDB, rows of which it is true")
for check in ("isnan(price)", "NOT (price <= 1000)", "price = 'NaN'::DOUBLE"):
    found = {
        name: connection.sql(f"SELECT count(*) FROM {source} WHERE {check}").fetchall()[0][0]
        for name, source in {
            "in memory": "sold",
            "by pyarrow": "'pyarrow.parquet'",
            "by Polars": "'polars.parquet'",
            "by DuckDB": "'duckdb.parquet'",
            "can_have_nan": "read_parquet('pyarrow.parquet', can_have_nan = true)",
        }.items()
    }
    print(f"  {check}: {found}")
[[total]] = connection.sql("SELECT sum(price) FROM 'pyarrow.parquet'").fetchall()
print("  sum(price) of the file by pyarrow:", total)
price = pc.field("price")
for name, check in {"is_nan": price.is_nan(), "not (price >= 0)": ~(price >= 0)}.items():
    read = pq.read_table("pyarrow.parquet", filters=check)
    print(f"pyarrow, {name}: {sold.filter(check).num_rows} in memory, {read.num_rows} in its own file")
read = pl.scan_parquet("pyarrow.parquet").filter(pl.col("price").is_nan()).collect()
print(f"Polars, is_nan: {read.height} in the file by pyarrow")
END

cat >expected.txt <<'END'
duckdb 2.0.1 pyarrow 26.0.1 polars 2.1.0
DuckDB, rows of which it is true
  isnan(price): {'in memory': 1, 'by pyarrow': 0, 'by Polars': 0, 'by DuckDB': 1, 'can_have_nan': 1}
  NOT (price <= 1000): {'in memory': 1, 'by pyarrow': 0, 'by Polars': 0, 'by DuckDB': 1, 'can_have_nan': 1}
  price = 'NaN'::DOUBLE: {'in memory': 1, 'by pyarrow': 0, 'by Polars': 0, 'by DuckDB': 1, 'can_have_nan': 1}
  sum(price) of the file by pyarrow: nan
pyarrow, is_nan: 1 in memory, 1 in its own file
pyarrow, not (price >= 0): 1 in memory, 0 in its own file
Polars, is_nan: 1 in the file by pyarrow
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
