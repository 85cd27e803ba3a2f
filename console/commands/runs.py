"""Commands that only read: ``runs``, ``show`` and ``rejects``; and ``gc``."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator, Sequence

import click
import msgspec

from console.display.shapes import Collected, ListedReject, ListedRun, UnfinishedRun
from console.display.terminal import plain
from console.display.views import as_of_words, output, print_summary, table
from pipeline_core.errors import ConfigError
from pipeline_core.extract.cut import is_cut
from pipeline_core.ledger import RunLedger, open_state, run_ids, unvouched_words
from pipeline_core.ledger.attempts import PLAN, PUBLISH
from pipeline_core.ledger.results import results
from pipeline_core.load.rejects import Reject, parse_rejects
from pipeline_core.messages import Outcome, to_json
from pipeline_core.running.gc import collect_garbage
from pipeline_core.running.turn import is_moving
from pipeline_core.settings import Settings
from pipeline_core.storage import Storage
from pipeline_core.transform.money import grouped


def collect(settings: Settings, *, dry_run: bool, as_json: bool) -> None:
    """Removes what no later run can use."""
    removed = collect_garbage(open_state(settings.state), settings.keep_runs, dry_run=dry_run)
    if as_json:
        shown = Collected(removed.extracts, removed.merged, removed.results, removed.bytes, dry_run)
        sys.stdout.buffer.write(to_json(shown))
        return
    would = "Would remove" if dry_run else "Removed"
    click.echo(
        f"{would} {removed.extracts:,} extracts, {removed.merged:,} merged partials, and "
        f"{removed.results:,} partials and rejects; {removed.bytes:,} bytes."
    )


def list_runs(settings: Settings, *, newest: int, as_json: bool) -> None:
    """The history, newest first."""
    state = open_state(settings.state)
    known = run_ids(state)[-newest:] if newest else []
    told = [_history(run_id, RunLedger(state, run_id).outcome()) for run_id in reversed(known)]
    if as_json:
        _print_json(told)
        return
    rows = [
        (
            run.run_id,
            _state_words(run),
            grouped(run.total_revenue) if run.total_revenue else "",
            "" if run.events is None else f"{run.events:,}",
            run.seconds,
            run.reason,
        )
        for run in told
    ]
    headings = ["run", "state", "revenue", "events", "seconds", "reason"]
    shown = len(headings) if any(run.reason for run in told) else len(headings) - 1
    cells = [row[:shown] for row in rows]
    output().print(table(headings[:shown], cells, numbers=(2, 3, 4), whole=(0,)))
    if others := unvouched_words(settings.state):
        click.echo(others.lstrip(), err=True)


def _state_words(run: ListedRun) -> str:
    is_incomplete = run.state == "published" and run.status == "incomplete"
    return f"{run.state}{as_of_words(run.as_of)}{', incomplete' if is_incomplete else ''}"


def _history(run_id: str, outcome: Outcome | None) -> ListedRun:
    summary = outcome.summary if outcome else None
    return ListedRun(
        run_id=run_id,
        state=outcome.state if outcome else "unfinished",
        status=outcome.status if outcome else None,
        total_revenue=summary.totals.total_revenue if summary else None,
        events=summary.events.seen if summary else None,
        rejected=summary.events.rejected if summary else None,
        seconds=summary.seconds if summary else None,
        as_of=summary.as_of if summary else None,
        reason=outcome.reason if outcome else None,
    )


def show_run(settings: Settings, run_id: str | None, *, as_json: bool) -> None:
    """One run's summary and its slowest archives."""
    ledger = _ledger(settings, run_id)
    outcome = ledger.outcome()
    if outcome is None or outcome.summary is None:
        _show_without_figures(ledger, outcome, as_json=as_json)
        return
    if as_json:
        sys.stdout.buffer.write(to_json(outcome.summary))
        return
    if outcome.state != "published":
        _print_state(ledger.run_id, outcome.state, outcome.reason, outcome.remedy)
    console = output()
    print_summary(console, outcome.summary)
    done = results(ledger, ledger.manifest()).done
    slowest = sorted(done, key=lambda each: -each.receipt.seconds)[:5]
    rows = [
        (each.archive.name, f"{each.receipt.seconds:.2f}", f"{each.receipt.counts.seen:,}")
        for each in slowest
    ]
    console.print(table(["slowest archives", "seconds", "events"], rows, numbers=(1, 2)))
    _print_troubles(ledger)


