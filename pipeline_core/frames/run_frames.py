"""Runs, as the command makes and lists them."""

from __future__ import annotations

import io
import multiprocessing
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from pipeline_core.errors import ConfigError, PipelineError
from pipeline_core.frames.tables import ReportFrame, frame_of, report_frame
from pipeline_core.ledger import RunLedger, lease, newest_runs, read_state
from pipeline_core.load.read_back import read_published, read_published_rows, read_published_table
from pipeline_core.load.rejects import Reject, parse_rejects
from pipeline_core.messages import Outcome, RunState, RunStatus, Summary, UnknownMode
from pipeline_core.running.drive import new_ledger, not_published, run_here
from pipeline_core.settings import Settings, load_settings, store_variables
from pipeline_core.store_environment import use_store_variables
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.daily_sales import REPORT as DAILY_SALES
from pipeline_core.transform.reports.plugins import reports_of
from pipeline_core.vouching.key import use_state_key


@dataclass(frozen=True)
class Run:
    """A run of the past, or the one that was just made."""

    run_id: str
    # ``unfinished`` is under way, or stopped.
    state: RunState | Literal["unfinished"]
    # None until it is known: complete, or incomplete.
    status: RunStatus | None
    # Why it was refused or failed, and what to do; empty otherwise.
    reason: str
    remedy: str
    # What summary.json says; None of a run that has no figures.
    summary: Summary | None
    # Place of the reports, and the folder of this run's own in it; None of one without a plan.
    reports: str | None

    @property
    def folder(self) -> str | None:
        """URI of what the run published, or would have."""
        return None if self.reports is None else f"{self.reports.rstrip('/')}/runs/{self.run_id}"

    def sales_report(self) -> pd.DataFrame:
        """sales_report.parquet, as `DataTransformer.transform` gives it. Raises ConfigError if the
        run is not published, or its report is gone or damaged."""
        table = read_published_table(self._published_in(), self.run_id, "sales_report.parquet")
        return report_frame(table)

    def daily_sales(self) -> pd.DataFrame:
        """daily_sales.csv, typed the same. Raises as ``sales_report`` does."""
        return self._report_of_csv(DAILY_SALES)

    def added_report(self, name: str) -> pd.DataFrame:
        """The report of this name that a plug-in added, typed as it is finished; null texts are
        empty. Raises ConfigError also if there is none, or the plug-in is not installed here as it
        was."""
        plugins = self.summary.report_plugins if self.summary else ()
        named = [each for each in plugins if each.name == name]
        if not named:
            there = ", ".join(each.name for each in plugins) or "none"
            raise ConfigError(
                f"Run {self.run_id} has no report {name} of a plug-in.", f"It has: {there}."
            )
        return self._report_of_csv(reports_of(named, "reject")[-1])

    def _report_of_csv(self, report: Report) -> pd.DataFrame:
        name = f"{report.name}.csv"
        header, *rows = read_published_rows(self._published_in(), self.run_id, name)
        types = report.finish(report.merge([]), 0).schema
        columns = {
            name: [_typed(row[place], types.field(name).type) for row in rows]
            for place, name in enumerate(header)
        }
        whole = [field.name for field in types if pa.types.is_integer(field.type)]
        return ReportFrame(frame_of(columns, whole))

    def rejects(self) -> pd.DataFrame:
        """rejects.csv: reason, archive, day, part (str), position (int64) and event, the JSON of
        each; item (Int64) is the number of an order's item, missing where the event is no order.
        Raises as ``sales_report`` does."""
        data = read_published(self._published_in(), self.run_id, "rejects.csv")
        _, _, rows = data.partition(b"\n")
        found = list(parse_rejects(io.BytesIO(rows)))
        columns = {name: [getattr(each, name) for each in found] for name in Reject._fields}
        columns["position"] = [each.position.event for each in found]
        items = pd.array([each.position.item for each in found], dtype="Int64")
        return frame_of(columns, ("position",)).assign(item=items)

    def _published_in(self) -> str:
        """Place of the reports. Raises ConfigError if it is not published."""
        if self.reports is None or self.state != "published":
            raise ConfigError(
                f"Run {self.run_id} is not published, so it has no report.",
                "`runs()` shows which are.",
            )
        return self.reports


