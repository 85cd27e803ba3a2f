"""Libraries without what they import only in case it is needed, which here it never is.

pyarrow imports pandas, at the first ``pa.array`` and the first ``to_numpy`` of a process, to see
whether a value is one of its own: half a second and 60 MiB in every worker. structlog imports rich
for tracebacks, which are plain here. Both are told, once, that there is no such library; it can
be used as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Hider(MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self._package:
            raise ModuleNotFoundError(fullname)
        return None


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Within, ``package`` cannot be imported, unless it is imported already."""
    finder = _Hider(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def forget_pandas() -> None:
    """Makes pyarrow look for pandas, and remember that it is not there."""
    import numpy as np
    import pyarrow as pa

    with hidden("pandas"):
        pa.array(np.zeros(1)).to_numpy()
