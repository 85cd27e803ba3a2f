#!/usr/bin/env bash
#
# One would guess: what write_dataset has written, dataset() reads back, as both are told of the same
# partitioning, a folder for each category.
# What happens: folders whose name begins with _ or . are passed over when a dataset is read, also
# those that the writer itself made for such a value. The rows are on the disk and in no result; there
# is no error and no warning.
# Why it matters: labels come from people. The category "_clearance" is written every night and
# missing from every figure that is read back.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1

cat >seen.py <<'END'
from importlib.metadata import version

import pyarrow as pa
import pyarrow.dataset as ds

print("pyarrow", version("pyarrow"))
sales = pa.table({"category": ["Books", "_clearance", ".net"], "units": [1, 20, 300]})
ds.write_dataset(sales, "sales", format="parquet", partitioning=["category"])
back = ds.dataset("sales", partitioning=["category"]).to_table()
print("written", sales.num_rows, "rows, units", sum(sales["units"].to_pylist()))
print("read   ", back.num_rows, "rows, units", sum(back["units"].to_pylist()))
END

cat >expected.txt <<'END'
pyarrow 26.0.1
written 3 rows, units 321
read    1 rows, units 1
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
