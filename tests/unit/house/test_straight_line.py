"""The job's sentence stands in one place, few calls below the task, as it is drawn."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from tests.support import PROJECT


class _Call(NamedTuple):
    depth: int
    name: str
    file: str


def _drawn() -> list[_Call]:
    text = (PROJECT / "docs" / "architecture.md").read_text()
    block = text.partition("<!-- calls: as in the code -->")[2].split("```")[1]
    lines = [re.match(r"( *)(\w+) +(\S+\.py) ", line) for line in block.splitlines()[1:]]
    assert all(lines), block
    return [_Call(len(line[1]) // 2, line[2], line[3]) for line in lines if line]


def _functions(file: str) -> dict[str, ast.FunctionDef]:
    path = next(
        each for each in (PROJECT / file, PROJECT / "pipeline_core" / file) if each.exists()
    )
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def _called(function: ast.FunctionDef) -> set[str]:
    calls = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    return {
        call.attr if isinstance(call, ast.Attribute) else call.id
        for call in calls
        if isinstance(call, ast.Attribute | ast.Name)
    }


def test_an_archives_way_is_drawn_as_it_is() -> None:
    way: list[_Call] = []
    for call in _drawn():
        way[call.depth :] = [call]
        assert call.name in _functions(call.file), call
        if call.depth:
            caller = way[call.depth - 1]
            assert call.name in _called(_functions(caller.file)[caller.name]), (caller, call)


def test_the_three_verbs_stand_together_few_calls_below_the_task() -> None:
    drawn = _drawn()
    depths = {call.name: call.depth for call in drawn if call.name in _VERBS}
    assert drawn[0] == (0, "process_archive", "workers/tasks.py")
    assert depths.keys() == _VERBS
    assert max(depths.values()) <= 6
    loop = next(call for call in drawn if call.name == "count_events")
    assert _called(_functions(loop.file)[loop.name]) >= _VERBS


_VERBS = {"extract", "enrich", "aggregate"}
