"""JSON Schemas of what ``--json`` prints: ``python -m console.reference FOLDER`` writes them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from console.checks import Check
from console.shapes import Backfilled, Collected, ListedReject, ListedRun, Planned, UnfinishedRun
from pipeline_core.messages import Summary
from pipeline_core.pipeline.diff import Difference
from pipeline_core.pipeline.explanation import Explanation
from pipeline_core.pipeline.progress import RunProgress
from pipeline_core.pipeline.range_report import RangeReport
from pipeline_core.pipeline.rebuild import Rebuilt
from pipeline_core.verify import Verification

# One of these, by the file's name. `run`, `resume` and `publish` print a summary, too.
SHAPES: dict[str, tuple[Any, ...]] = {
    "backfill": (list[Backfilled],),
    "diff": (Difference,),
    "doctor": (list[Check],),
    "explain": (Explanation,),
    "gc": (Collected,),
    "plan": (Planned,),
    "progress": (RunProgress,),
    "rebuild": (Rebuilt,),
    "rejects": (list[ListedReject],),
    "report": (RangeReport,),
    "runs": (list[ListedRun],),
    "show": (Summary, UnfinishedRun),
    "summary": (Summary,),
    "verify": (Verification,),
}


def schema(name: str) -> bytes:
    """The schema of one shape as JSON, with its structs under ``$defs``."""
    found, definitions = msgspec.json.schema_components(SHAPES[name], ref_template="#/$defs/{name}")
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        **(found[0] if len(found) == 1 else {"anyOf": list(found)}),
        "$defs": definitions,
    }
    return msgspec.json.format(msgspec.json.encode(_unwrapped(described)), indent=2) + b"\n"


def _unwrapped(value: Any) -> Any:
    """Docstrings as one line each."""
    if isinstance(value, dict):
        return {
            key: " ".join(each.split()) if key == "description" else _unwrapped(each)
            for key, each in value.items()
        }
    return [_unwrapped(each) for each in value] if isinstance(value, list) else value


def write_all(folder: Path) -> None:
    """A file for each shape."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SHAPES:
        (folder / f"{name}.schema.json").write_bytes(schema(name))


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
