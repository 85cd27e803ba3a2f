"""``gc``: removes what no later run can use."""

from __future__ import annotations

from typing import Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_settings
from pipeline_core.plural import counted


@click.command()
@place_options
@click.option(
    "--keep-runs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Newest runs that keep everything [default: 30].",
)
@click.option(
    "--keep-records",
    type=click.IntRange(min=1),
    metavar="N",
    help="Newest runs whose records stay [default: 400].",
)
@click.option(
    "--keep-reports",
    type=click.IntRange(min=1),
    metavar="N",
    help="Newest published reports that stay [default: all].",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option
def gc_command(dry_run: bool, as_json: bool, **options: Any) -> None:
    """Remove extracts, partials and rejects that no later run can use, and old records.

    Blocks of archives, in which plans of many stand, and snapshots of customers and products go
    once no run names them. Of a run that is not among the newest 400 (SALES_KEEP_RECORDS,
    --keep-records) stays how it ended, for `runs`. Published reports stay, unless
    SALES_KEEP_REPORTS or --keep-reports says how many: a page says in the place of each older
    one that it is removed, and its summary.json stays. Reports --as-of a date are not among them.
    """
    from console.display.json_output import Collected
    from pipeline_core.ledger import open_state, read_state, unvouched_words
    from pipeline_core.running.gc import collect_garbage
    from pipeline_core.running.retention import remove_old_reports

    settings = run_settings(options)
    note(unvouched_words(settings.state))
    state = read_state(settings.state) if dry_run else open_state(settings.state)
    # First, while the records of these runs say where their reports are.
    old = remove_old_reports(read_state(settings.state), settings.keep_reports, dry_run=dry_run)
    keep_records = max(settings.keep_records, settings.keep_reports or 0)
    removed = collect_garbage(state, settings.keep_runs, keep_records, dry_run=dry_run)
    for each in old.others:
        note(each)
    if removed.run_under_way:
        note(
            f"Run {removed.run_under_way} has not ended: extracts, merged partials and snapshots "
            "of customers and products stay until a `gc` after it."
        )
    if as_json:
        shown = Collected(
            removed.extracts,
            removed.merged,
            removed.results,
            removed.bytes,
            dry_run,
            old.reports,
            old.bytes,
            removed.runs,
            removed.blocks,
            removed.run_under_way,
            removed.snapshots,
        )
        print_json(shown)
        return
    would = "Would remove" if dry_run else "Removed"
    kinds = (
        ("file", removed.extracts, " of extracts"),
        ("merged partial", removed.merged, ""),
        ("file", removed.results, " of partials and rejects"),
        ("block", removed.blocks, " of archives"),
        ("file", removed.snapshots, " of customers and products"),
        ("run", removed.runs, "'s records" if removed.runs == 1 else "' records"),
    )
    found = [counted(number, noun) + rest for noun, number, rest in kinds if number]
    what = ", ".join(found) if found else "nothing"
    click.echo(f"{would} {what}; {counted(removed.bytes, 'byte')}.")
    if settings.keep_reports is not None:
        click.echo(
            f"{would} {counted(old.reports, 'published report')}; {counted(old.bytes, 'byte')}."
        )
