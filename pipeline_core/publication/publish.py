"""publish: the receipts of a run to its published reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import msgspec

from pipeline_core.diff.since_last import note_changes
from pipeline_core.errors import PipelineError, PublishRefused, ResultsMissing, reason_of
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger, open_state, published_ids
from pipeline_core.ledger.attempts import PUBLISH, anybody_alive
from pipeline_core.ledger.result_files import HeldResults
from pipeline_core.ledger.results import Done, results
from pipeline_core.ledger.run import CHANGES, OUTCOME, START_ANOTHER, VERDICT
from pipeline_core.ledger.run_receipts import RECEIPTS
from pipeline_core.logs import get_logger
from pipeline_core.merging.gone_results import discarding_all_gone
from pipeline_core.merging.merge import merge_results, merged_as_read
from pipeline_core.messages import (
    Allowance,
    Manifest,
    Outcome,
    Summary,
    Verdict,
    Work,
)
from pipeline_core.places.owner import own_reports
from pipeline_core.places.standing_report import report_size
from pipeline_core.plural import counted
from pipeline_core.publication.finished_attempts import remove_finished
from pipeline_core.publication.latest import check_stands, show, show_after
from pipeline_core.publication.report_files import write_reports
from pipeline_core.publication.summary import summarise
from pipeline_core.publication.verdict import judge
from pipeline_core.publication.without_sent_twice import distinct
from pipeline_core.reuse.memory import learn_days, remember_results
from pipeline_core.storage import Storage, open_storage

log = get_logger()


@dataclass(frozen=True)
class Looked:
    """A run as whoever is to publish it has found it: its plan, the names of its records, and its
    outcome, if there is one; and whether it ``is_new``: nobody began to publish it before."""

    ledger: RunLedger
    manifest: Manifest
    records: frozenset[str]
    outcome: Outcome | None
    is_new: bool = False


def look(ledger: RunLedger, manifest: Manifest | None = None) -> Looked:
    """Looks at a run that is to be published. What is not there is asked for no further.

    Raises:
        ConfigError: there is no such run, or it was never planned.
        RetryableError: the state storage does not answer.
    """
    ledger = RunLedger(ledger.state, ledger.run_id, HeldResults())
    manifest, records = manifest or ledger.manifest(), ledger.records()
    return Looked(ledger, manifest, records, ledger.outcome() if OUTCOME in records else None)


def publish(
    state_uri: str,
    run_id: str,
    *,
    allow_incomplete: bool = False,
    allow_drift: bool = False,
    looked: Looked | None = None,
) -> Outcome:
    """Publishes a run whose archives all have their receipts, or records why it may not be.

    The verdict is decided once, and everything written follows from the verdict, the manifest
    and the receipts: any number of publishers, at any time, write the same bytes. A run that
    was decided otherwise keeps its outcome; a refusal is overruled if all is allowed for which it
    was refused. ``looked`` is what the caller found just before, if it has looked.

    Raises:
        PublishRefused: the run was given up while this publisher prepared the reports.
        ConfigError: the reports are another state's, or files that were published are gone or cut.
        ResultsMissing: an archive has no sound result yet.
        EventsGone: events that were sent twice have to be counted again, and are gone.
        ContractError: the dimension snapshot is damaged.
        RetryableError: a storage does not answer, or has no room.
    """
    looked = looked or look(RunLedger(open_state(state_uri), run_id))
    ledger, manifest, outcome = looked.ledger, looked.manifest, looked.outcome
    state, verdict = ledger.state, ledger.verdict() if VERDICT in looked.records else None
    if outcome is not None and outcome.state == "published":
        check_stands(state, manifest, outcome)
        show(state, manifest)
        return outcome
    if verdict is not None and verdict.state == "failed":
        return outcome or _end(ledger, Outcome.failure(run_id, verdict))
    is_refused = verdict is not None and verdict.state == "refused"
    if outcome is not None and is_refused and not (allow_incomplete or allow_drift):
        return outcome  # to write it again might end a run that is just being opened again
    found = _all_results(ledger, manifest)
    with discarding_all_gone(ledger, found):
        allowed: dict[Allowance, bool] = {"incomplete": allow_incomplete, "drift": allow_drift}
        return _publish(looked, found, verdict, allowed)


def _publish(
    looked: Looked,
    found: Sequence[Done],
    verdict: Verdict | None,
    allowed: Mapping[Allowance, bool],
) -> Outcome:
    ledger, manifest = looked.ledger, looked.manifest
    state, run_id = ledger.state, ledger.run_id
    if verdict is None and manifest.options.as_of is None:
        remember_results(state, manifest, found)
    elif verdict is None:
        learn_days(state, manifest, found)
    found, unlike_first = distinct(ledger, manifest, found)
    partials = merge_results(ledger, manifest, found)
    scale = _scale_of(state, manifest)
    summary = summarise(manifest, found, partials, scale, unlike_first)
    verdict = _decide(ledger, manifest, summary, found, allowed, verdict)
    if verdict.state == "failed":
        return _end(ledger, Outcome.failure(run_id, verdict))
    summary = _ended(summary, verdict)
    since: Summary | None = None
    size: tuple[int, int] | None = None
    if verdict.state == "published":
        kept = ledger.changes() if CHANGES in looked.records else None
        past = note_changes(ledger, manifest, summary, found, kept)
        reports = open_storage(manifest.reports)
        before, since = past.newest, past.summary
        are_marked = before is not None and before.reports == manifest.reports
        owner = own_reports(state, reports, are_marked=are_marked)
        with reports.publish_folder(f"runs/{run_id}", is_new=looked.is_new) as folder:
            write_reports(folder, ledger, manifest, found, partials, scale, summary, past)
            size = report_size(folder)
            _check_not_given_up(ledger)
        if owner is not None and before is not None:
            show_after(state, manifest, reports, owner, before.run_id)
        else:
            show(state, manifest, reports)
    outcome = _end(
        ledger,
        Outcome(
            run_id=run_id,
            state=verdict.state,
            status=summary.status,
            reason=verdict.reason,
            remedy=verdict.remedy,
            summary=summary,
            report=size,
        ),
        since,
    )
    if outcome.state == "published":
        del partials  # which are as large as what is listed now
        remove_finished(ledger, found)
    return outcome


def _scale_of(state: Storage, manifest: Manifest) -> int:
    """Decimals of prices. A snapshot in a folder, which a power cut may have torn, is looked at:
    whoever reads the report may ask what it is made of."""
    if manifest.price_scale is None or not state.is_far:
        return load_snapshot(state, manifest.dimensions_digest).scale
    return manifest.price_scale


def fail(state_uri: str, run_id: str, error: BaseException) -> Outcome | None:
    """Records that a run ended in an error. One that has ended keeps its outcome, and so does
    one that somebody publishes right now: None then."""
    ledger = RunLedger(open_state(state_uri), run_id)
    failed = Verdict(
        state="failed",
        finished_at=datetime.now(UTC),
        reason=reason_of(error),
        remedy=error.remedy if isinstance(error, PipelineError) else _after_a_bug(ledger),
    )
    verdict = ledger.create_verdict(failed)
    outcome = ledger.outcome()
    if outcome is not None:
        return outcome
    if verdict.state != "failed":
        if run_id in published_ids(ledger.state):
            return publish(state_uri, run_id)  # it is visible; only the outcome is missing
        if anybody_alive(ledger.attempts(PUBLISH), datetime.now(UTC)):
            return None
        ledger.replace_verdict(verdict := failed)
    return _end(ledger, Outcome.failure(run_id, verdict))


def _after_a_bug(ledger: RunLedger) -> str:
    if ledger.planned() is None:
        return f"The log says where it happened. {START_ANOTHER}"
    return f"The log says where it happened; then `sales-pipeline resume {ledger.run_id}`."


def _end(ledger: RunLedger, outcome: Outcome, before: Summary | None = None) -> Outcome:
    ledger.write_outcome(outcome, before)
    log_ended = log.info if outcome.state == "published" else log.error
    log_ended(
        "run_ended",
        run_id=ledger.run_id,
        state=outcome.state,
        status=None if outcome.state == "failed" else outcome.status,  # it was not judged
        reason=outcome.reason,
    )
    return outcome


def check_receipts(looked: Looked) -> None:
    """Raises ResultsMissing if planned work of an undecided run has no receipt: for whoever was
    told to publish, before there is any record of it. No receipt is read."""
    ledger, manifest = looked.ledger, looked.manifest
    done = ledger.receipt_ids() if RECEIPTS in looked.records else ledger.reused_ids()
    missing = tuple(work for work in manifest.planned_work() if work.id not in done)
    if missing and ledger.verdict() is None:
        raise _missing(ledger, manifest, missing)


def _missing(ledger: RunLedger, manifest: Manifest, work: tuple[Work, ...]) -> ResultsMissing:
    first = manifest.archive(work[0].archive).name
    return ResultsMissing(
        f"Run {ledger.run_id} has no result of {counted(len(work), 'archive')} yet, "
        f"such as {first}.",
        f"`sales-pipeline resume {ledger.run_id}` processes what is missing.",
    )


def _all_results(ledger: RunLedger, manifest: Manifest) -> Sequence[Done]:
    """In the order of the archives' names."""
    found = results(ledger, manifest, partial(merged_as_read, ledger, manifest))
    if found.outstanding:
        raise _missing(ledger, manifest, found.outstanding)
    return found.done


