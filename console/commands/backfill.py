"""``backfill``: the as-of runs of a range of dates that are not there yet."""

from __future__ import annotations

import sys
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from console.display.standard_files import printed_if_possible
from console.display.terminal import print_json
from console.interrupt import terminable
from console.options import (
    check_range,
    date_option,
    json_option,
    quiet_option,
    run_options,
    run_settings,
)
from pipeline_core.plural import counted

if TYPE_CHECKING:
    from console.display.json_output import Backfilled
    from pipeline_core.messages import Outcome
    from pipeline_core.planning.backfill import Backfill, Every

_SHOWN = "`sales-pipeline runs` has the runs that were made."


@click.command()
@date_option("--from", "first", "First date.", required=True)
@date_option("--to", "last", "Last date.", required=True)
@click.option(
    "--every",
    type=click.Choice(["day", "week", "month"]),
    default="day",
    show_default=True,
    help="A run as of each day, of each Sunday, or of each month's last day.",
)
@run_options
@json_option
@quiet_option
def backfill_command(
    first: date, last: date, every: Every, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Make the runs `--as-of` each date of a range that are not there yet, newest date first.

    Safe to repeat, and to stop: runs that are published stay, and one that stopped is gone on
    with. Dates before the first day, or after the last, have no run.
    """
    check_range(first, last)
    settings = run_settings(options)
    from console.drive import begin, finish, go_on, hush, new_run
    from pipeline_core.planning.backfill import plan_backfill

    quiet = quiet or as_json
    work = plan_backfill(settings.places(), settings.options(), first, last, every)
    hush(settings, quiet=quiet)
    if work.published.keys() < set(work.dates):
        begin(settings)
    told: list[Backfilled] = []
    codes = {0}
    with terminable():
        for as_of in work.dates:
            outcome = work.published.get(as_of)
            if is_made := outcome is None:
                stopped = work.stopped.get(as_of)
                outcome = (
                    new_run(settings, as_of, quiet=quiet)
                    if stopped is None
                    else go_on(settings, stopped, quiet=quiet)
                )
            codes.add(finish(settings, outcome, as_json=False, quiet=True))
            told.append(_told(as_of, outcome, is_made=is_made))
            if not quiet:
                with printed_if_possible(_SHOWN):
                    _print(told[-1])
    with printed_if_possible(_SHOWN):
        if as_json:
            print_json(told)
        elif not quiet:
            _print_end(work, told, first, last)
    sys.exit(next(code for code in (1, 3, 0) if code in codes))


def _told(as_of: date, outcome: Outcome, *, is_made: bool) -> Backfilled:
    from console.display.json_output import Backfilled

    return Backfilled(
        as_of=as_of,
        run_id=outcome.run_id,
        is_made=is_made,
        state=outcome.state,
        status=outcome.status,
        total_revenue=outcome.summary.totals.total_revenue if outcome.summary else None,
    )


def _print(each: Backfilled) -> None:
    from pipeline_core.transform.money import grouped

    how = "" if each.is_made else ", was there"
    incomplete = ", incomplete" if each.state == "published" and each.status != "complete" else ""
    revenue = "" if each.total_revenue is None else f": revenue {grouped(each.total_revenue)}"
    click.echo(f"{each.as_of}  run {each.run_id} is {each.state}{incomplete}{how}{revenue}")


def _print_end(work: Backfill, told: list[Backfilled], first: date, last: date) -> None:
    made = sum(each.is_made for each in told)
    click.echo(f"{counted(made, 'run')} made; {len(told) - made:,} were there.")
    if first < work.first or work.last < last:
        click.echo(
            f"There are days from {work.first} to {work.last}; no runs of other dates are made."
        )
