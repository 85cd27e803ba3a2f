"""The runs that there were, and starts that came to nothing."""

from __future__ import annotations

from collections.abc import Callable

from console.display.json_output import ListedRun
from console.display.terminal import note
from console.display.views import as_of_words, output, table
from pipeline_core.errors import DamagedBlock, PipelineError
from pipeline_core.ledger import RunLedger, newest_runs, read_state
from pipeline_core.load.removed_reports import RemovedReport, removed_report
from pipeline_core.messages import Manifest, Tally
from pipeline_core.plural import counted
from pipeline_core.settings import Settings
from pipeline_core.storage import open_storage
from pipeline_core.transform.money import grouped

# Starts that failed: of a job that has failed every minute since, the newest few say all.
_STARTS_SHOWN = 5
_Removed = Callable[[str], RemovedReport | None]


def listed_runs(settings: Settings, newest: int) -> list[ListedRun]:
    """So many of the newest runs, and the starts since the last of them that failed before they
    were planned, newest first. Raises RetryableError if the state does not answer."""
    state, removed = read_state(settings.state), _removed_reports(settings)
    found: list[ListedRun] = []
    for run_id in newest_runs(state) if newest else ():
        found.append(_listed(RunLedger(state, run_id), removed))
        newest -= not _is_failed_start(found[-1])
        if not newest:
            break
    return found


def print_runs(found: list[ListedRun]) -> None:
    """A table of the runs; starts that failed stand below it."""
    told = [run for run in found if not _is_failed_start(run)]
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
    headings = ["run", "planned (UTC)", "state", "revenue", "archives", "events", "left out"]
    headings += ["work (s)", "reason"]
    shown = len(headings) if any(run.reason for run in told) else len(headings) - 1
    cells = [row[:shown] for row in rows]
    output().print(table(headings[:shown], cells, numbers=(3, 4, 5, 6, 7), whole=(0,)))
    _print_failed_starts([run for run in found if _is_failed_start(run)])


def _is_failed_start(run: ListedRun) -> bool:
    return run.state == "failed" and not run.is_planned


def _print_failed_starts(starts: list[ListedRun]) -> None:
    if not starts:
        return
    what = counted(len(starts), "start")
    output().print(f"\n{what} failed before anything was planned, and began nothing:")
    rows = [(run.run_id, run.reason) for run in starts[:_STARTS_SHOWN]]
    output().print(table(["start", "reason"], rows, whole=(0,)))
    if len(starts) > len(rows):
        output().print(f"and {counted(len(starts) - len(rows), 'earlier one')}")


def _removed_reports(settings: Settings) -> _Removed:
    """Says what is known of a run's report if it was removed. Where the place of the reports does
    not answer, nothing is, and a note says so once."""
    told = False

    def removed(run_id: str) -> RemovedReport | None:
        nonlocal told
        if told:
            return None
        try:
            return removed_report(open_storage(settings.reports), run_id)
        except PipelineError as error:
            told = True
            note(f"Whether reports were removed is not known: {error.message}")
            return None

    return removed


def _state_words(run: ListedRun) -> str:
    is_incomplete = run.state == "published" and run.status == "incomplete"
    removed = "" if run.report_removed_at is None else ", report removed"
    return f"{run.state}{as_of_words(run.as_of)}{', incomplete' if is_incomplete else ''}{removed}"


def _listed(ledger: RunLedger, removed: _Removed) -> ListedRun:
    outcome = ledger.outcome()
    summary = outcome.summary if outcome else None
    manifest = None if summary else ledger.planned()
    planned = summary or manifest
    is_published = outcome is not None and outcome.state == "published"
    report = removed(ledger.run_id) if is_published else None
    return ListedRun(
        run_id=ledger.run_id,
        state=outcome.state if outcome else "unfinished",
        status=outcome.status if outcome and outcome.state != "failed" else None,
        total_revenue=summary.totals.total_revenue if summary else None,
        planned_at=planned.created_at if planned else None,
        archives=_archives(summary.archives) if summary else _planned_archives(manifest),
        events=summary.events.seen if summary else None,
        rejected=summary.events.rejected if summary else None,
        seconds=summary.seconds if summary else None,
        work_seconds=summary.work_seconds if summary else None,
        as_of=summary.as_of if summary else None,
        reason=outcome.reason if outcome else None,
        is_planned=planned is not None,
        report_removed_at=None if report is None else report.removed_at,
    )


def _planned_archives(manifest: Manifest | None) -> int | None:
    try:
        return None if manifest is None else manifest.counting()
    except DamagedBlock:  # of one run; the history is of all
        return None


def _archives(tally: Tally) -> int:
    """Those that count, read now or before."""
    return tally.read + tally.reused
