"""``show``: one run's figures, rejects and timings."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_argument, run_settings
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.ledger import RunLedger
    from pipeline_core.ledger.results import Done
    from pipeline_core.messages import Manifest, Outcome

_SLOWEST = 5


@click.command()
@run_argument()
@place_options
@json_option
def show_command(run_id: str | None, as_json: bool, **options: Any) -> None:
    """Show one run's figures, rejects and timings (the newest run, unless RUN is given).

    A newest run that failed before it was planned has none: then it is the one before.
    """
    from console.display.run_record import (
        print_deliveries,
        print_removed,
        print_state,
        print_troubles,
    )
    from console.display.views import output, print_summary, table
    from console.newest_run import planned_ledger_of
    from pipeline_core.messages import plugin_words

    ledger = planned_ledger_of(run_settings(options), run_id)
    outcome = ledger.outcome()
    if outcome is None or outcome.summary is None:
        _show_without_figures(ledger, outcome, as_json=as_json)
        return
    if as_json:
        print_json(outcome.summary)
        return
    if outcome.state != "published":
        print_state(ledger.run_id, outcome.state, outcome.reason, outcome.remedy)
    console = output()
    print_summary(console, outcome.summary)
    if (manifest := ledger.planned()) is None:
        if ledger.has_lost_plan():
            ledger.manifest()  # complains
        click.echo("Its records were removed (SALES_KEEP_RECORDS); how it ended is kept.")
        return
    if manifest.customers and manifest.products:
        customers, products = manifest.customers.words, manifest.products.words
        click.echo(plain(f"Customers came from {customers}, products from {products}."))
    if manifest.unpriced_words:
        click.echo(plain(manifest.unpriced_words))
    if manifest.price_history is not None:
        click.echo(f"Prices are version {manifest.price_history} of the price history.")
    if manifest.report_plugins:
        click.echo(plain(f"Reports by plug-ins: {plugin_words(manifest.report_plugins)}."))
    done = _done(ledger, manifest)
    rows = [(name, f"{seconds:.2f}", f"{seen:,}") for name, seconds, seen in _slowest(done)]
    console.print(table(["slowest archives", "seconds", "events"], rows, numbers=(1, 2)))
    print_troubles(ledger)
    print_deliveries(ledger)
    print_removed(manifest)


def _done(ledger: RunLedger, manifest: Manifest) -> Sequence[Done]:
    """What is there of results; that some are lost is a note, the run's figures are in its
    outcome."""
    from pipeline_core.errors import LostResult
    from pipeline_core.ledger.results import results
    from pipeline_core.processing.lost_results import check_none_lost

    found = results(ledger, manifest)
    try:
        check_none_lost(ledger, manifest, found)
    except LostResult as error:
        note(str(error))
    return found.done


def _slowest(done: Iterable[Done]) -> list[tuple[str, float, int]]:
    """Archives with the seconds and the events of all their shares, the slowest first."""
    seconds, seen = defaultdict[str, float](float), Counter[str]()
    for each in done:
        seconds[each.archive.name] += each.receipt.seconds
        seen[each.archive.name] += each.receipt.counts.seen
    slowest = sorted(seconds, key=lambda name: -seconds[name])[:_SLOWEST]
    return [(name, seconds[name], seen[name]) for name in slowest]


def _show_without_figures(ledger: RunLedger, outcome: Outcome | None, *, as_json: bool) -> None:
    from console.display.json_output import UnfinishedRun
    from console.display.run_record import print_state, print_troubles, print_under_way
    from pipeline_core.fitness.records import workers_aside
    from pipeline_core.ledger import is_vouched_run, run_ids
    from pipeline_core.ledger.run import START_ANOTHER
    from pipeline_core.running.lock import is_moving

    manifest = ledger.planned()
    is_known = ledger.run_id in run_ids(ledger.state)
    if not (is_known and is_vouched_run(ledger.state, ledger.run_id)):
        ledger.manifest()  # complains
    if outcome is None:
        ledger.check_outcome()
    is_at_work = outcome is None and is_moving(ledger)
    moving = "It is under way." if is_at_work else "It does not move."
    remedy = outcome.remedy if outcome else ""
    if outcome is None and not is_at_work:
        goes_on = f"`sales-pipeline resume {ledger.run_id}` goes on with it."
        remedy = goes_on if manifest is not None else START_ANOTHER
    state = outcome.state if outcome else "unfinished"
    reason = outcome.reason if outcome else moving
    done = len(ledger.receipt_ids())
    if as_json:
        aside = () if outcome else workers_aside(ledger.state, datetime.now(UTC))
        print_json(UnfinishedRun(ledger.run_id, state, " ".join((reason, *aside)), done))
        return
    print_state(ledger.run_id, state, reason, remedy)
    if manifest is None:
        click.echo("It has no plan.")
        return
    click.echo(f"Processed: {done} of {len(manifest.planned_work())} {manifest.work_unit}.")
    # What works for a command on this machine ends with it.
    if is_at_work or (outcome is None and manifest.engine != "local"):
        print_under_way(ledger)
    print_troubles(ledger)
