"""publish: the receipts of a run to its published reports."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pyarrow as pa

from pipeline_core.configuration.places import LATEST
from pipeline_core.errors import (
    PipelineError,
    PublishRefused,
    ResultsMissing,
    message_of,
)
from pipeline_core.ledger import (
    RunLedger,
    load_snapshot,
    mark_published,
    nothing_yet,
    open_state,
    published_ids,
)
from pipeline_core.ledger.attempts import PUBLISH, anybody_alive
from pipeline_core.ledger.results import Done, results
from pipeline_core.ledger.run import START_ANOTHER
from pipeline_core.load.rejects import HEADER, Room, parse_rejects
from pipeline_core.load.tables import csv_line, to_parquet, write_by_category, write_csv
from pipeline_core.logs import get_logger
from pipeline_core.messages import (
    Allowance,
    Manifest,
    Options,
    Outcome,
    Summary,
    Verdict,
    Work,
    to_json,
)
from pipeline_core.planning.reuse import learn_days, remember_results
from pipeline_core.plural import counted
from pipeline_core.publication.file_names import BY_CATEGORY, PARQUET, REJECTS, SUMMARY
from pipeline_core.publication.merge import merge_results, opened_result
from pipeline_core.publication.summary import summarise
from pipeline_core.publication.verdict import judge
from pipeline_core.questions.diff.latest import note_changes
from pipeline_core.storage import Storage, open_storage
from pipeline_core.transform.reports import REPORTS
from pipeline_core.transform.reports.category_sales import REPORT as CATEGORY_SALES

log = get_logger()


def publish(
    state_uri: str, run_id: str, *, allow_incomplete: bool = False, allow_drift: bool = False
) -> Outcome:
    """Publishes a run whose archives all have their receipts, or records why it may not be.

    The verdict is decided once, and everything written follows from the verdict, the manifest
    and the receipts: any number of publishers, at any time, write the same bytes. A run that
    was decided otherwise keeps its outcome; a refusal is overruled if all is allowed for which it
    was refused.

    Raises:
        PublishRefused: the run was given up while this publisher prepared the reports.
        ResultsMissing: an archive has no sound result yet.
        ContractError: the dimension snapshot is damaged.
        RetryableError: a storage does not answer, or has no room.
    """
    state = open_state(state_uri)
    ledger = RunLedger(state, run_id)
    manifest = ledger.manifest()
    verdict = ledger.verdict()
    outcome = ledger.outcome()
    if outcome is not None and outcome.state == "published":
        _show(state, manifest)
        return outcome
    if verdict is not None and verdict.state == "failed":
        return outcome or _end(ledger, Outcome.failure(run_id, verdict))
    found = _all_results(ledger, manifest)
    if verdict is None and manifest.options.as_of is None:
        remember_results(state, manifest, found)
    elif verdict is None:
        learn_days(state, manifest, found)
    partials = merge_results(ledger, manifest, found)
    scale = load_snapshot(state, manifest.dimensions_digest).scale
    summary = summarise(manifest, found, partials[CATEGORY_SALES.name], scale)
    allowed: dict[Allowance, bool] = {"incomplete": allow_incomplete, "drift": allow_drift}
    verdict = _decide(ledger, manifest, summary, found, allowed)
    if verdict.state == "failed":
        return _end(ledger, Outcome.failure(run_id, verdict))
    summary = _ended(summary, verdict)
    if verdict.state == "published":
        note_changes(ledger, manifest, summary, found)
        reports = open_storage(manifest.reports)
        with reports.publish_folder(f"runs/{run_id}") as folder:
            write_reports(folder, ledger, manifest, found, partials, scale, summary)
            _check_not_given_up(ledger)
        _show(state, manifest)
    return _end(
        ledger,
        Outcome(
            run_id=run_id,
            state=verdict.state,
            status=summary.status,
            reason=verdict.reason,
            remedy=verdict.remedy,
            summary=summary,
        ),
    )


def fail(state_uri: str, run_id: str, error: BaseException) -> Outcome | None:
    """Records that a run ended in an error. One that has ended keeps its outcome, and so does
    one that somebody publishes right now: None then."""
    ledger = RunLedger(open_state(state_uri), run_id)
    failed = Verdict(
        state="failed",
        finished_at=datetime.now(UTC),
        reason=message_of(error),
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


def newest_published(state: Storage) -> str | None:
    """The run that `latest` shows, or None if there is none."""
    return next(published_ids(state), None)


def _damaged_words(state: Storage) -> str:
    """A sentence, behind a blank, where records say that runs are published, and none counts."""
    if not state.files("published"):
        return ""
    return " What stands there as published is damaged, or not vouched for by the key of the state."


def chosen_run(state: Storage, run_id: str | None) -> str:
    """``run_id``, or the newest published run. Raises ConfigError if there is none."""
    chosen = newest_published(state) if run_id is None else run_id
    if chosen is None:
        none = f"There is no published run in {state.uri} yet.{_damaged_words(state)}"
        raise nothing_yet(state.uri, none)
    return chosen


def last_publication(state: Storage) -> datetime | None:
    """When the newest published run was decided, or None if there is none."""
    newest = newest_published(state)
    verdict = RunLedger(state, newest).verdict() if newest else None
    return verdict.finished_at if verdict else None


def _end(ledger: RunLedger, outcome: Outcome) -> Outcome:
    ledger.write_outcome(outcome)
    log_ended = log.info if outcome.state == "published" else log.error
    log_ended(
        "run_ended",
        run_id=ledger.run_id,
        state=outcome.state,
        status=outcome.status,
        reason=outcome.reason,
    )
    return outcome


def check_receipts(ledger: RunLedger, manifest: Manifest) -> None:
    """Raises ResultsMissing if planned work of an undecided run has no receipt: for whoever was
    told to publish, before there is any record of it. No receipt is read."""
    done = ledger.receipt_ids()
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


def _all_results(ledger: RunLedger, manifest: Manifest) -> tuple[Done, ...]:
    """In the order of the archives' names."""
    found = results(ledger, manifest)
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
    done: tuple[Done, ...],
    allowed: Mapping[Allowance, bool],
) -> Verdict:
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


