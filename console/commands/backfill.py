"""``backfill``: makes the as-of runs of a range of dates that are not there yet."""

from __future__ import annotations

import sys
from datetime import date

import click
import msgspec

from console.commands.run import begin, finish, go_on, hush, new_run
from console.display.shapes import Backfilled
from console.interrupt import terminable
from pipeline_core.messages import Outcome
from pipeline_core.planning.backfill import Backfill, Every, plan_backfill
from pipeline_core.settings import Settings
from pipeline_core.transform.money import grouped


def backfill_command(
    settings: Settings, first: date, last: date, every: Every, *, as_json: bool, quiet: bool
) -> int:
    """0 if all are published and complete, 1 if one is not published, 3 if one is incomplete."""
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
                _print(told[-1])
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(told), indent=2)
        sys.stdout.buffer.write(text + b"\n")
    elif not quiet:
        _print_end(work, told, first, last)
    return next(code for code in (1, 3, 0) if code in codes)


def _told(as_of: date, outcome: Outcome, *, is_made: bool) -> Backfilled:
    return Backfilled(
        as_of=as_of,
        run_id=outcome.run_id,
        is_made=is_made,
        state=outcome.state,
        status=outcome.status,
        total_revenue=outcome.summary.totals.total_revenue if outcome.summary else None,
    )


def _print(each: Backfilled) -> None:
    how = "" if each.is_made else ", was there"
    incomplete = ", incomplete" if each.state == "published" and each.status != "complete" else ""
    revenue = "" if each.total_revenue is None else f": revenue {grouped(each.total_revenue)}"
    click.echo(f"{each.as_of}  run {each.run_id} is {each.state}{incomplete}{how}{revenue}")


def _print_end(work: Backfill, told: list[Backfilled], first: date, last: date) -> None:
    made = sum(each.is_made for each in told)
    click.echo(f"{made:,} runs made; {len(told) - made:,} were there.")
    if first < work.first or work.last < last:
        click.echo(
            f"There are days from {work.first} to {work.last}; no runs of other dates are made."
        )
