"""Partials as bytes: an Arrow stream of a small one, a Parquet file of any other."""

from __future__ import annotations

import pyarrow as pa

from pipeline_core.load.tables import to_partial
from pipeline_core.parquet import read_parquet

# A table of so few rows is written and read as a stream in a tenth of the time, and is no larger.
_MOST_STREAM_BYTES = 64 << 10
_PARQUET = b"PAR1"


def partial_file(table: pa.Table) -> tuple[str, bytes]:
    """The ending of its name, and its bytes: the same for the same table."""
    if table.nbytes > _MOST_STREAM_BYTES:
        return "parquet", to_partial(table)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        for batch in table.combine_chunks().to_batches():
            stream.write_batch(batch)
    return "arrow", sink.getvalue().to_pybytes()


def read_partial(data: bytes) -> pa.Table:
    """The partial in a stored file's bytes. Raises what pyarrow does if it is none."""
    if data[: len(_PARQUET)] == _PARQUET:
        return read_parquet(data).replace_schema_metadata(None)
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()
