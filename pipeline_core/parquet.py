"""Parquet from bytes, by the calling thread alone.

``pq.read_table`` lets go of a Python file on a thread of Arrow's own. If the process ends at that
moment, it aborts or hangs instead (https://github.com/apache/arrow/issues/33975).
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq


def read_parquet(data: bytes) -> pa.Table:
    """The table in a Parquet file's bytes. Raises what pyarrow does if it is none."""
    with pq.ParquetFile(io.BytesIO(data), pre_buffer=False) as file:
        return file.read(use_threads=False)
