#!/usr/bin/env bash
#
# One would guess: 9.99 x 0.85 of two decimal columns is 8.4915. The scales of a product add up, as in SQL,
# in pyarrow, in DuckDB, and in the SQL of Polars itself; what does not fit raises.
# What happens: in an expression of Polars the product has the larger scale of the two, and is rounded to it,
# ties to even, row by row: 8.49. A total of such products is a total of rounded ones. The same product by
# DataFrame.sql() keeps all digits.
# Why it matters: decimals are taken so that nothing is lost, and a price times a discount loses up to half a
# cent a row without a word; 5 % of 0.05 are 0.00. Casting one side to more decimals first helps.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1

cat >seen.py <<'END'
from decimal import Decimal
from importlib.metadata import version

import duckdb
import polars as pl
import pyarrow.compute as pc

print(*(f"{name} {version(name)}" for name in ("polars", "pyarrow", "duckdb")))
SCHEMA = {"price": pl.Decimal(10, 2), "factor": pl.Decimal(3, 2)}
TOTAL = "SELECT sum(price * factor) AS total FROM sold"
for price, factor in ((Decimal("9.99"), Decimal("0.85")), (Decimal("0.05"), Decimal("0.05"))):
    sold = pl.DataFrame({"price": [price] * 1000, "factor": [factor] * 1000}, SCHEMA)
    product = pl.col("price") * pl.col("factor")
    arrow = sold.to_arrow()
    print(f"1,000 times {price} x {factor}, all digits: {1000 * price * factor}")
    print("  expression:", sold.select(product.sum()).item())
    print("  more decimals first:", end=" ")
    print(sold.with_columns(pl.col("price").cast(pl.Decimal(38, 4))).select(product.sum()).item())
    print("  SQL of Polars:", pl.SQLContext(sold=sold).execute(TOTAL, eager=True).item())
    print("  pyarrow:", pc.sum(pc.multiply(arrow["price"], arrow["factor"])))
    connection = duckdb.connect()
    connection.register("sold", arrow)
    print("  DuckDB:", connection.sql(TOTAL).fetchall()[0][0])
END

cat >expected.txt <<'END'
polars 2.1.0 pyarrow 26.0.1 duckdb 2.0.1
1,000 times 9.99 x 0.85, all digits: 8491.5000
  expression: 8490.00
  more decimals first: 8491.5000
  SQL of Polars: 8491.5000
  pyarrow: 8491.5000
  DuckDB: 8491.5000
1,000 times 0.05 x 0.05, all digits: 2.5000
  expression: 0.00
  more decimals first: 2.5000
  SQL of Polars: 2.5000
  pyarrow: 2.5000
  DuckDB: 2.5000
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
