#!/usr/bin/env bash
#
# One would guess: decimals are taken for money because they are exact. A sum that needs more digits
# than the type has raises, as adding the same two numbers with pc.add does.
# What happens: pc.sum and group_by().aggregate() of decimal128(38, 2) wrap around and give a negative
# number without an error. DuckDB and Polars refuse the same sum.
# Why it matters: a column that a division gave thirty decimals has seven digits left before them; a
# total of it passes the edge, and what comes out is a number like any other.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1

cat >seen.py <<'END'
from decimal import Decimal
from importlib.metadata import version

import pyarrow as pa
import pyarrow.compute as pc

print("pyarrow", version("pyarrow"))
large = Decimal("9" * 36 + ".99")
amounts = pa.array([large, large], pa.decimal128(38, 2))
print("sum:     ", pc.sum(amounts))
table = pa.table({"key": [1, 1], "amount": amounts})
[total] = table.group_by("key").aggregate([("amount", "sum")])["amount_sum"].to_pylist()
print("group by:", total)
try:
    print("add:     ", pc.add(amounts, amounts))
except pa.ArrowInvalid as error:
    print("add:     ", error)
END

cat >expected.txt <<'END'
pyarrow 26.0.1
sum:      -1402823669209384634633746074317682114.58
group by: -1402823669209384634633746074317682114.58
add:      Decimal precision out of range [1, 38]: 39
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
