#!/usr/bin/env bash
#
# One would guess: date_trunc('hour', ...) of a time with a zone goes back to the hour's begin. In the hour that
# comes twice when summer time ends it keeps the first and the second one apart, as DuckDB's time_bucket does,
# and Polars; or it raises, as pandas and pyarrow do.
# What happens: all of the first hour goes to the begin of the second one, which is later: 00:30 UTC becomes
# 01:00 UTC. A count by the hour has no row for one hour and twice the number in the next.
# Why it matters: whoever compares hours sees a gap in the feed and a peak after it, and neither was there. The
# day's sum is right, and it happens in one night of the year. time_bucket helps, or UTC for the session.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6

cat >seen.py <<'END'
from datetime import datetime, timedelta, timezone
from importlib.metadata import version

import duckdb
import pandas as pd
import polars as pl
import pyarrow.compute as pc

ZONES = {"Europe/Berlin": datetime(2026, 10, 24, 23), "America/New_York": datetime(2026, 11, 1, 4)}
print(*(f"{name} {version(name)}" for name in ("duckdb", "polars", "pandas", "pyarrow")))
for zone, begin in ZONES.items():
    first = begin.replace(tzinfo=timezone.utc)
    minutes = [first + timedelta(minutes=minute) for minute in range(240)]
    sold = pl.DataFrame({"sold_at": minutes}).with_columns(pl.col("sold_at").dt.convert_time_zone(zone))
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    connection.register("sold", sold.to_arrow())

    def counted(hour: str) -> list:
        return connection.sql(f"SELECT epoch({hour}), count(*) FROM sold GROUP BY ALL").fetchall()

    def by_polars() -> list:
        return sold.group_by(pl.col("sold_at").dt.truncate("1h").dt.epoch("s")).len().rows()

    def by_pandas() -> list:
        return list(pd.Series(sold["sold_at"].to_list()).dt.floor("h").value_counts().items())

    def by_pyarrow() -> list:
        return pc.value_counts(pc.floor_temporal(sold["sold_at"].to_arrow(), unit="hour")).to_pylist()

    print(f"{zone}, one event a minute, counted by hour of UTC")
    for name, count in {
        "date_trunc": lambda: counted("date_trunc('hour', sold_at)"),
        "time_bucket": lambda: counted("time_bucket(INTERVAL 1 HOUR, sold_at)"),
        "Polars": by_polars,
        "pandas": by_pandas,
        "pyarrow": by_pyarrow,
    }.items():
        try:
            found = {datetime.fromtimestamp(hour, timezone.utc).hour: rows for hour, rows in count()}
            hours = [hour % 24 for hour in range(begin.hour, begin.hour + 4)]
            print(f"  {name}:", {hour: found.get(hour) for hour in hours})
        except ValueError as error:
            print(f"  {name}: {type(error).__name__}")
END

cat >expected.txt <<'END'
duckdb 2.0.1 polars 2.1.0 pandas 3.1.1 pyarrow 26.0.1
Europe/Berlin, one event a minute, counted by hour of UTC
  date_trunc: {23: 60, 0: None, 1: 120, 2: 60}
  time_bucket: {23: 60, 0: 60, 1: 60, 2: 60}
  Polars: {23: 60, 0: 60, 1: 60, 2: 60}
  pandas: ValueError
  pyarrow: ArrowInvalid
America/New_York, one event a minute, counted by hour of UTC
  date_trunc: {4: 60, 5: None, 6: 120, 7: 60}
  time_bucket: {4: 60, 5: 60, 6: 60, 7: 60}
  Polars: {4: 60, 5: 60, 6: 60, 7: 60}
  pandas: ValueError
  pyarrow: ArrowInvalid
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
