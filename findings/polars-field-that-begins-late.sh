#!/usr/bin/env bash
#
# One would guess: a reader of JSON lines has a column for every field that occurs, null where it is
# missing, as pyarrow has it; or it raises an error at a field that it did not expect, as it does at a
# value of another type.
# What happens: Polars and DuckDB look at the first rows only (100 and 20,480). A field that occurs for the
# first time behind them is dropped without a word, though every one of its values is valid.
# Why it matters: the field that begins late is the rare one: a refund, a discount, a return's reason. The
# report is made, and lacks it. `infer_schema_length=None`, `sample_size = -1` or a given schema help.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1

cat >seen.py <<'END'
import json
from importlib.metadata import version
from pathlib import Path

import duckdb
import polars
import pyarrow.json

SOLD = [{"type": "purchase", "amount": 9}]
CAME_BACK = [{"type": "purchase", "amount": 9, "refund": 9}]
READERS = {
    "polars": lambda name: polars.read_ndjson(name).columns,
    "polars, all rows looked at": lambda name: polars.read_ndjson(
        name, infer_schema_length=None
    ).columns,
    "duckdb": lambda name: duckdb.sql(f"FROM read_json('{name}')").columns,
    "duckdb, all rows looked at": lambda name: duckdb.sql(
        f"FROM read_json('{name}', sample_size = -1)"
    ).columns,
    "pyarrow": lambda name: pyarrow.json.read_json(name).column_names,
}
print(*(f"{name} {version(name)}" for name in ("duckdb", "polars", "pyarrow")))
for sold in (100, 20_480):
    events = SOLD * sold + CAME_BACK * 3
    Path("feed.ndjson").write_text("".join(json.dumps(event) + "\n" for event in events))
    print(f"{sold:,} sales, then 3 with a refund")
    for name, read in READERS.items():
        print(f"  {name}: {', '.join(read('feed.ndjson'))}")
END

cat >expected.txt <<'END'
duckdb 2.0.1 polars 2.1.0 pyarrow 26.0.1
100 sales, then 3 with a refund
  polars: type, amount
  polars, all rows looked at: type, amount, refund
  duckdb: type, amount, refund
  duckdb, all rows looked at: type, amount, refund
  pyarrow: type, amount, refund
20,480 sales, then 3 with a refund
  polars: type, amount
  polars, all rows looked at: type, amount, refund
  duckdb: type, amount
  duckdb, all rows looked at: type, amount, refund
  pyarrow: type, amount, refund
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
