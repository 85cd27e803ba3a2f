"""``runs``: the history, newest first."""

from __future__ import annotations

from typing import Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_settings


@click.command()
@place_options
@click.option(
    "-n",
    "--newest",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many runs to list.",
)
@json_option
def runs_command(newest: int, as_json: bool, **options: Any) -> None:
    """List the runs, newest first; below them, starts that failed before they were planned.

    Work is the seconds that processes took for archives, added up: without waiting, planning and
    publishing.
    """
    settings = run_settings(options)
    from console.display.run_history import listed_runs, print_runs
    from pipeline_core.ledger import planted_words, read_state, unvouched_words

    state = read_state(settings.state)
    found = listed_runs(settings, newest)
    if as_json:
        print_json(found)
        return
    print_runs(found)
    if newest:
        note(planted_words(state, [run.run_id for run in found]))
    note(unvouched_words(settings.state))
