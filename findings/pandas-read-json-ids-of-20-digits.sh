#!/usr/bin/env bash
#
# One would guess: read_json raises ValueError("Value is too big!") for a whole number beyond 64 bits, as it
# does for 2^64 itself; or keeps it, as json.loads and Polars do.
# What happens: it raises for some, depending on their first digits. All others lose 2^64 as often as it fits
# and come out as another whole number of 20 digits, in a column of type uint64; dtype=False and dtype=str
# come too late. Ids that differ can become the same one.
# Why it matters: 20 digits are what is printed on SIM cards (they begin with 89) and on receipts for certified
# mail (with 7). The ids look like ids, match nothing or something else, and nothing tells.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pandas==3.1.1 numpy==2.4.6 polars==2.1.0

cat >seen.py <<'END'
import json
from importlib.metadata import version
from io import StringIO

import pandas as pd
import polars as pl

print(*(f"{name} {version(name)}" for name in ("pandas", "polars")))
for sent in (2**64, 89490200001234567890, 70200000000000000001, 70200000000000000001 - 2**64):
    line = json.dumps({"id": sent}) + "\n"
    [by_polars] = pl.read_ndjson(line.encode())["id"]
    assert by_polars == json.loads(line)["id"] == sent
    read = []
    for options in ({}, {"dtype": False}, {"dtype": str}):
        try:
            [found] = pd.read_json(StringIO(line), lines=True, **options)["id"]
            read.append(int(found))
        except ValueError as error:
            read.append(str(error))
    print("sent", sent, "read", *dict.fromkeys(read))
END

cat >expected.txt <<'END'
pandas 3.1.1 polars 2.1.0
sent 18446744073709551616 read Value is too big! at position 7
sent 89490200001234567890 read 15703223706396361426
sent 70200000000000000001 read 14859767778871345153
sent 51753255926290448385 read 14859767778871345153
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
