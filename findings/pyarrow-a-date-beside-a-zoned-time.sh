#!/usr/bin/env bash
#
# One would guess: where times have a zone, here Europe/Berlin, ">= 1 January" begins at midnight in Berlin, as
# the same library's year, day and cast to a date do; or it raises, as for a datetime without a zone.
# What happens: pyarrow and Polars put the date at midnight UTC, in memory and as a filter on Parquet, and so
# does pandas.read_parquet(filters=...), though pandas refuses the same comparison in a frame.
# Why it matters: the first hour of a month is in it for what goes by year, month or day, and not for what
# goes by dates from and to: two figures of one month differ, in New York by five hours of the day before. A
# datetime with its zone in place of the date helps.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1 polars==2.1.0 pandas==3.1.1 numpy==2.4.6

cat >seen.py <<'END'
from datetime import date, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2024, 1, 1)
BEGIN = datetime(2024, 1, 1, tzinfo=BERLIN)
print(*(f"{name} {version(name)}" for name in ("pyarrow", "polars", "pandas")))
sold = pa.table(
    {
        "at": pa.array(
            [
                datetime(2023, 12, 31, 23, 30, tzinfo=BERLIN),
                datetime(2024, 1, 1, 0, 30, tzinfo=BERLIN),
                datetime(2024, 1, 1, 1, 30, tzinfo=BERLIN),
            ],
            pa.timestamp("us", "Europe/Berlin"),
        ),
        "euros": [1, 20, 300],
    }
)
pq.write_table(sold, "sold.parquet")
at, column, frame = pc.field("at"), pl.col("at"), pl.from_arrow(sold)
print("sold at", *(moment.isoformat() for moment in sold["at"].to_pylist()))
for name, found in {
    "pyarrow, year 2024": sold.filter(pc.equal(pc.year(sold["at"]), 2024)),
    "pyarrow, cast to a date": sold.filter(pc.greater_equal(sold["at"].cast(pa.date32()), FIRST)),
    "pyarrow, a datetime": sold.filter(at >= BEGIN),
    "pyarrow, a date": sold.filter(at >= FIRST),
    "pyarrow, a date, on Parquet": pq.read_table("sold.parquet", filters=at >= FIRST),
    "pandas, a date, on Parquet": pd.read_parquet("sold.parquet", filters=[("at", ">=", FIRST)]),
    "polars, year 2024": frame.filter(column.dt.year() == 2024),
    "polars, dt.date()": frame.filter(column.dt.date() >= FIRST),
    "polars, a datetime": frame.filter(column >= BEGIN),
    "polars, a date": frame.filter(column >= FIRST),
    "polars, a date, on Parquet": pl.scan_parquet("sold.parquet").filter(column >= FIRST).collect(),
}.items():
    print(f"{name}: {sum(map(int, found['euros'].to_numpy()))} euros")
for name, compare in {
    "pandas, a date, in a frame": lambda: (found := sold.to_pandas())[found["at"] >= FIRST],
    "pyarrow, a datetime without zone": lambda: sold.filter(at >= BEGIN.replace(tzinfo=None)),
    "polars, a datetime without zone": lambda: frame.filter(column >= BEGIN.replace(tzinfo=None)),
}.items():
    try:
        print(f"{name}: {compare()}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")
END

cat >expected.txt <<'END'
pyarrow 26.0.1 polars 2.1.0 pandas 3.1.1
sold at 2023-12-31T23:30:00+01:00 2024-01-01T00:30:00+01:00 2024-01-01T01:30:00+01:00
pyarrow, year 2024: 320 euros
pyarrow, cast to a date: 320 euros
pyarrow, a datetime: 320 euros
pyarrow, a date: 300 euros
pyarrow, a date, on Parquet: 300 euros
pandas, a date, on Parquet: 300 euros
polars, year 2024: 320 euros
polars, dt.date(): 320 euros
polars, a datetime: 320 euros
polars, a date: 300 euros
polars, a date, on Parquet: 300 euros
pandas, a date, in a frame: TypeError
pyarrow, a datetime without zone: ArrowInvalid
polars, a datetime without zone: SchemaError
END

env/bin/python -W ignore seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
