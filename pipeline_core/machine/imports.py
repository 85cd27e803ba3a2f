"""Libraries without what they import only in case it is needed, which in our processes it never is.

pyarrow imports pandas, at the first ``pa.array`` and the first ``to_numpy`` of a process, to see
whether a value is one of its own: half a second and 60 MiB in every worker. structlog imports rich
for tracebacks, which are plain here, and asyncio for loggers that are awaited; pydantic-settings
asyncio for command lines that are, and pydantic looks through all that is installed for plug-ins of
its own. pyarrow.compute writes 290 functions with their documentation, and numpy documents what is
compiled of it: for nobody. redis imports clients that are awaited, too, and reads its own version
from disk for each pool of connections; kombu imports YAML, and looks through all that is installed
for ways to write messages, which are JSON. OpenBLAS starts a thread a core, which spin for want of
work that never comes: a tenth of a second of CPU time.

All of that is for processes that are ours alone. Somebody's notebook imports us too, and there
pandas and pyarrow belong together: so only entry points ask for it, never an import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
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
    if "dataclasses" in sys.modules:
        _methods_when_called(lambda _: None, sys.modules["dataclasses"])
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
def _later(package: str, stub: type[ModuleType] | None = None) -> Iterator[None]:
    """Within, who imports ``package`` is given a module that imports it at its first use."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = (stub or _Later)(package)
    try:
        yield
    finally:
        del sys.modules[package]


class _Later(ModuleType):
    def __getattr__(self, name: str) -> object:
        return getattr(import_module(self.__name__), name)


class _CalledLater(ModuleType):
    """Has only functions, each of which imports the module when it is called."""

    def __getattr__(self, name: str) -> object:
        def call(*args: object, **options: object) -> object:
            return getattr(import_module(self.__name__), name)(*args, **options)

        return call


class _VersionsAtHand(_CalledLater):
    """Says the version that a module has, in place of what was noted when it was installed."""

    def version(self, name: str) -> str:
        return str(import_module(name).__version__)


class _Hider:
    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == self._package:
            raise ModuleNotFoundError(fullname)
        return None


_Import = Callable[[ModuleType], None]


def _without_pandas(imported: _Import, module: ModuleType) -> None:
    imported(module)
    forget_pandas()


def _without_output(imported: _Import, module: ModuleType) -> None:
    # Who shows something has imported rich, and no part of it for tracebacks.
    with hidden("rich"), hidden("rich.traceback"), _later("asyncio"):
        imported(module)


def _when_asked_for(imported: _Import, module: ModuleType) -> None:
    """A package of which parts may be imported before it is."""

    def found(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        vars(module).pop("__getattr__", None)
        imported(module)
        return getattr(module, name)

    module.__getattr__ = found  # type: ignore[method-assign]


def _without_yaml(imported: _Import, module: ModuleType) -> None:
    with hidden("yaml"):  # messages are JSON
        imported(module)


def _without_extensions(imported: _Import, module: ModuleType) -> None:
    _without_metadata(imported, module)
    module.entrypoints = lambda _group: ()  # type: ignore[attr-defined]


def _version_at_hand(imported: _Import, module: ModuleType) -> None:
    with _later("importlib.metadata", _VersionsAtHand):
        imported(module)


def _without_metadata(imported: _Import, module: ModuleType) -> None:
    with _later("importlib.metadata", _CalledLater):
        imported(module)


def _without_docs(_imported: _Import, _module: ModuleType) -> None:
    """Nothing is documented."""


def _methods_when_called(imported: _Import, module: ModuleType) -> None:
    imported(module)
    from pipeline_core.machine.lean_classes import make_methods_when_called

    make_methods_when_called(module)


def _without_fields(imported: _Import, module: ModuleType) -> None:
    from pipeline_core.machine.lean_classes import bare_typed_dicts

    with bare_typed_dicts():
        imported(module)


# Names that Arrow's functions have in Python, where they have others.
_IN_ARROW = {"and_": "and", "or_": "or", "utf8_zfill": "utf8_zero_fill"}


class _NoFunctions:
    """In place of Arrow's registry, one that has nothing to tell."""

    def list_functions(self) -> list[str]:
        return []


def _made_when_asked_for(imported: _Import, module: ModuleType) -> None:
    """pyarrow.compute with functions that are made when somebody asks for one, without their
    documentation; as ever where it is not written as we know it."""
    from pyarrow import _compute

    asked, registry = _compute.function_registry, _compute.function_registry()
    empty = dict(vars(module))
    # It gives this one another name.
    module.utf8_zero_fill = None  # type: ignore[attr-defined]
    _compute.function_registry = _NoFunctions
    try:
        with _later("pyarrow.vendored.docscrape"):
            imported(module)
        wrapped = module._make_generic_wrapper  # noqa: SLF001
        options_of = module._get_options_class  # noqa: SLF001
        del module.utf8_zero_fill, module.utf8_zfill
    except (AttributeError, LookupError):
        vars(module).clear()
        vars(module).update(empty)
        _compute.function_registry = asked
        imported(module)
        return
    finally:
        _compute.function_registry = asked
    module.function_registry = asked  # type: ignore[attr-defined]

    def made(name: str) -> object:
        try:
            function = registry.get_function(_IN_ARROW.get(name, name))
        except KeyError:
            function = None
        if function is None or function.kind == "hash_aggregate":  # which nobody can call
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        wrapper = wrapped(name, function, options_of(function), arity=function.arity)
        wrapper.__name__ = wrapper.__qualname__ = name
        setattr(module, name, wrapper)
        return wrapper

    module.__getattr__ = made  # type: ignore[method-assign]


# How modules are imported the lean way, given how everybody else imports them.
_LEAN: Mapping[str, Callable[[_Import, ModuleType], None]] = {
    "celery.utils.imports": _without_metadata,
    "dataclasses": _methods_when_called,
    "kombu.serialization": _without_yaml,
    "kombu.transport.redis": _version_at_hand,
    "kombu.utils.compat": _without_extensions,
    "numpy._core._add_newdocs": _without_docs,
    "numpy._core._add_newdocs_scalars": _without_docs,
    "pyarrow": _without_pandas,
    "pyarrow.compute": _made_when_asked_for,
    "pydantic.plugin._loader": _without_metadata,
    "pydantic_core.core_schema": _without_fields,
    "pydantic_settings": _without_output,
    "redis.asyncio": _when_asked_for,
    "redis.utils": _version_at_hand,
    "structlog": _without_output,
}


class _LeanFinder:
    """Finds what everybody else would, and has the libraries imported in the lean way."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _LEAN:
            return None
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(fullname, path)
        if spec is None or spec.loader is None:
            return spec
        lean = partial(_LEAN[fullname], spec.loader.exec_module)
        spec.loader.exec_module = lean  # type: ignore[method-assign]
        return spec
