"""``diff``: what changed between two runs, and why."""

from __future__ import annotations

from typing import Any

import click

from console.display.terminal import print_json
from console.options import json_option, place_options, run_argument, run_settings


@click.command()
@run_argument("before", "[RUN_A]")
@run_argument("after", "[RUN_B]")
@place_options
@json_option
def diff_command(before: str | None, after: str | None, as_json: bool, **options: Any) -> None:
    """Show what changed in the report from one published run to another, and why.

    Compares the two newest; RUN_A alone with the newest. The causes of every row add up to its
    change, to the last decimal.
    """
    from console.display.difference import print_difference
    from pipeline_core.diff import chosen_runs, difference
    from pipeline_core.ledger import read_state

    state = read_state(run_settings(options).state, may_add=True)
    found = difference(state, *chosen_runs(state, before, after))
    if as_json:
        print_json(found)
    else:
        print_difference(found)
