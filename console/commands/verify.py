"""``verify``: a published run computed a second time, and what came out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import complain, print_json
from console.interrupt import terminable
from console.options import json_option, place_options, quiet_option, run_argument, run_settings
from console.run_places import given_place
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from pipeline_core.settings import Settings
    from pipeline_core.verify import Difference, Verification

_BYTES = "SHA-256 "


@click.command()
@run_argument()
@place_options
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that count archives [default: from the machine profile].",
)
@json_option
@quiet_option
def verify_command(run_id: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Check a published run by counting its archives again (the newest, unless RUN is given).

    Exit code 0 if everything agrees, 1 with the first difference otherwise. Archives and reports
    are looked for where the run had them, unless --data and --reports, or SALES_DATA and
    SALES_REPORTS, say where they are now.
    """
    settings = run_settings(options)
    from console.display.bar import Bar
    from pipeline_core.ledger import RunLedger, read_state
    from pipeline_core.load.read_back import check_not_removed
    from pipeline_core.machine.memory import keep_freed_memory
    from pipeline_core.storage import open_storage
    from pipeline_core.verify import verify

    keep_freed_memory()
    quiet = quiet or as_json
    run_id = run_id or _latest_run(settings)
    manifest = RunLedger(read_state(settings.state), run_id).manifest()
    reports_uri = given_place(settings, "reports")
    check_not_removed(open_storage(reports_uri or manifest.reports), run_id)
    with terminable(), Bar(len(manifest.archives), quiet=quiet) as bar:
        found = verify(
            settings.state,
            run_id,
            data_uri=given_place(settings, "data"),
            reports_uri=reports_uri,
            jobs=settings.machine_profile.jobs,
            part_done=bar.counted,
            archive_done=bar.advance,
        )
    if as_json:
        print_json(found)
    elif not quiet:
        _print(found)
    if found.difference is not None:
        _complain(found, found.difference)
    sys.exit(0 if found.agrees else 1)


def _latest_run(settings: Settings) -> str:
    from pipeline_core.configuration.places import LATEST
    from pipeline_core.errors import ConfigError
    from pipeline_core.ledger import read_state
    from pipeline_core.places.owner import other_owner
    from pipeline_core.storage import open_storage

    reports = open_storage(settings.reports)
    state = read_state(settings.state)
    if other := other_owner(state, reports):
        raise ConfigError(
            f"The reports in {reports.uri} are of the state {other}, and not of {state.uri}.",
            f"Verify in the folder of before, or set SALES_STATE={other}.",
        )
    shown = reports.pointed(LATEST)
    if shown is None:
        raise ConfigError(
            f"There is no published run in {reports.uri} yet.", "`sales-pipeline run` makes one."
        )
    return shown.removeprefix("runs/")


def _print(found: Verification) -> None:
    for names, what in (
        (found.left_out, "The run could not read, and nobody can check"),
        (found.not_in_run, "There now, and not in the run's plan"),
        (found.not_counted, "Made by plug-ins, and not counted again"),
    ):
        if names:
            click.echo(plain(f"{what}: {', '.join(names)}."))
    if found.agrees:
        click.echo(
            f"Run {found.run_id} agrees: {counted(found.events, 'event')} in "
            f"{counted(found.archives, 'archive')} counted again, "
            f"{counted(found.cells, 'cell')} compared; {found.seconds:,.1f} s."
        )


def _complain(found: Verification, difference: Difference) -> None:
    place, then, now = difference.place, difference.published, difference.recomputed
    said = f"published {then}, recomputed {now}"
    if then.startswith(_BYTES):  # of an archive
        said = f"the run read {then}; {'now it is ' if now.startswith(_BYTES) else ''}{now}"
    complain(f"Run {found.run_id} differs at {place}: {said.rstrip('.')}.", difference.remedy)
