"""What a run's record says beside its figures: its state, troubles, deliveries, who is at work."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from console.display.terminal import note
from console.display.views import output, table, time_span
from pipeline_core.delivery.records import deliveries_of
from pipeline_core.errors import PipelineError
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import PLAN, PUBLISH
from pipeline_core.load.removed_reports import removed_report
from pipeline_core.messages import Attempt, Manifest
from pipeline_core.plural import counted
from pipeline_core.running.deliveries import delivery_words
from pipeline_core.running.lost_work import troubles
from pipeline_core.storage import open_storage
from pipeline_core.unprintable import plain
from pipeline_core.watching.watch import Watch


def print_removed(manifest: Manifest) -> None:
    """That the report of a run was removed, if it was, and what makes it again."""
    try:
        removed = removed_report(open_storage(manifest.reports), manifest.run_id)
    except PipelineError as error:  # what is told of the run stands in its state
        note(f"Whether its report still stands is not known: {error.message}")
        return
    if removed is not None:
        again = f"`sales-pipeline rebuild {manifest.run_id}` makes it again."
        _print_sentence_and_remedy(removed.words, again)


def print_state(run_id: str, state: str, reason: str, remedy: str) -> None:
    """How a run ended, or that it has not, and what helps."""
    _print_sentence_and_remedy(f"Run {run_id} is {state}: {reason}", remedy)


def _print_sentence_and_remedy(sentence: str, remedy: str) -> None:
    click.echo(plain(sentence))
    if remedy:
        click.echo(f"  {plain(remedy)}")


def print_deliveries(ledger: RunLedger) -> None:
    """Where a run was delivered to, and what came of it."""
    for each in deliveries_of(ledger):
        _print_sentence_and_remedy(delivery_words(each), each.remedy)


def print_troubles(ledger: RunLedger) -> None:
    """What was sent again and what came to nothing, with the causes; no attempt that did its work,
    or may do it."""
    found = [
        (f"sent again: {counted(len(sent.work), 'archive')}", sent.sent_by, sent.why)
        for sent in ledger.dispatches()
        if sent.why
    ]
    now, done, counts = datetime.now(UTC), _work_done(ledger), ledger.attempt_counts()
    for work_id, name in _names_of_work(ledger.manifest()).items():
        if work_id not in counts:  # what is done without a record has no trouble
            continue
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
    names = {PLAN: "planning", PUBLISH: "publication"} | {
        archive.id: archive.name for archive in manifest.archives
    }
    for work in manifest.planned_work():
        if work.share is not None:
            names[work.id] = f"{names[work.archive]}, share {work.share + 1}"
    return names


def _work_done(ledger: RunLedger) -> set[str]:
    """Ids of what is done; receipts of an old run may be tidied up."""
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


def print_under_way(ledger: RunLedger) -> None:
    """Archives at work now, each with who has it; or why nobody does anything."""
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
