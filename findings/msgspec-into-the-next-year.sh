#!/usr/bin/env bash
#
# One would guess: digits beyond microseconds are cut off, as datetime.fromisoformat, pydantic, Polars and
# DuckDB do, so that a time stays in its second.
# What happens: msgspec rounds. 23:59:59.9999999, which .NET writes for the last moment of a day (it counts in
# ten-millionths), becomes midnight of the next day, here of the next year.
# Why it matters: whatever is stamped "end of day" is counted a day, a month or a year later by the service
# that reads with msgspec than by all others, and no figure looks wrong.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet msgspec==0.23.0 pydantic==2.14.4 polars==2.1.0 duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6

cat >seen.py <<'END'
import json
from datetime import datetime
from importlib.metadata import version

import duckdb
import msgspec
import pandas as pd
import polars as pl
from pydantic import TypeAdapter

NAMES = ("msgspec", "pydantic", "polars", "duckdb", "pandas")
print(*(f"{name} {version(name)}" for name in NAMES))
LAST = "2023-12-31T23:59:59.9999999Z"
IN_JSON = json.dumps(LAST)
read = {
    "msgspec": msgspec.json.decode(IN_JSON, type=datetime),
    "msgspec.convert": msgspec.convert(LAST, datetime),
    "datetime.fromisoformat": datetime.fromisoformat(LAST.replace("Z", "+00:00")),
    "pydantic": TypeAdapter(datetime).validate_json(IN_JSON),
    "polars": pl.Series([LAST]).str.to_datetime()[0],
    "duckdb": duckdb.sql(f"SELECT '{LAST[:-1]}'::TIMESTAMP").fetchall()[0][0],
    "pandas": pd.Timestamp(LAST).to_pydatetime(warn=False),
}
print("sent:", LAST)
for name, moment in read.items():
    print(f"{name}: {moment.replace(tzinfo=None).isoformat()}")
END

cat >expected.txt <<'END'
msgspec 0.23.0 pydantic 2.14.4 polars 2.1.0 duckdb 2.0.1 pandas 3.1.1
sent: 2023-12-31T23:59:59.9999999Z
msgspec: 2024-01-01T00:00:00
msgspec.convert: 2024-01-01T00:00:00
datetime.fromisoformat: 2023-12-31T23:59:59.999999
pydantic: 2023-12-31T23:59:59.999999
polars: 2023-12-31T23:59:59.999999
duckdb: 2023-12-31T23:59:59.999999
pandas: 2023-12-31T23:59:59.999999
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
