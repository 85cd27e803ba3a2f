"""``run``: from the plan to the publication."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from console.interrupt import terminable
from console.options import date_option, json_option, quiet_option, run_options, run_settings

if TYPE_CHECKING:
    from pipeline_core.settings import Settings


@click.command()
@run_options
@date_option(
    "--as-of",
    "as_of",
    "Only days dated so far, as if no later one had come; `latest` stays as it is "
    "[default: every day].",
)
@click.option(
    "--if-changed/--always",
    "if_changed",
    default=None,
    help="Make no run while nothing is new in archives, tables and settings since the newest "
    "published one [default: --always].",
)
@click.option(
    "--adopt",
    is_flag=True,
    help="Publish although the reports are of another state: from now on they are of this one.",
)
@click.option("--wait", is_flag=True, help="If a run is under way, follow that one to its end.")
@json_option
@quiet_option
def run_command(
    as_of: date | None, adopt: bool, wait: bool, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Plan, process every archive, and publish the reports."""
    from console.fleet import ask_early

    settings = run_settings(options)
    _check_if_changed(options, as_of, full=settings.full)
    ask_early(settings)
    from console.display.json_output import NothingNew
    from console.drive import begin, finish, finish_unchanged, hush, run_if_changed, watch
    from pipeline_core.errors import RunUnderWay
    from pipeline_core.ledger import RunLedger, open_state
    from pipeline_core.running.local import stop_early

    if adopt:
        _adopt_reports(settings)
    quiet = quiet or as_json
    hush(settings, quiet=quiet)
    begin(settings)
    with terminable():
        try:
            outcome = run_if_changed(settings, as_of, quiet=quiet)
            if isinstance(outcome, NothingNew):
                sys.exit(finish_unchanged(settings, outcome, as_json=as_json, quiet=quiet))
        except RunUnderWay as other:
            if not wait:
                raise
            stop_early()
            ledger = RunLedger(open_state(settings.state), other.run_id)
            outcome = watch(settings, ledger, quiet=quiet)
    sys.exit(finish(settings, outcome, as_json=as_json, quiet=quiet))


def _check_if_changed(options: dict[str, Any], as_of: date | None, *, full: bool) -> None:
    """Raises UsageError if the option asks for what goes with no other. A setting gives way."""
    if not options["if_changed"]:
        return
    if as_of is not None:
        raise click.UsageError(
            "--if-changed goes with the newest report; a run --as-of a date is made when it is "
            "asked for."
        )
    if full:
        raise click.UsageError(
            "--if-changed compares with the last run, and --full (SALES_FULL) uses nothing of it: "
            "leave one of them out."
        )


def _adopt_reports(settings: Settings) -> None:
    from pipeline_core.ledger import open_state
    from pipeline_core.places.owner import adopt_reports
    from pipeline_core.storage import open_storage

    adopt_reports(open_state(settings.state), open_storage(settings.reports))