def _check_not_given_up(ledger: RunLedger) -> None:
    verdict = ledger.verdict()
    if verdict is None or verdict.state != "published":
        raise PublishRefused(
            f"Run {ledger.run_id} was given up while its reports were prepared.",
            f"`sales-pipeline resume {ledger.run_id}` goes on with it.",
        )


def _decide(
    ledger: RunLedger,
    manifest: Manifest,
    summary: Summary,
    done: Sequence[Done],
    allowed: Mapping[Allowance, bool],
    verdict: Verdict | None,
) -> Verdict:
    if verdict is not None:  # somebody may have decided otherwise by now
        verdict = ledger.verdict()
    if verdict is None:
        verdict = ledger.create_verdict(judge(ledger, manifest, summary, done))
    # The only reason that earlier versions knew, and did not write down.
    needs: tuple[Allowance, ...] = verdict.needs or ("incomplete",)
    if verdict.state == "refused" and all(allowed[need] for need in needs):
        verdict = msgspec.structs.replace(
            verdict, state="published", reason="", remedy="", needs=()
        )
        ledger.replace_verdict(verdict)
    return verdict


def _ended(summary: Summary, verdict: Verdict) -> Summary:
    seconds = round((verdict.finished_at - summary.created_at).total_seconds(), 3)
    return msgspec.structs.replace(
        summary,
        finished_at=verdict.finished_at,
        seconds=seconds,
        status="incomplete" if verdict.empty else summary.status,
        allowed_drift=verdict.drift if verdict.state == "published" else "",
        allowed_empty=verdict.empty if verdict.state == "published" else "",
    )
