"""What a check of ``doctor`` says, and how it is printed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import click
import msgspec

_MARKS = {
    "ok": click.style("ok    ", fg="green"),
    "warned": click.style("warned", fg="yellow"),
    "failed": click.style("failed", fg="red"),
}


@dataclass(frozen=True)
class Check:
    """What was found of one thing; ``remedy`` is empty unless ``state`` is failed or warned."""

    name: str
    state: Literal["ok", "warned", "failed"]
    found: str
    remedy: str = ""


def report(checks: Sequence[Check], *, as_json: bool) -> int:
    """Prints one line for each; 1 if one failed, else 0."""
    if as_json:
        found = msgspec.json.encode([asdict(check) for check in checks])
        sys.stdout.buffer.write(msgspec.json.format(found, indent=2) + b"\n")
    else:
        for check in checks:
            text = f"{check.found} {check.remedy}".strip()
            click.echo(f"{_MARKS[check.state]} {check.name:<10} {text}")
    return int(any(check.state == "failed" for check in checks))
