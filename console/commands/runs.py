"""``runs``: the history, newest first."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_settings

if TYPE_CHECKING:
    from console.display.json_output import ListedRun
    from pipeline_core.messages import Outcome, Tally


@click.command()
@place_options
@click.option("-n", "--newest", default=20, show_default=True, help="How many runs to list.")
@json_option
def runs_command(newest: int, as_json: bool, **options: Any) -> None:
    """List the runs, newest first.

    Work is the seconds that processes took for archives, added up: without waiting, planning and
    publishing.
    """
    settings = run_settings(options)
    from console.display.views import output, table
    from pipeline_core.ledger import (
        RunLedger,
        newest_runs,
        open_state,
        planted_words,
        unvouched_words,
    )
    from pipeline_core.transform.money import grouped

    state = open_state(settings.state)
    known = list(islice(newest_runs(state), newest))
    told = [_history(run_id, RunLedger(state, run_id).outcome()) for run_id in known]
    if as_json:
        print_json(told)
        return
    rows = [
        (
            run.run_id,
            f"{run.planned_at:%Y-%m-%d %H:%M}" if run.planned_at else "",
            _state_words(run),
            grouped(run.total_revenue) if run.total_revenue else "",
            *("" if n is None else f"{n:,}" for n in (run.archives, run.events, run.rejected)),
            "" if run.work_seconds is None else f"{run.work_seconds:,.1f}",
            run.reason,
        )
        for run in told
    ]
    headings = [
        "run",
        "planned (UTC)",
        "state",
        "revenue",
        "archives",
        "events",
        "left out",
        "work (s)",
    ]
    headings.append("reason")
    shown = len(headings) if any(run.reason for run in told) else len(headings) - 1
    cells = [row[:shown] for row in rows]
    output().print(table(headings[:shown], cells, numbers=(3, 4, 5, 6, 7), whole=(0,)))
    if newest:
        note(planted_words(state, known))
    note(unvouched_words(settings.state))


def _state_words(run: ListedRun) -> str:
    from console.display.views import as_of_words

    is_incomplete = run.state == "published" and run.status == "incomplete"
    return f"{run.state}{as_of_words(run.as_of)}{', incomplete' if is_incomplete else ''}"


def _history(run_id: str, outcome: Outcome | None) -> ListedRun:
    from console.display.json_output import ListedRun

    summary = outcome.summary if outcome else None
    return ListedRun(
        run_id=run_id,
        state=outcome.state if outcome else "unfinished",
        status=outcome.status if outcome else None,
        total_revenue=summary.totals.total_revenue if summary else None,
        planned_at=summary.created_at if summary else None,
        archives=_archives(summary.archives) if summary else None,
        events=summary.events.seen if summary else None,
        rejected=summary.events.rejected if summary else None,
        seconds=summary.seconds if summary else None,
        work_seconds=summary.work_seconds if summary else None,
        as_of=summary.as_of if summary else None,
        reason=outcome.reason if outcome else None,
    )


def _archives(counted: Tally) -> int:
    """Those that count, read now or before."""
    return counted.read + counted.reused
