"""``explain``: one figure of the report, taken apart down to its events."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from console.display.terminal import print_json
from console.options import date_option, json_option, place_options, run_argument, run_settings
from console.run_places import check_reports_place


@click.command()
@run_argument()
@click.option("--category", required=True, help="Category, as in the report.")
@click.option("--segment", required=True, help="Customer segment, as in the report.")
@date_option("--date", "day", "Only this date, as in daily_sales.csv.")
@place_options
@click.option(
    "-n",
    "--most",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many events to show.",
)
@json_option
def explain_command(
    run_id: str | None,
    category: str,
    segment: str,
    day: date | None,
    most: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what a figure of the report is made of, down to the events.

    The figure is one of the newest published run, unless RUN is given. Events that were left out,
    and would or might belong to it, are shown, too.
    """
    from console.display.explanation import print_explanation
    from console.display.views import output
    from pipeline_core.ledger import RunLedger, read_state
    from pipeline_core.publication.latest import chosen_run
    from pipeline_core.questions.explain.explain import explain
    from pipeline_core.questions.explain.explanation import Cell

    cell = Cell(category, segment, day)
    settings = run_settings(options)
    state = read_state(settings.state, may_add=True)
    ledger = RunLedger(state, chosen_run(state, run_id))
    check_reports_place(settings, ledger)
    found = explain(ledger, cell, most)
    if as_json:
        print_json(found)
    else:
        print_explanation(output(), found)
