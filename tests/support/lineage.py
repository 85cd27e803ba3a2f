"""OpenLineage events, checked against the client's classes, which are generated from the published
schema: what has to be there, what may be, and of which type."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Mapping
from typing import Any

import attr
from openlineage.client import generated
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent
from openlineage.client.generated import base

_OF_FACETS = {"_producer": str, "_schemaURL": str, "_deleted": bool}


def check_event(told: Mapping[str, Any]) -> None:
    """Raises AssertionError, or what the classes' own checks raise, if it is no event."""
    _check_object(RunEvent, told, {"producer", "schemaURL", "eventTime", "run", "job"})
    assert told["schemaURL"].startswith("https://openlineage.io/spec/"), told["schemaURL"]
    parts = [(Run, told["run"]), (Job, told["job"])]
    parts += [(InputDataset, each) for each in told.get("inputs", [])]
    parts += [(OutputDataset, each) for each in told.get("outputs", [])]
    for kind, part in parts:
        _check_object(kind, part, set())
        for name, facet in {
            **part.get("facets", {}),
            **part.get("inputFacets", {}),
            **part.get("outputFacets", {}),
        }.items():
            assert facet["_producer"], name
            _check_object(_facets()[facet["_schemaURL"]], facet, {"_producer", "_schemaURL"})


def _facets() -> dict[str, type]:
    """Facets of the specification by the address of their schema."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(generated.__path__):
        for kind in vars(importlib.import_module(f"{generated.__name__}.{module.name}")).values():
            if isinstance(kind, type) and attr.has(kind) and hasattr(kind, "_get_schema"):
                found[kind._get_schema()] = kind
    return found


def _check_object(kind: type, told: Mapping[str, Any], required: set[str]) -> None:
    known = {**vars(typing), **vars(base), **vars(importlib.import_module(kind.__module__))}
    hints = {**typing.get_type_hints(kind, known), **_OF_FACETS}
    fields = {each.name: each for each in attr.fields(kind)}
    needed = {name for name, each in fields.items() if each.default is attr.NOTHING}
    assert needed | required <= told.keys(), (kind, needed - told.keys())
    for name, value in told.items():
        assert name in fields or name in _OF_FACETS, f"{kind.__name__} has no {name}"
        if name in fields and fields[name].validator is not None:
            fields[name].validator(None, fields[name], value)
        if not name.endswith("acets"):  # these are of any kind, and looked at by themselves
            _check_value(hints[name], value, f"{kind.__name__}.{name}")


def _check_value(hint: Any, value: Any, where: str) -> None:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in kinds:
        origin = typing.get_origin(kind)
        if origin is list and isinstance(value, list):
            for each in value:
                _check_value(typing.get_args(kind)[0], each, where)
            return
        if origin is None and isinstance(kind, type):
            if attr.has(kind) and isinstance(value, dict):
                _check_object(kind, value, set())
                return
            if isinstance(value, kind) or (issubclass(kind, str) and isinstance(value, str)):
                return
            if hasattr(kind, "__members__") and value in {each.value for each in kind}:  # type: ignore[attr-defined]
                return
    raise AssertionError(f"{where} is {value!r}, which is no {hint}")
