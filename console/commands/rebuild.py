"""``rebuild``: a past run's reports computed once more, and what was not as it should be."""

from __future__ import annotations

import sys

import click

from console.display.bar import Bar
from console.display.terminal import plain
from console.interrupt import terminable
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.messages import to_json
from pipeline_core.publication.rebuild import Rebuilt, rebuild
from pipeline_core.settings import Settings

_NAMES_SHOWN = 6


def rebuild_command(
    settings: Settings, run_id: str, *, dry_run: bool, as_json: bool, quiet: bool
) -> int:
    """0 if the reports stand as they should, 1 if they do not and it was a dry run."""
    archives = RunLedger(open_state(settings.state), run_id).manifest().archives
    with terminable(), Bar(len(archives), quiet=quiet) as bar:
        found = rebuild(settings.state, run_id, dry_run=dry_run, archive_done=bar.advance)
    if as_json:
        sys.stdout.buffer.write(to_json(found))
    elif not quiet:
        _print(found)
    return 1 if found.state in ("damaged", "gone") else 0


def _print(found: Rebuilt) -> None:
    said = {
        "as_published": "is as it was published",
        "damaged": "is damaged",
        "mended": "was damaged, and is mended",
        "gone": "has no reports any more",
        "published_again": "had no reports any more, and is published again",
    }[found.state]
    click.echo(f"Run {found.run_id} {said}: {found.archives:,} archives counted again.")
    if found.files and found.state in ("damaged", "mended"):
        click.echo(f"Not as they should be: {_some(found.files)}.")
    if found.by_receipt:
        click.echo(
            f"By what is kept of their results, since their events are gone: "
            f"{_some(found.by_receipt)}."
        )


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMES_SHOWN
    shown = ", ".join(map(plain, names[:_NAMES_SHOWN]))
    return f"{shown} and {more:,} more" if more > 0 else shown
