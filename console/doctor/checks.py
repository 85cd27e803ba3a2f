"""What a check of ``doctor`` says, and how it is printed."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import click

from console.display.terminal import print_json
from pipeline_core.unprintable import plain

_INDENT = 18
_MARKS = {
    "ok": click.style("ok    ", fg="green"),
    "warned": click.style("warned", fg="yellow"),
    "failed": click.style("failed", fg="red"),
}


@dataclass(frozen=True)
class Check:
    """What was found of one thing."""

    name: str
    """What was looked at."""
    state: Literal["ok", "warned", "failed"]
    """How it is."""
    found: str
    """What was found, for people."""
    remedy: str = ""
    """What to do about it; empty if it is ok."""


def print_checks(checks: Sequence[Check], *, as_json: bool) -> int:
    """Prints one line for each; 1 if one failed, else 0."""
    if as_json:
        print_json(checks)
    else:
        for check in checks:
            click.echo(f"{_MARKS[check.state]} {check.name:<10} {_text(check)}")
    return int(any(check.state == "failed" for check in checks))


def _text(check: Check) -> str:
    """What was found, in lines below each other on a terminal."""
    text = plain(f"{check.found} {check.remedy}".strip())
    if not sys.stdout.isatty():
        return text
    width = shutil.get_terminal_size().columns
    indent = _INDENT if width >= 2 * _INDENT else 2
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=" " * _INDENT,  # of what stands before
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return "\n".join(lines)[_INDENT:]
