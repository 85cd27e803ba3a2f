#!/usr/bin/env bash
#
# One would guess: pyarrow.compute.strptime refuses a day that no calendar has, as Python's strptime does;
# with error_is_null=True such a day is null.
# What happens: 30 February becomes 1 March and 31 April 1 May, with error_is_null or without. Only a 32nd,
# or a 13th month, is an error. A cast of the same text to date32 is strict.
# Why it matters: what a broken clock or a careless export dates on such a day is sold in the month that
# comes after, and a check for nulls finds nothing.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
cd "$place"
"${PYTHON:-python3}" -m venv env
env/bin/python -m pip install --quiet --quiet pyarrow==26.0.1

cat >seen.py <<'END'
from importlib.metadata import version

import pyarrow
import pyarrow.compute

DAYS = ["2024-02-29", "2023-02-29", "2024-02-30", "2024-04-31", "2024-04-32", "2024-13-01"]


def strptime(text, **options):
    array = pyarrow.array([text])
    (found,) = pyarrow.compute.strptime(array, "%Y-%m-%d", "s", **options).to_pylist()
    return found and found.date()


def cast(text):
    return pyarrow.array([text]).cast(pyarrow.date32())[0]


def said(read, text, **options):
    try:
        return str(read(text, **options))
    except pyarrow.ArrowInvalid:
        return "an error"


print("pyarrow", version("pyarrow"))
for day in DAYS:
    null = said(strptime, day, error_is_null=True)
    print(f"{day}: strptime {said(strptime, day)}, or null: {null}; cast {said(cast, day)}")
END

cat >expected.txt <<'END'
pyarrow 26.0.1
2024-02-29: strptime 2024-02-29, or null: 2024-02-29; cast 2024-02-29
2023-02-29: strptime 2023-03-01, or null: 2023-03-01; cast an error
2024-02-30: strptime 2024-03-01, or null: 2024-03-01; cast an error
2024-04-31: strptime 2024-05-01, or null: 2024-05-01; cast an error
2024-04-32: strptime an error, or null: None; cast an error
2024-13-01: strptime an error, or null: None; cast an error
END

env/bin/python seen.py | tee seen.txt
diff expected.txt seen.txt || {
    echo "This is no longer what happens: see the difference above." >&2
    exit 1
}
