"""What a terminal may be sent. Light: every command imports it."""

from __future__ import annotations

import os
import sys

import click

from pipeline_core.unprintable import plain, plain_json


def is_watched(*, quiet: bool) -> bool:
    """Whether somebody sees what changes on stderr. CI systems may give their jobs a terminal, but
    keep every line; a dumb one cannot move its cursor."""
    in_ci = os.environ.get("CI", "").lower() not in {"", "0", "false"}
    is_dumb = os.environ.get("TERM", "") in {"dumb", "unknown"}
    return sys.stderr.isatty() and not (quiet or in_ci or is_dumb)


def colour() -> bool | None:
    """False for no colour; None leaves it to click, which asks whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def complain(message: str, remedy: str) -> None:
    """What is wrong, and below it what to do, on stderr."""
    click.secho(_lines(message), err=True, fg="red", bold=True, color=colour())
    if remedy:
        click.echo(f"  {_lines(remedy)}", err=True)


def note(sentence: str) -> None:
    """What a person should know besides, on stderr; nothing if it is empty."""
    if sentence:
        click.echo(plain(sentence.lstrip()), err=True)


def _lines(text: str) -> str:
    return "\n".join(map(plain, text.splitlines()))


def print_json(value: object) -> None:
    """A struct, or a list of them, as readable JSON on stdout."""
    import msgspec

    encoded = msgspec.json.encode(value, enc_hook=dict)  # as messages.to_json has it
    text = msgspec.json.format(encoded, indent=2).decode()
    sys.stdout.buffer.write(plain_json(text).encode() + b"\n")
