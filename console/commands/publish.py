"""``publish``: a run that was refused, from its receipts."""

from __future__ import annotations

import sys
from typing import Any

import click

from console.options import json_option, place_options, quiet_option, run_argument, run_settings
from console.run_places import check_reports_place


@click.command()
@run_argument(metavar="RUN")
@place_options
@click.option(
    "--allow-incomplete", is_flag=True, help="Publish although something could not be read."
)
@click.option(
    "--allow-drift",
    is_flag=True,
    help="Publish although a figure moved too far since the last published run.",
)
@json_option
@quiet_option
def publish_command(
    run_id: str,
    allow_incomplete: bool,
    allow_drift: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Publish a run that was refused, without reading anything again.

    A run that was refused for both needs both options.
    """
    settings = run_settings(options)
    from console.drive import finish
    from pipeline_core import pipeline
    from pipeline_core.ledger import RunLedger, open_state
    from pipeline_core.running.notifications import notify_of_outcome

    ledger = RunLedger(open_state(settings.state), run_id)
    check_reports_place(settings, ledger)
    before = ledger.outcome()
    outcome = pipeline.publish(
        settings.state, run_id, allow_incomplete=allow_incomplete, allow_drift=allow_drift
    )
    if before is not None and before.state != outcome.state:
        ledger.forget_notified()
    notify_of_outcome(ledger, settings.hooks())
    sys.exit(finish(settings, outcome, as_json=as_json, quiet=quiet or as_json))
