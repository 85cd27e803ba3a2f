#!/usr/bin/env bash
#
# One would guess: read_sql(dtype=object) leaves values as the driver gave them, and dtype="Int64",
# pandas' integer that can be missing, keeps integers.
# What happens: a column of integers with a NULL becomes floats first and gets the wanted type after.
# With dtype=object 7 is 7.0, chunk by chunk as NULLs fall; with Int64 the last digits of large ids
# are others, so that two of them become one.
# Why it matters: ids and codes of a shop live in such columns. As text they are "7" in one chunk and
# "7.0" in the next, two keys for one customer; beyond 2^53 it is one key for two customers.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pandas==3.1.1 numpy==2.4.6

cat >seen.py <<'END'
import sqlite3
from contextlib import closing
from importlib.metadata import version

import pandas as pd

print("pandas", version("pandas"))
with closing(sqlite3.connect(":memory:")) as shop:
    shop.execute("CREATE TABLE customers (segment INTEGER, card INTEGER)")
    rows = [(7, 2**53), (7, 2**53 + 1), (7, 2**53 + 2), (None, None)]
    shop.executemany("INSERT INTO customers VALUES (?, ?)", rows)
    everything = "SELECT * FROM customers"
    for chunk in pd.read_sql(everything, shop, dtype=object, chunksize=2):
        print("object, a chunk of two:", chunk["segment"].tolist())
    cards = pd.read_sql(everything, shop, dtype="Int64")["card"]
    print("stored:", [card for _, card in rows])
    print("Int64: ", [None if pd.isna(card) else int(card) for card in cards])
END

cat >expected.txt <<'END'
pandas 3.1.1
object, a chunk of two: [7, 7]
object, a chunk of two: [7.0, nan]
stored: [9007199254740992, 9007199254740993, 9007199254740994, None]
Int64:  [9007199254740992, 9007199254740992, 9007199254740994, None]
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
