"""Every field of a struct that is stored or sent has a line of its own."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

import pytest

from console.reference import SHAPES, schema
from tests.support import PROJECT

# Structs by another name: they are printed, or told to hooks, as JSON.
SENT = {"Check", "Notification", "PublishedReport"}


def _structs() -> Iterator[tuple[str, ast.ClassDef]]:
    for package in ("console", "pipeline_core", "workers"):
        for path in sorted((PROJECT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and (
                    any(ast.unparse(base) in {"Struct", "msgspec.Struct"} for base in node.bases)
                    or (path.name in {"checks.py", "hooks.py"} and node.name in SENT)
                ):
                    yield str(path.relative_to(PROJECT)), node


def _without_line(struct: ast.ClassDef) -> Iterator[str]:
    for field, after in zip(struct.body, [*struct.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign) and not (
            isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            yield ast.unparse(field.target)


def test_every_field_says_what_it_is() -> None:
    """By a string below it, with its unit."""
    found = list(_structs())
    assert len(found) > 60
    assert [
        f"{path}: {struct.name}.{field}"
        for path, struct in found
        for field in _without_line(struct)
    ] == []


@pytest.mark.parametrize("name", SHAPES)
def test_every_property_of_a_schema_says_what_it_is(name: str) -> None:
    structs = json.loads(schema(name))["$defs"].items()
    assert [
        f"{struct}.{key}"
        for struct, described in structs
        for key, value in described.get("properties", {}).items()
        if not value.get("description")
    ] == []