def run(
    *,
    data: str | Path | None = None,
    reports: str | Path | None = None,
    state: str | Path | None = None,
    dimensions: str | Path | None = None,
    database_url: str | None = None,
    unknown: UnknownMode | None = None,
    jobs: int | None = None,
    batch_size: int | None = None,
    full: bool | None = None,
    allow_incomplete: bool | None = None,
    allow_drift: bool | None = None,
    as_of: date | None = None,
    **settings: object,
) -> Run:
    """Plans, processes and publishes a run, as ``sales-pipeline run`` does on this machine, and
    returns it published. Other ``settings`` go by their names, such as ``max_part_bytes``; what is
    not given is read from the environment (``SALES_...``) and ``.env``. A broker makes no
    difference: the work is done here, in processes of its own, or in this one where those are not
    allowed. With ``if_changed=True``, and nothing new, it is the published run that stands.

    Raises:
        ConfigError: a setting, an archive or a table is missing or wrong.
        InputError: customers or products have a row that cannot be used.
        PublishRefused: the run must not replace the report that stands; the message says why.
        RunUnderWay: another run holds the lock.
        RetryableError: a storage or the database does not answer.
        TooCostly: there is too little memory.
    """
    settings |= {
        "data": data,
        "reports": reports,
        "state": state,
        "dimensions": dimensions,
        "database_url": database_url,
        "unknown": unknown,
        "jobs": jobs,
        "batch_size": batch_size,
        "full": full,
        "allow_incomplete": allow_incomplete,
        "allow_drift": allow_drift,
    }
    chosen = _settings(settings)
    ledger = new_ledger(chosen)
    outcome = _driven(chosen, ledger, as_of)
    return _published(chosen, RunLedger(ledger.state, outcome.run_id), outcome)


def runs(*, state: str | Path | None = None, newest: int = 20, **settings: object) -> list[Run]:
    """The ``newest`` runs, newest first. Raises ConfigError for a wrong setting, RetryableError if
    the state storage does not answer."""
    storage = read_state(_settings(settings | {"state": state}).state)
    ledgers = [RunLedger(storage, each) for each in islice(newest_runs(storage), max(newest, 0))]
    return [_run(ledger, ledger.outcome()) for ledger in ledgers]


def _typed(text: str, kind: pa.DataType) -> object:
    """A cell of a CSV of ours as Python has it."""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return text
    if not text:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(text)
    if pa.types.is_integer(kind):
        return int(text)
    return date.fromisoformat(text) if pa.types.is_date(kind) else text


def _settings(given: dict[str, object]) -> Settings:
    for name in given:
        if name not in Settings.model_fields:
            close = get_close_matches(name, Settings.model_fields, n=1)
            guess = f" Did you mean {close[0]}?" if close else ""
            raise ConfigError(
                f"There is no setting {name}.{guess}", "docs/reference/settings.md has them all."
            )
    settings = load_settings(
        {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
    )
    use_state_key(settings.chosen_state_key())
    use_store_variables(store_variables())
    return settings


def _driven(settings: Settings, ledger: RunLedger, as_of: date | None) -> Outcome:
    # Who is a daemon may not have processes: a task of a pool of somebody's, say.
    is_daemon = multiprocessing.current_process().daemon
    jobs = 1 if is_daemon else settings.machine_profile.jobs
    try:
        return run_here(settings, as_of, ledger, jobs)
    except Exception:
        raise
    except BaseException:  # Ctrl-C, or an orchestrator's time limit: the next run need not wait
        with suppress(PipelineError):
            lease.release(ledger)
        raise


def _published(settings: Settings, ledger: RunLedger, outcome: Outcome) -> Run:
    if outcome.state == "published":
        return _run(ledger, outcome)
    raise not_published(settings, outcome)


def _run(ledger: RunLedger, outcome: Outcome | None) -> Run:
    manifest = ledger.planned()
    return Run(
        run_id=ledger.run_id,
        state=outcome.state if outcome else "unfinished",
        status=outcome.status if outcome else None,
        reason=outcome.reason if outcome else "",
        remedy=outcome.remedy if outcome else "",
        summary=outcome.summary if outcome else None,
        reports=manifest.reports if manifest else None,
    )
