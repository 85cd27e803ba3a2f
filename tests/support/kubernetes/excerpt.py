"""Makes schemas.json: ``python -m tests.support.kubernetes.excerpt DEFINITIONS``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXCERPT = Path(__file__).parent / "schemas.json"
KINDS = (
    "io.k8s.api.apps.v1.Deployment",
    "io.k8s.api.batch.v1.Job",
    "io.k8s.api.core.v1.ConfigMap",
    "io.k8s.api.core.v1.Service",
)


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from _names(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _names(each)


def _bare(schema: Any) -> Any:
    if isinstance(schema, dict):
        told = {k: v for k, v in schema.items() if k != "description" or isinstance(v, dict)}
        return {key: _bare(value) for key, value in told.items() if not key.startswith("x-")}
    return [_bare(each) for each in schema] if isinstance(schema, list) else schema


def excerpt(published: dict[str, Any]) -> dict[str, Any]:
    """By name, what ``KINDS`` lead to."""
    found: dict[str, Any] = {}
    todo = list(KINDS)
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = _bare(published[name])
            todo += _names(published[name])
    return dict(sorted(found.items()))


if __name__ == "__main__":
    definitions = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["$defs"]
    lines = (
        f"{json.dumps(name)}: {json.dumps(schema, separators=(',', ':'))}"
        for name, schema in excerpt(definitions).items()
    )
    EXCERPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
