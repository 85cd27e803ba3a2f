"""pyarrow without pandas.

The first ``pa.array`` and the first ``to_numpy`` of a process import pandas, if it is installed,
only to see whether a value is one of its own: half a second and 60 MiB in every worker. None of
ours ever is, so pyarrow is told, once, that there is none. pandas itself can be used as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)
        return None


def forget_pandas() -> None:
    """Makes pyarrow look for pandas, and remember that it is not there."""
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array(np.zeros(1)).to_numpy()
    finally:
        sys.meta_path.remove(finder)
