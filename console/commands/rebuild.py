"""``rebuild``: a past run's reports computed once more, and what was not as it should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from console.display.standard_files import printed_if_possible
from console.display.terminal import print_json
from console.interrupt import terminable
from console.options import json_option, place_options, quiet_option, run_argument, run_settings
from console.run_places import check_reports_place
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from pipeline_core.publication.rebuild import Rebuilt

_NAMES_SHOWN = 6


@click.command()
@run_argument(metavar="RUN")
@place_options
@click.option(
    "--dry-run", is_flag=True, help="Only compare, and change no report; exit 1 if wrong."
)
@json_option
@quiet_option
def rebuild_command(run_id: str, dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Compute a past run's reports again, and publish anew what is missing or damaged.

    Its own archives, customers, products and options count: events come from what runs keep, or
    from archives that still have them. Nothing is written unless the run comes out as it did.
    """
    settings = run_settings(options)
    from console.display.bar import Bar
    from console.drive import hush
    from pipeline_core.ledger import RunLedger, read_state
    from pipeline_core.load.removed_reports import removed_report
    from pipeline_core.publication.rebuild import rebuild
    from pipeline_core.storage import open_storage

    quiet = quiet or as_json
    hush(settings, quiet=quiet)
    ledger = RunLedger(read_state(settings.state), run_id)
    check_reports_place(settings, ledger)
    manifest = ledger.manifest()
    archives = manifest.archives
    was_removed = removed_report(open_storage(manifest.reports), run_id) is not None
    with terminable(), Bar(len(archives), quiet=quiet) as bar:
        found = rebuild(settings.state, run_id, dry_run=dry_run, archive_done=bar.advance)
    with printed_if_possible(f"Run {run_id} is {found.state.replace('_', ' ')}."):
        if as_json:
            print_json(found)
        elif not quiet:
            _print(found, was_removed=was_removed)
    sys.exit(1 if found.state in ("damaged", "gone") else 0)


def _print(found: Rebuilt, *, was_removed: bool) -> None:
    said = {
        "as_published": "is as it was published",
        "damaged": "is damaged",
        "mended": "was damaged, and is mended",
        "gone": "has no reports any more",
        "published_again": "had no reports any more, and is published again",
    }[found.state]
    if was_removed and found.state in ("damaged", "mended"):
        is_back = found.state == "mended"
        said = "was removed on purpose, and is " + ("back" if is_back else "not published any more")
    archives = counted(found.archives, "archive")
    click.echo(f"Run {found.run_id} {said}: {archives} counted again.")
    if found.files and not was_removed and found.state in ("damaged", "mended"):
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
