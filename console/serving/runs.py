"""Which folders of the reports are published runs."""

from __future__ import annotations

from itertools import islice

from msgspec import Struct

from pipeline_core.errors import NotAllowed
from pipeline_core.ledger.names import is_run_id
from pipeline_core.load.published import RUNS, read_summary
from pipeline_core.storage import Storage


class _Said(Struct, frozen=True):
    """What is asked of a summary.json."""

    run_id: str
    """The run that published it."""


class PublishedRuns:
    """Runs whose own summary.json, which is written last, says that they are. What was published
    stays so, and is asked once."""

    def __init__(self, reports: Storage) -> None:
        self._reports = reports
        self._known: set[str] = set()

    def has(self, run_id: str) -> bool:
        """Whether this is one. Raises RetryableError if the storage does not answer."""
        if run_id not in self._known and self._says_so(run_id):
            self._known.add(run_id)
        return run_id in self._known

    def newest(self, most: int) -> list[str]:
        """Ids, newest first."""
        names = reversed(self._reports.folders(RUNS))
        return list(islice(filter(self._can_be_shown, names), most))

    def _can_be_shown(self, name: str) -> bool:
        try:
            return self.has(name)
        except NotAllowed:  # a folder of somebody else's
            return False

    def _says_so(self, run_id: str) -> bool:
        if not is_run_id(run_id):
            return False
        try:
            return read_summary(self._reports, f"{RUNS}/{run_id}", _Said).run_id == run_id
        except (FileNotFoundError, ValueError):  # nothing of ours
            return False
