#!/usr/bin/env bash
#
# One would guess: seconds_between() of two times with a zone is how many seconds pass from one to the other, as
# pyarrow's own subtract() has it, and DuckDB, Polars and pandas. A zone says how a moment is shown.
# What happens: the seconds are taken from the clock on the wall. In the night when summer time ends, an hour has
# 0 seconds and 20 minutes have -2,400; when it begins, an hour has 7,200. minutes_between() does the same. Of the
# same moments in UTC all is right.
# Why it matters: how long a job, a session or a delivery took is negative or an hour too much, and a night shift
# of nine hours has eight. Nothing tells, and on all other days of the year the two functions agree.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1 duckdb==2.0.1 polars==2.1.0 pandas==3.1.1 numpy==2.4.6

cat >seen.py <<'END'
from datetime import datetime, timezone
from importlib.metadata import version

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

BY_DUCKDB = "SELECT date_diff('second', begun, ended) FROM pairs"
print(*(f"{name} {version(name)}" for name in ("pyarrow", "duckdb", "polars", "pandas")))


def between(begin: str, end: str, zone: str) -> dict[str, float]:
    moments = [datetime.fromisoformat(each).replace(tzinfo=timezone.utc) for each in (begin, end)]
    first, last = (pa.array([each], pa.timestamp("s", zone)) for each in moments)
    table = pa.table({"begun": first, "ended": last})
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    connection.register("pairs", table)
    frame = pl.from_arrow(table)
    pandas = table.to_pandas()
    return {
        "seconds_between": pc.seconds_between(first, last)[0].as_py(),
        "minutes_between x 60": pc.minutes_between(first, last)[0].as_py() * 60,
        "subtract": pc.subtract(last, first)[0].as_py().total_seconds(),
        "DuckDB": connection.sql(BY_DUCKDB).fetchall()[0][0],
        "Polars": (frame["ended"] - frame["begun"])[0].total_seconds(),
        "pandas": (pandas["ended"] - pandas["begun"])[0].total_seconds(),
    }


for what, begin, end in (
    ("an hour, summer time ends", "2026-10-25T00:30", "2026-10-25T01:30"),
    ("20 minutes, summer time ends", "2026-10-25T00:50", "2026-10-25T01:10"),
    ("9 hours, summer time ends", "2026-10-24T20:00", "2026-10-25T05:00"),
    ("an hour, summer time begins", "2026-03-29T00:30", "2026-03-29T01:30"),
):
    for zone in ("Europe/Berlin", "UTC"):
        found = between(begin, end, zone)
        by_value: dict[int, list[str]] = {}
        for name, seconds in found.items():
            by_value.setdefault(int(seconds), []).append(name)
        print(f"{what}, {zone}")
        for seconds, names in by_value.items():
            print(f"  {seconds} s:", ", ".join(names))
END

cat >expected.txt <<'END'
pyarrow 26.0.1 duckdb 2.0.1 polars 2.1.0 pandas 3.1.1
an hour, summer time ends, Europe/Berlin
  0 s: seconds_between, minutes_between x 60
  3600 s: subtract, DuckDB, Polars, pandas
an hour, summer time ends, UTC
  3600 s: seconds_between, minutes_between x 60, subtract, DuckDB, Polars, pandas
20 minutes, summer time ends, Europe/Berlin
  -2400 s: seconds_between, minutes_between x 60
  1200 s: subtract, DuckDB, Polars, pandas
20 minutes, summer time ends, UTC
  1200 s: seconds_between, minutes_between x 60, subtract, DuckDB, Polars, pandas
9 hours, summer time ends, Europe/Berlin
  28800 s: seconds_between, minutes_between x 60
  32400 s: subtract, DuckDB, Polars, pandas
9 hours, summer time ends, UTC
  32400 s: seconds_between, minutes_between x 60, subtract, DuckDB, Polars, pandas
an hour, summer time begins, Europe/Berlin
  7200 s: seconds_between, minutes_between x 60
  3600 s: subtract, DuckDB, Polars, pandas
an hour, summer time begins, UTC
  3600 s: seconds_between, minutes_between x 60, subtract, DuckDB, Polars, pandas
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
