"""``resume``: a run that stopped or failed, to its end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.interrupt import terminable
from console.options import (
    broker_options,
    json_option,
    place_options,
    quiet_option,
    run_argument,
    run_settings,
)
from console.run_places import check_reports_place

if TYPE_CHECKING:
    from pipeline_core.settings import Settings


@click.command()
@run_argument(metavar="RUN")
@place_options
@broker_options
@json_option
@quiet_option
def resume_command(run_id: str, as_json: bool, quiet: bool, **options: Any) -> None:
    """Go on with a run that stopped or failed; what is done is not done again.

    Archives that were quarantined are tried anew. A run that is under way is followed.
    """
    from pipeline_core.ledger import RunLedger, open_state

    settings = run_settings(options)
    check_reports_place(settings, RunLedger(open_state(settings.state), run_id))
    sys.exit(resume(settings, run_id, as_json=as_json, quiet=quiet or as_json))


def resume(settings: Settings, run_id: str, *, as_json: bool, quiet: bool) -> int:
    """Takes a run up where it stopped or failed; the exit code of CONTRACT."""
    from console.drive import finish, go_on, hush, watch
    from pipeline_core.ledger import RunLedger, open_state
    from pipeline_core.publication.latest import check_stands
    from pipeline_core.running.lock import is_moving

    ledger = RunLedger(open_state(settings.state), run_id)
    manifest = ledger.manifest()  # a wrong name shows before anything else
    outcome = ledger.outcome()
    hush(settings, quiet=quiet)
    with terminable():
        if is_moving(ledger):
            outcome = watch(settings, ledger, quiet=quiet)
        elif outcome is None or outcome.state != "published":
            outcome = go_on(settings, ledger, quiet=quiet)
        else:
            check_stands(ledger.state, manifest, outcome)
    return finish(settings, outcome, as_json=as_json, quiet=quiet)
