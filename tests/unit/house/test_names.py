"""One word for one thing: class names, the glossary, modules behind the names of a package."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.support import PROJECT

# It counts again by code of its own, and calls what it finds as the pipeline does.
RECOUNTING = {PROJECT / "pipeline_core" / room for room in ("verify", "reread")}


def _modules() -> Iterator[Path]:
    for package in ("console", "pipeline_core", "workers"):
        yield from sorted((PROJECT / package).rglob("*.py"))


def _twice(names: Iterator[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _class_names() -> Iterator[str]:
    for path in _modules():
        if RECOUNTING.isdisjoint(path.parents):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    yield node.name.lstrip("_")


def _glossary_words() -> Iterator[str]:
    for line in (PROJECT / "docs" / "glossary.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| Word "):
            yield from line.split(" | ")[0].removeprefix("| ").split(", ")


def test_one_class_name_is_one_thing() -> None:
    assert not _twice(_class_names())


def test_the_glossary_defines_each_word_once() -> None:
    assert len(list(_glossary_words())) > 50
    assert not _twice(_glossary_words())


def test_no_package_hides_a_module_behind_a_name_of_its_own() -> None:
    """As ``from package.work import work`` in the package would."""
    hidden = [
        f"{path.parent.relative_to(PROJECT)}: {name.asname or name.name}"
        for path in _modules()
        if path.name == "__init__.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if (path.parent / f"{name.asname or name.name}.py").exists()
        and node.module != ".".join(path.parent.relative_to(PROJECT).parts)
    ]
    assert not hidden
