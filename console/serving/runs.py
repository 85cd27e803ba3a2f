"""Which folders of the reports are published runs."""

from __future__ import annotations

from itertools import islice

from msgspec import Struct

from pipeline_core.configuration.places import RUNS
from pipeline_core.errors import NotAllowed
from pipeline_core.ledger.names import is_run_id
from pipeline_core.load.read_back import read_summary
from pipeline_core.load.removed_reports import RemovedReport, removed_report
from pipeline_core.messages import ReportPlugin
from pipeline_core.storage import Storage


class _Said(Struct, frozen=True):
    """What is asked of a summary.json."""

    run_id: str
    """The run that published it."""
    report_plugins: tuple[ReportPlugin, ...] = ()
    """Reports of plug-ins that it published."""


class PublishedRuns:
    """Runs whose own summary.json, which is written last, says that they are. What was published
    stays so, and is asked once."""

    def __init__(self, reports: Storage) -> None:
        self._reports = reports
        self._known: dict[str, _Said] = {}

    def has(self, run_id: str) -> bool:
        """Whether this is one. Raises RetryableError if the storage does not answer."""
        if run_id not in self._known and (said := self._said_by(run_id)) is not None:
            self._known[run_id] = said
        return run_id in self._known

    def added_reports(self, run_id: str) -> set[str]:
        """Names of the reports that plug-ins added to it; none of what is no run. Raises as
        ``has`` does."""
        return (
            {each.name for each in self._known[run_id].report_plugins}
            if self.has(run_id)
            else set()
        )

    def removed(self, run_id: str) -> RemovedReport | None:
        """What is known of a run whose report was removed; None of others. Raises as ``has``
        does."""
        return removed_report(self._reports, run_id)

    def newest(self, most: int) -> list[str]:
        """Ids of those whose report was not removed, newest first."""
        names = reversed(self._reports.folders(RUNS))
        return list(islice(filter(self._can_be_shown, names), most))

    def _can_be_shown(self, name: str) -> bool:
        try:
            return self.has(name) and self.removed(name) is None
        except NotAllowed:  # a folder of somebody else's
            return False

    def _said_by(self, run_id: str) -> _Said | None:
        if not is_run_id(run_id):
            return None
        try:
            said = read_summary(self._reports, f"{RUNS}/{run_id}", _Said)
        except (FileNotFoundError, ValueError):  # nothing of ours
            return None
        return said if said.run_id == run_id else None
