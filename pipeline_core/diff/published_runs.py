"""Published runs, and the report that each published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pipeline_core.ledger import RunLedger, nothing_yet, run_ids
from pipeline_core.ledger.results import Done
from pipeline_core.load.read_back import read_published_table
from pipeline_core.messages import Manifest, Summary
from pipeline_core.processing.recount import CountedDay, counted_days, days_of
from pipeline_core.storage import Storage


@dataclass(frozen=True)
class PublishedRun:
    """A run and what it said of itself, and its results if they are at hand."""

    ledger: RunLedger
    manifest: Manifest
    summary: Summary
    done: Sequence[Done] | None = None

    def days(self) -> list[CountedDay]:
        """Those that count in it. Raises ConfigError if it is not processed any more."""
        if self.done is not None:
            return days_of(self.ledger, self.done)
        return counted_days(self.ledger, self.manifest)

    def sales_report(self) -> list[tuple[str, str, str, int, int]]:
        """Rows of sales_report.parquet, revenue as decimal text. Raises ConfigError if it is
        gone or damaged."""
        table = read_published_table(
            self.manifest.reports, self.manifest.run_id, "sales_report.parquet"
        )
        columns = table.to_pydict()
        columns["total_revenue"] = [f"{revenue:f}" for revenue in columns["total_revenue"]]
        return list(zip(*columns.values(), strict=True))


def published_run(state: Storage, run_id: str) -> PublishedRun:
    """Raises ConfigError if there is no such run, or it is not published."""
    ledger = RunLedger(state, run_id)
    return PublishedRun(ledger, *ledger.published())


def chosen_runs(state: Storage, before: str | None, after: str | None) -> tuple[str, str]:
    """The two runs to compare: those named; else the newest published one, and the one before.

    Raises:
        ConfigError: there are not so many published runs.
    """
    wanted = [run_id for run_id in (before, after) if run_id is not None]
    newest = [] if len(wanted) > 1 else list(islice(_newest_published(state), 2 - len(wanted)))
    chosen = [*wanted, *reversed(newest)]
    if len(chosen) < 2:  # noqa: PLR2004
        raise nothing_yet(state.uri, f"There are no two published runs in {state.uri} yet.")
    return chosen[0], chosen[1]


def _newest_published(state: Storage) -> Iterator[str]:
    for run_id in reversed(run_ids(state)):
        outcome = RunLedger(state, run_id).outcome()
        if outcome is None or outcome.state != "published":
            continue
        if outcome.summary is None or outcome.summary.as_of is None:  # not of a time past
            yield run_id