def write_reports(
    folder: Path,
    ledger: RunLedger,
    manifest: Manifest,
    done: tuple[Done, ...],
    partials: dict[str, pa.Table],
    scale: int,
    summary: Summary,
) -> None:
    """Every file of a published run, ``partials`` being the merged ones by report.

    Raises:
        ResultsMissing: a stored result is damaged.
        RetryableError: a storage does not answer, or has no room.
    """
    safe = manifest.options.spreadsheet_safe
    for report in REPORTS:
        table = report.finish(partials[report.name], scale)
        write_csv(table, folder / f"{report.name}.csv", spreadsheet_safe=safe)
        if report is CATEGORY_SALES:
            (folder / PARQUET).write_bytes(to_parquet(table))
            write_by_category(table, folder / BY_CATEGORY, spreadsheet_safe=safe)
            sales = table
    _write_rejects(folder / REJECTS, ledger, done, manifest.options)
    reports = open_storage(manifest.reports)
    from pipeline_core.page.gather import write_pages  # takes a while: not for who only processes

    write_pages(folder, ledger.state, reports, manifest, summary, sales, partials, scale)
    (folder / SUMMARY).write_bytes(to_json(summary))


def _write_rejects(path: Path, ledger: RunLedger, done: tuple[Done, ...], options: Options) -> None:
    safe, room = options.spreadsheet_safe, Room(options.reject_rows, options.reject_bytes)
    with path.open("wb") as file:
        file.write(csv_line(HEADER).encode())
        for each in done:
            stored, rejected = each.receipt.rejects, each.receipt.counts.rejected
            if stored is not None:
                with opened_result(ledger, each, stored) as log_file:
                    size = log_file.seek(0, io.SEEK_END)
                    log_file.seek(0)
                    if not safe and room.take(size, stored.rows):
                        shutil.copyfileobj(log_file, file)
                    else:
                        for reject in room.fitting(parse_rejects(log_file)):
                            file.write(csv_line(reject, spreadsheet_safe=safe).encode())
            if (stored.rows if stored else 0) < sum(lost.events for lost in rejected.values()):
                room.close()  # that log was cut: what comes after it is not next


def _show(state: Storage, manifest: Manifest) -> None:
    """Lets a published run become `latest`. One of a time past is neither that, nor the last one
    that later runs are compared with."""
    if manifest.options.as_of is None:
        mark_published(state, manifest.run_id)
        make_latest(state, open_storage(manifest.reports), manifest.run_id)


def make_latest(state: Storage, reports: Storage, run_id: str) -> None:
    """Points ``latest`` at the newest run that was published.

    Looks again after pointing: a later run may have been published in between, and whoever
    points last must see it.
    """
    newest, shown = max(run_id, newest_published(state) or ""), ""
    while newest != shown:
        current = reports.pointed(LATEST)
        # Also if it is there already: on an object store its copy may have been cut off.
        if current is None or current.removeprefix("runs/") <= newest:
            reports.point(LATEST, f"runs/{newest}")
        newest, shown = max(run_id, newest_published(state) or ""), newest
    for name in ("sales_report.csv", "index.html"):
        reports.point(name, f"{LATEST}/{name}")
