#!/usr/bin/env bash
#
# One would guess: a reader that infers a column's type from the first rows and then meets a number
# that does not fit raises an error, or takes the wider type: DuckDB raises one for a text.
# What happens: where the first 20,480 rows of a JSON file hold whole numbers, read_json makes the column
# BIGINT, and every later 2.50 becomes 2, 2.90 becomes 3 and 0.99 becomes 1. Nothing says so. With one
# row less of whole numbers in front the column is DOUBLE, and all figures are right.
# Why it matters: prices of a feed that sold whole amounts in its first hours are rounded for the rest of
# the week, and the total is off by an amount that looks plausible. `sample_size = -1` or given columns
# help.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet duckdb==2.0.1

cat >seen.py <<'END'
import json
from importlib.metadata import version
from pathlib import Path

import duckdb

LATE = [2.5, 2.9, 0.99]
print("duckdb", version("duckdb"))
for whole in (20_479, 20_480):
    lines = [json.dumps({"price": price}) for price in [1] * whole + LATE]
    Path("feed.ndjson").write_text("\n".join(lines) + "\n")
    for options in ("", ", sample_size = -1"):
        read = f"read_json('feed.ndjson'{options})"
        (kind, total), = duckdb.sql(
            f"SELECT typeof(price), round(sum(price), 2) FROM {read} GROUP BY ALL"
        ).fetchall()
        said = options or ", as it is"
        print(f"{whole:,} x 1, then {LATE}{said}: {kind}, sum {total}, right {whole + 6.39:.2f}")
END

cat >expected.txt <<'END'
duckdb 2.0.1
20,479 x 1, then [2.5, 2.9, 0.99], as it is: DOUBLE, sum 20485.39, right 20485.39
20,479 x 1, then [2.5, 2.9, 0.99], sample_size = -1: DOUBLE, sum 20485.39, right 20485.39
20,480 x 1, then [2.5, 2.9, 0.99], as it is: BIGINT, sum 20486, right 20486.39
20,480 x 1, then [2.5, 2.9, 0.99], sample_size = -1: DOUBLE, sum 20486.39, right 20486.39
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
