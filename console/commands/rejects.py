"""``rejects``: what a run left out, event by event."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, reason_option, run_argument, run_settings

if TYPE_CHECKING:
    from pipeline_core.ledger import RunLedger
    from pipeline_core.ledger.results import Done
    from pipeline_core.load.rejects import Reject


@click.command()
@run_argument()
@place_options
@reason_option
@click.option(
    "-n",
    "--most",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many events to show.",
)
@json_option
def rejects_command(
    run_id: str | None, reason: str | None, most: int, as_json: bool, **options: Any
) -> None:
    """Show what a run left out, event by event (the newest run, unless RUN is given).

    A newest run that failed before it was planned has left out nothing: then it is the one before.
    """
    from console.display.json_output import ListedReject
    from console.display.views import output, table
    from console.newest_run import planned_ledger_of
    from pipeline_core.containers.cut import is_cut
    from pipeline_core.load.rejects import Reject

    ledger = planned_ledger_of(run_settings(options), run_id)
    done, unread = _results(ledger)
    found = list(itertools.islice(_rejects(ledger, done, reason), most + 1))
    wanted = found[:most]
    if as_json:
        print_json(
            [
                ListedReject(
                    *each[:4],
                    each.position.event,
                    each.event,
                    is_cut=is_cut(each.event),
                    item=each.position.item,
                )
                for each in wanted
            ]
        )
        return
    if not found:
        what = "Nothing was left out" if not unread else "Nothing of what was read was left out"
        click.echo(f"{what}{f' for the reason {reason}' if reason else ''}.")
        return
    output().print(table(Reject._fields, wanted, numbers=(4,)))
    if len(found) > most:
        click.echo("There are more: -n says how many to show.", err=True)
    if number := sum(is_cut(each.event) for each in wanted):
        click.echo(
            f"{number:,} of these events {'was' if number == 1 else 'were'} cut "
            "(SALES_REJECT_EVENT_BYTES); the position, from 0, finds the whole one in its part.",
            err=True,
        )


def _rejects(ledger: RunLedger, results: Sequence[Done], reason: str | None) -> Iterator[Reject]:
    from pipeline_core.load.rejects import parse_rejects

    for done in results:
        stored = done.receipt.rejects
        rows = parse_rejects(io.BytesIO(ledger.load(stored))) if stored else ()
        yield from (row for row in rows if reason in (None, row.reason))


def _results(ledger: RunLedger) -> tuple[Sequence[Done], int]:
    """As the run published them, or would have, and the number of archives that it did not read."""
    from pipeline_core.ledger.results import results
    from pipeline_core.processing.lost_results import check_none_lost
    from pipeline_core.processing.sent_twice import distinct_results

    manifest, verdict = ledger.manifest(), ledger.verdict() or ledger.outcome()
    found = results(ledger, manifest)
    check_none_lost(ledger, manifest, found)
    done, unread = found.done, len({work.archive for work in found.outstanding})
    if unread:
        which = "1 archive was" if unread == 1 else f"{unread:,} archives were"
        note(f"{which} not read by the run: what would be left out of that is not known.")
    is_judged = verdict is not None and verdict.state != "failed"
    if manifest.options.feed.event_id and not is_judged and ledger.distinct() is None:
        note("Which events were sent twice is not known yet: the run did not come so far.")
        return done, unread
    return distinct_results(ledger, manifest, done), unread
