"""The reference, made from the code: ``python -m console.reference FOLDER`` writes JSON Schemas of
what ``--json`` prints and hooks get, the commands (commands.md) and the settings (settings.md)."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import msgspec
from pydantic import SecretStr

from console import PROGRAM
from console.command import COMMANDS, cli, command_of
from console.display.json_output import (
    Backfilled,
    Collected,
    KeptPrices,
    ListedReject,
    ListedRun,
    NothingNew,
    Planned,
    Recovered,
    UnfinishedRun,
)
from console.doctor.checks import Check
from pipeline_core.diff import Difference
from pipeline_core.messages import Summary
from pipeline_core.messages.delivery import Delivery
from pipeline_core.messages.inspection import Inspection
from pipeline_core.messages.notification import HookMessage
from pipeline_core.publication.rebuild import Rebuilt
from pipeline_core.questions.comparison import PeriodComparison
from pipeline_core.questions.explain.explanation import Explanation
from pipeline_core.questions.range_report import RangeReport
from pipeline_core.settings import Settings
from pipeline_core.settings.environment import STORE_VARIABLES
from pipeline_core.verify import Verification
from pipeline_core.watching.run_progress import ArchivesPage, RunProgress

# One of these, by the file's name. `resume` and `publish` print a summary, too.
SHAPES: dict[str, tuple[Any, ...]] = {
    "archives": (ArchivesPage,),
    "backfill": (list[Backfilled],),
    "deliver": (list[Delivery],),
    "diff": (Difference,),
    "doctor": (list[Check],),
    "explain": (Explanation,),
    "gc": (Collected,),
    "inspect": (Inspection,),
    "notification": (HookMessage,),
    "plan": (Planned,),
    "prices": (KeptPrices,),
    "progress": (RunProgress,),
    "rebuild": (Rebuilt,),
    "recover": (Summary, Recovered),
    "rejects": (list[ListedReject],),
    "report": (RangeReport, PeriodComparison),
    "run": (Summary, NothingNew),
    "runs": (list[ListedRun],),
    "show": (Summary, UnfinishedRun),
    "summary": (Summary,),
    "verify": (Verification,),
}
_WIDTH = 90  # of a page of help, in characters
_COMMANDS = """# Commands

Made from the code by `make docs`. An option wins over its setting ([settings](settings.md))."""
_SETTINGS = """# Settings

Made from the code by `make docs`. They are variables of the environment or lines of `.env` in the
working folder; the environment wins over `.env`, an option over both. Sizes are bytes, times
seconds, unless a name says more.

| Setting | Default | Values | Option | Means |
| --- | --- | --- | --- | --- |"""

_STORES = """## Keys and addresses of object stores

Where a place is in one (`s3://`, `gs://`, `az://`), these are read, too, from the environment or
from `.env`. Those of a line belong together: if the environment has one of them, `.env` is asked
for none. What else these services know stands in the environment alone; `~/.aws` is not read.
"""


def schema(name: str) -> bytes:
    """The schema of one shape as JSON, with its structs under ``$defs``."""
    shapes = SHAPES[name]
    found, definitions = msgspec.json.schema_components(shapes, ref_template="#/$defs/{name}")
    for struct in _structs(msgspec.inspect.multi_type_info(shapes), set()):
        properties = definitions[struct.__name__]["properties"]
        for field, line in _field_lines(struct).items():
            properties[field] = {"description": line, **properties[field]}
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        **(found[0] if len(found) == 1 else {"anyOf": list(found)}),
        "$defs": definitions,
    }
    return msgspec.json.format(msgspec.json.encode(_unwrapped(described)), indent=2) + b"\n"


def _structs(told: object, known: set[type]) -> Iterator[type]:
    """The classes of which msgspec tells, but for those that are known: one may hold itself."""
    if isinstance(told, (msgspec.inspect.StructType, msgspec.inspect.DataclassType)):
        if told.cls in known:
            return
        known.add(told.cls)
        yield told.cls
    if isinstance(told, msgspec.Struct):
        told = msgspec.structs.astuple(told)
    if isinstance(told, (tuple, list)):
        for each in told:
            yield from _structs(each, known)


def _field_lines(struct: type) -> dict[str, str]:
    """What stands below each field: Python itself forgets it."""
    [definition] = ast.parse(inspect.getsource(struct)).body
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _unwrapped(value: Any) -> Any:
    """Docstrings as one line each."""
    if isinstance(value, dict):
        return {
            key: " ".join(each.split()) if key == "description" else _unwrapped(each)
            for key, each in value.items()
        }
    return [_unwrapped(each) for each in value] if isinstance(value, list) else value


def commands() -> str:
    """What `--help` says of every command, as Markdown."""
    main = click.Context(cli, info_name=PROGRAM, terminal_width=_WIDTH)
    told = [_COMMANDS, _help(main)]
    for name in sorted(COMMANDS):
        context = click.Context(
            command_of(name), info_name=name, parent=main, terminal_width=_WIDTH
        )
        told.append(f"## {name}\n\n{_help(context)}")
    return "\n\n".join(told) + "\n"


def _help(context: click.Context) -> str:
    context.help_option_names = ["-h", "--help"]
    return f"```text\n{context.get_help()}\n```"


def settings() -> str:
    """Every setting with its default, the values it takes, and the option that wins over it."""
    schemas = Settings.model_json_schema()["properties"]
    lines = [_SETTINGS]
    for name, field in Settings.model_fields.items():
        cells = [
            f"`SALES_{name.upper()}`",
            _default(field.default),
            _values(schemas[name]),
            ", ".join(f"`{option}`" for option in _options(name)),
            str(field.description),
        ]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    rows = [", ".join(f"`{name}`" for name in row) for row in STORE_VARIABLES]
    return "\n".join([*lines, "", _STORES, *(f"- {row}" for row in rows)]) + "\n"


def _default(value: Any) -> str:
    shown = value.get_secret_value() if isinstance(value, SecretStr) else value
    return "" if shown is None else f"`{str(shown).lower() if shown in (True, False) else shown}`"


def _values(described: dict[str, Any]) -> str:
    """The words that a setting takes, or its bounds; empty if it is any text."""
    [chosen, *_] = [s for s in described.get("anyOf", [described]) if s.get("type") != "null"]
    if "enum" in chosen:
        return ", ".join(f"`{word}`" for word in chosen["enum"])
    if chosen["type"] == "boolean":
        return "`true`, `false`"
    low = chosen.get("minimum", chosen.get("exclusiveMinimum", -1) + 1)
    bounded = "minimum" in chosen or "exclusiveMinimum" in chosen
    if "maximum" in chosen:
        return f"{low:,.17g} to {chosen['maximum']:,.17g}"
    return f"{low:,} or more" if bounded else ""


def _options(setting: str) -> list[str]:
    """Options of any command that win over a setting."""
    found = {
        option
        for name in COMMANDS
        for parameter in command_of(name).params
        if isinstance(parameter, click.Option) and parameter.name == setting
        for option in parameter.opts
    }
    return sorted(found)


def reference() -> dict[str, bytes]:
    """The files by name."""
    schemas = {f"{name}.schema.json": schema(name) for name in SHAPES}
    return {
        **schemas,
        "commands.md": commands().encode(),
        "settings.md": settings().encode(),
    }


def write_all(folder: Path) -> None:
    """Every file of the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in reference().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
