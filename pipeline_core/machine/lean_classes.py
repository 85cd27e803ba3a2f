"""Classes without what is made for each of them in case somebody asks.

dataclasses compiles up to eight functions a class, though most are never compared, hashed or shown,
and none is ever assigned to: more than a hundred classes are imported at a start. pydantic
describes its own schemas by dictionaries of more than 500 fields, for type checkers alone, and has
each of their types compiled.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

# Whoever makes an object needs __init__, and signatures are read of it.
_AT_ONCE = {"__init__"}


def make_methods_when_called(dataclasses: ModuleType) -> None:
    """Methods of dataclasses that are imported from now on are compiled at their first call; as
    ever where ``dataclasses`` does not compile them as we know it."""
    compiled = getattr(dataclasses, "_create_fn", None)
    if compiled is not None and not hasattr(compiled, "is_lean"):
        dataclasses._create_fn = _lean(compiled)  # type: ignore[attr-defined]  # noqa: SLF001


def _lean(compiled: Callable[..., Any]) -> Callable[..., Any]:
    def create(name: str, *source: Any, **names: Any) -> Any:
        if name in _AT_ONCE:
            return compiled(name, *source, **names)
        return _compiled_when_called(name, lambda: compiled(name, *source, **names))

    create.is_lean = True  # type: ignore[attr-defined]
    return create


def _compiled_when_called(name: str, compiled: Callable[[], Any]) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any) -> Any:
        function = compiled()
        for owner in type(self).__mro__:
            if vars(owner).get(name) is method:
                function.__qualname__ = method.__qualname__
                setattr(owner, name, function)
        return function(self, *arguments)

    method.__name__ = name
    return method


class _Bare(dict[str, Any]):
    """In place of a typed dictionary, one whose fields nobody has looked at."""

    def __init_subclass__(cls, *, total: bool = True) -> None:
        """Made as those are."""

    def __new__(cls, *given: Any, **fields: Any) -> Any:
        """A plain dictionary, as theirs."""
        return dict(*given, **fields)


@contextmanager
def bare_typed_dicts() -> Iterator[None]:
    """Within, classes that are made of TypedDict are dictionaries, and nothing else."""
    import typing_extensions

    modules: tuple[Any, ...] = (typing, typing_extensions)
    usual = [module.TypedDict for module in modules]
    for module in modules:
        module.TypedDict = _Bare
    try:
        yield
    finally:
        for module, typed in zip(modules, usual, strict=True):
            module.TypedDict = typed
