"""Libraries without what they import only in case it is needed, which in our processes it never is.

pyarrow imports pandas, at the first ``pa.array`` and the first ``to_numpy`` of a process, to see
whether a value is one of its own: half a second and 60 MiB in every worker. structlog imports rich
for tracebacks, which are plain here, and asyncio for loggers that are awaited; pydantic-settings
asyncio for command lines that are, and pydantic looks through all that is installed for plug-ins of
its own. OpenBLAS starts a thread a core, which spin for want of work that never comes: a tenth of a
second of CPU time.

All of that is for processes that are ours alone. Somebody's notebook imports us too, and there
pandas and pyarrow belong together: so only entry points ask for it, never an import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec


def lean_process() -> None:
    """For entry points, before anything large is imported: makes this process a lean one.

    Variables that a person has set stay, and children inherit them. The libraries are dealt with
    when somebody imports them, and pandas and rich can be used as ever.
    """
    # Read when numpy is first imported.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Arrow's usual one, mimalloc, takes 15 MiB a process before anything is in it.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not any(isinstance(finder, _LeanFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LeanFinder())
    if "pyarrow" in sys.modules:
        forget_pandas()


def forget_pandas() -> None:
    """Makes pyarrow look for pandas, and remember that it is not there. Where pandas is imported
    already, it finds it."""
    import numpy as np
    import pyarrow as pa

    with hidden("pandas"):
        pa.array(np.zeros(1)).to_numpy()


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Within, ``package`` cannot be imported, unless it is imported already."""
    finder = _Hider(package)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


@contextmanager
def _later(package: str) -> Iterator[None]:
    """Within, who imports ``package`` is given a module that imports it at its first use."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = _Later(package)
    try:
        yield
    finally:
        del sys.modules[package]


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


class _Hider:
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self._package:
            raise ModuleNotFoundError(fullname)
        return None


class _LeanFinder:
    """Finds what everybody else would, and has the libraries imported in the lean way."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in {"pyarrow", "structlog", "pydantic_settings"}:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        imported = spec.loader.exec_module

        def import_lean(module: ModuleType) -> None:
            if fullname == "pyarrow":
                imported(module)
                forget_pandas()
            else:
                # Who shows something has imported rich, and no part of it for tracebacks.
                with hidden("rich"), hidden("rich.traceback"), _later("asyncio"):
                    imported(module)

        spec.loader.exec_module = import_lean  # type: ignore[method-assign]
        return spec
