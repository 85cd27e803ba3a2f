"""pyarrow in our processes: without pandas, until somebody asks for pandas itself."""

from __future__ import annotations

import subprocess
import sys

CHECK = """
import sys
import numpy as np
import pipeline_core.schemas
import pyarrow as pa
import pyarrow.compute as pc

pa.array(["a", None]).dictionary_encode()
assert pa.array([True, False]).to_numpy(zero_copy_only=False).tolist() == [True, False]
assert pc.fill_null(pa.array([1, None]), 2).to_numpy().tolist() == [1, 2]
assert pa.chunked_array([pa.array(np.arange(3))]).to_numpy().sum() == 3
assert "pandas" not in sys.modules
import pandas as pd
assert pd.DataFrame({"a": [1]})["a"].tolist() == [1]
"""


def test_arrays_do_not_import_pandas_and_pandas_still_works() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHECK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
