"""``show``: one run's figures, rejects and timings."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from console.display.terminal import note, print_json
from console.options import json_option, place_options, run_argument, run_settings
from pipeline_core.plural import counted
from pipeline_core.unprintable import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline_core.ledger import RunLedger
    from pipeline_core.ledger.results import Done
    from pipeline_core.messages import Attempt, Manifest, Outcome

_SLOWEST = 5


@click.command()
@run_argument()
@place_options
@json_option
def show_command(run_id: str | None, as_json: bool, **options: Any) -> None:
    """Show one run's figures, rejects and timings (the newest run, unless RUN is given).

    A newest run that failed before it was planned has none: then it is the one before.
    """
    from console.display.views import output, print_summary, table
    from console.newest_run import planned_ledger_of
    from pipeline_core.ledger.results import results
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
        _print_state(ledger.run_id, outcome.state, outcome.reason, outcome.remedy)
    console = output()
    print_summary(console, outcome.summary)
    manifest = ledger.manifest()
    if manifest.customers and manifest.products:
        customers, products = manifest.customers.words, manifest.products.words
        click.echo(plain(f"Customers came from {customers}, products from {products}."))
    if manifest.unpriced_words:
        click.echo(plain(manifest.unpriced_words))
    if manifest.price_history is not None:
        click.echo(f"Prices are version {manifest.price_history} of the price history.")
    if manifest.report_plugins:
        click.echo(plain(f"Reports by plug-ins: {plugin_words(manifest.report_plugins)}."))
    done = results(ledger, manifest).done
    rows = [(name, f"{seconds:.2f}", f"{seen:,}") for name, seconds, seen in _slowest(done)]
    console.print(table(["slowest archives", "seconds", "events"], rows, numbers=(1, 2)))
    _print_troubles(ledger)
    _print_deliveries(ledger)
    _print_removed(manifest)


def _print_removed(manifest: Manifest) -> None:
    from pipeline_core.errors import PipelineError
    from pipeline_core.load.removed_reports import removed_report
    from pipeline_core.storage import open_storage

    try:
        removed = removed_report(open_storage(manifest.reports), manifest.run_id)
    except PipelineError as error:  # what is told of the run stands in its state
        note(f"Whether its report still stands is not known: {error.message}")
        return
    if removed is not None:
        again = f"`sales-pipeline rebuild {manifest.run_id}` makes it again."
        _print_sentence_and_remedy(removed.words, again)


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
    from pipeline_core.ledger import is_vouched_run, run_ids
    from pipeline_core.running.lock import is_moving

    manifest = ledger.planned()
    is_known = ledger.run_id in run_ids(ledger.state)
    if not (is_known and is_vouched_run(ledger.state, ledger.run_id)):
        ledger.manifest()  # complains
    if outcome is None:
        ledger.check_outcome()
    moving = "It is under way." if is_moving(ledger) else "It does not move."
    state = outcome.state if outcome else "unfinished"
    reason = outcome.reason if outcome else moving
    done = len(ledger.receipt_ids())
    if as_json:
        print_json(UnfinishedRun(ledger.run_id, state, reason, done))
        return
    _print_state(ledger.run_id, state, reason, outcome.remedy if outcome else "")
    if manifest is None:
        click.echo("It has no plan.")
        return
    click.echo(f"Processed: {done} of {len(manifest.planned_work())} {manifest.work_unit}.")
    if outcome is None:
        _print_under_way(ledger)
    _print_troubles(ledger)


def _print_state(run_id: str, state: str, reason: str, remedy: str) -> None:
    _print_sentence_and_remedy(f"Run {run_id} is {state}: {reason}", remedy)


def _print_sentence_and_remedy(sentence: str, remedy: str) -> None:
    click.echo(plain(sentence))
    if remedy:
        click.echo(f"  {plain(remedy)}")


def _print_deliveries(ledger: RunLedger) -> None:
    from pipeline_core.delivery.records import deliveries_of
    from pipeline_core.running.deliveries import delivery_words

    for each in deliveries_of(ledger):
        _print_sentence_and_remedy(delivery_words(each), each.remedy)


def _print_troubles(ledger: RunLedger) -> None:
    """What was sent again and what came to nothing, with the causes; no attempt that did its work,
    or may do it."""
    from console.display.views import output, table
    from pipeline_core.running.lost_work import troubles

    found = [
        (f"sent again: {counted(len(sent.work), 'archive')}", sent.sent_by, sent.why)
        for sent in ledger.dispatches()
        if sent.why
    ]
    now, done = datetime.now(UTC), _work_done(ledger)
    for work_id, name in _names_of_work(ledger.manifest()).items():
        attempts = ledger.attempts(work_id)
        done_by = _done_by(ledger, work_id, attempts) if work_id in done else None
        found += [
            (f"{name}, attempt {each.number}: {how}", each.owner, each.cause)
            for each, how in troubles(attempts, done_by, now)
        ]
    if found:
        output().print(table(["trouble", "by", "cause"], found))


def _names_of_work(manifest: Manifest) -> dict[str, str]:
    """What a person calls each work, by its id."""
    from pipeline_core.ledger.attempts import PLAN, PUBLISH

    names = {PLAN: "planning", PUBLISH: "publication"} | {
        archive.id: archive.name for archive in manifest.archives
    }
    for work in manifest.planned_work():
        if work.share is not None:
            names[work.id] = f"{names[work.archive]}, share {work.share + 1}"
    return names


def _work_done(ledger: RunLedger) -> set[str]:
    """Ids of what is done; receipts of an old run may be tidied up."""
    from pipeline_core.ledger.attempts import PLAN, PUBLISH

    outcome = ledger.outcome()
    done = {*ledger.receipt_ids(), PLAN}
    if outcome is not None and outcome.state != "failed":
        done |= {work.id for work in ledger.manifest().planned_work()} | {PUBLISH}
    return done


def _done_by(ledger: RunLedger, work_id: str, attempts: Sequence[Attempt]) -> int | None:
    """Number of the attempt that did the work: its receipt says so, or else it was the last."""
    if len(attempts) > 1:
        receipt = ledger.receipt_of(work_id)
        if receipt is not None and receipt.attempt:
            return receipt.attempt
    return attempts[-1].number if attempts else None


def _age(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()


def _print_under_way(ledger: RunLedger) -> None:
    """Archives at work now, each with who has it; or why nobody does anything."""
    from console.display.views import output, table, time_span
    from pipeline_core.running.progress import Watch

    seen = Watch(ledger.state, ledger.run_id).look()
    rows = [
        (
            each.name,
            ", ".join(each.workers),
            time_span((seen.looked_at - each.since).total_seconds()),
        )
        for each in seen.archives
        if each.since is not None
    ]
    if rows:
        output().print(table(["under way", "by", "for"], rows))
    for said in seen.workers_aside:
        click.echo(plain(said[:1].upper() + said[1:]))
    if seen.waiting_for:
        click.echo(plain(f"Nobody works on it now: {seen.waiting_for}."))
