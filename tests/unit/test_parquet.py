"""Reading Parquet leaves no thread behind that the end of the process could meet."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHECK = """
import os
import pyarrow as pa
from pipeline_core.load.tables import to_parquet
from pipeline_core.parquet import read_parquet

table = pa.table({"id": pa.array([b"x", b"y"], pa.large_binary()), "n": [1, None]})
table = table.replace_schema_metadata({"scale": "2"})
data = to_parquet(table)
before = os.listdir("/proc/self/task")
assert read_parquet(data).equals(table, check_metadata=True)
assert os.listdir("/proc/self/task") == before
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_reading_starts_no_thread() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