def _show_without_figures(ledger: RunLedger, outcome: Outcome | None, *, as_json: bool) -> None:
    manifest = ledger.planned()
    if manifest is None and outcome is None and ledger.run_id not in run_ids(ledger.state):
        ledger.manifest()  # complains
    moving = "It is under way." if is_moving(ledger) else "It does not move."
    state = outcome.state if outcome else "unfinished"
    reason = outcome.reason if outcome else moving
    done = len(ledger.receipt_ids())
    if as_json:
        shown = UnfinishedRun(ledger.run_id, state, reason, done)
        sys.stdout.buffer.write(to_json(shown))
        return
    _print_state(ledger.run_id, state, reason, outcome.remedy if outcome else "")
    if manifest is None:
        click.echo("It has no plan.")
        return
    click.echo(f"{done} of {len(manifest.planned_work())} {manifest.work_unit} are processed.")
    _print_troubles(ledger)


def _print_state(run_id: str, state: str, reason: str, remedy: str) -> None:
    click.echo(plain(f"Run {run_id} is {state}: {reason}"))
    if remedy:
        click.echo(f"  {plain(remedy)}")


def _print_troubles(ledger: RunLedger) -> None:
    """What was sent again and what was tried more than once, with the causes."""
    manifest = ledger.manifest()
    again = [
        (f"sent again: {len(sent.work)} archives", sent.sent_by, sent.why)
        for sent in ledger.dispatches()
        if sent.why
    ]
    names = {PLAN: "planning", PUBLISH: "publication"} | {
        archive.id: archive.name for archive in manifest.archives
    }
    for work in manifest.planned_work():
        if work.share is not None:
            names[work.id] = f"{names[work.archive]}, share {work.share + 1}"
    for work_id, name in names.items():
        attempts = ledger.attempts(work_id)
        again += [
            (f"{name}, attempt {each.number}: {each.state}", each.owner, each.cause)
            for each in attempts
            if len(attempts) > 1 or each.cause
        ]
    if again:
        output().print(table(["trouble", "by", "cause"], again))


def show_rejects(
    settings: Settings, run_id: str | None, *, reason: str | None, most: int, as_json: bool
) -> None:
    """Rejected events with their places."""
    ledger = _ledger(settings, run_id)
    wanted = list(itertools.islice(_rejects(ledger, reason), most))
    if as_json:
        _print_json([ListedReject(*each, is_cut=is_cut(each.event)) for each in wanted])
        return
    output().print(table(Reject._fields, wanted, numbers=(4,)))
    if number := sum(is_cut(each.event) for each in wanted):
        click.echo(
            f"{number:,} of these events {'was' if number == 1 else 'were'} cut "
            "(SALES_REJECT_EVENT_BYTES); the position, from 0, finds the whole one in its part.",
            err=True,
        )


def _rejects(ledger: RunLedger, reason: str | None) -> Iterator[Reject]:
    for done in results(ledger, ledger.manifest()).done:
        stored = done.receipt.rejects
        rows = parse_rejects(io.BytesIO(ledger.load(stored))) if stored else ()
        yield from (row for row in rows if reason in (None, row.reason))


def _ledger(settings: Settings, run_id: str | None) -> RunLedger:
    state: Storage = open_state(settings.state)
    if run_id is None:
        known = run_ids(state)
        if not known:
            raise ConfigError(
                f"There is no run in {state.uri} yet.{unvouched_words(settings.state)}",
                "`sales-pipeline run` makes one.",
            )
        run_id = known[-1]
    return RunLedger(state, run_id)


def _print_json(value: Sequence[msgspec.Struct]) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
