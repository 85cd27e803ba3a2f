#!/usr/bin/env bash
#
# One would guess: a compressed file that was cut off is an error for whoever reads it, since every frame says
# where it ends. For .gz it is one for all of these readers, for .zst as well for Polars and pyarrow.
# What happens: DuckDB, pandas and zstandard's own stream_reader take the end of the file for the end of the
# feed, and give the rows so far. The last of them may be cut off within a number, and is a number all the same.
# Why it matters: an upload that broke off, or a log of which the end is still to be written, is counted as the
# whole day, with a plausible total, by the reader that would have refused the same feed as .gz. What
# decompressobj() of zstandard gives has `eof`, which is False then.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet zstandard==0.25.0 duckdb==2.0.1 pandas==3.1.1 numpy==2.4.6 polars==2.1.0 pyarrow==26.0.1

cat >seen.py <<'END'
import csv
import gzip
import io
from importlib.metadata import version
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.csv
import zstandard

NAMES = ("zstandard", "duckdb", "pandas", "polars", "pyarrow")
ROWS = "list({'id': id, 'cents': cents} ORDER BY id)"


def by_duckdb(name: str) -> list:
    return duckdb.sql(f"SELECT {ROWS} FROM read_csv('{name}')").fetchall()[0][0]


def by_stream(name: str) -> list:
    opened = gzip.open(name) if name.endswith("gz") else zstandard.open(name)
    return list(csv.DictReader(io.TextIOWrapper(opened)))


READERS = {
    "gzip.open, zstandard.open": by_stream,
    "DuckDB": by_duckdb,
    "pandas": lambda name: pd.read_csv(name).to_dict("records"),
    "Polars": lambda name: pl.read_csv(name).to_dicts(),
    "pyarrow": lambda name: pyarrow.csv.read_csv(name).to_pylist(),
}
print(*(f"{name} {version(name)}" for name in NAMES))
# Squares, so that each number has many digits and the file does not become small.
feed = "\n".join(["id,cents", *(f"{row},{row * row + 10**9}" for row in range(100_000)), ""]).encode()
whole = {"gz": gzip.compress(feed), "zst": zstandard.ZstdCompressor().compress(feed)}
for kind, data in whole.items():
    for share in (1, 0.5):
        Path(f"feed.csv.{kind}").write_bytes(data[: int(len(data) * share)])
        print(f"{share:.0%} of feed.csv.{kind}")
        for name, read in READERS.items():
            try:
                rows = read(f"feed.csv.{kind}")
                said = f"{len(rows):,} rows, the last {list(rows[-1].values())}"
            except (OSError, EOFError, duckdb.Error) as error:
                said = type(error).__name__
            print(f"  {name}: {said}")
END

cat >expected.txt <<'END'
zstandard 0.25.0 duckdb 2.0.1 pandas 3.1.1 polars 2.1.0 pyarrow 26.0.1
100% of feed.csv.gz
  gzip.open, zstandard.open: 100,000 rows, the last ['99999', '10999800001']
  DuckDB: 100,000 rows, the last [99999, 10999800001]
  pandas: 100,000 rows, the last [99999, 10999800001]
  Polars: 100,000 rows, the last [99999, 10999800001]
  pyarrow: 100,000 rows, the last [99999, 10999800001]
50% of feed.csv.gz
  gzip.open, zstandard.open: EOFError
  DuckDB: IOException
  pandas: EOFError
  Polars: OSError
  pyarrow: OSError
100% of feed.csv.zst
  gzip.open, zstandard.open: 100,000 rows, the last ['99999', '10999800001']
  DuckDB: 100,000 rows, the last [99999, 10999800001]
  pandas: 100,000 rows, the last [99999, 10999800001]
  Polars: 100,000 rows, the last [99999, 10999800001]
  pyarrow: 100,000 rows, the last [99999, 10999800001]
50% of feed.csv.zst
  gzip.open, zstandard.open: 46,914 rows, the last ['46913', '320082']
  DuckDB: 46,914 rows, the last [46913, 320082]
  pandas: 46,914 rows, the last [46913, 320082]
  Polars: OSError
  pyarrow: OSError
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
