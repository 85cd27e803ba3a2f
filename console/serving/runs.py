"""Which folders of the reports are published runs."""

from __future__ import annotations

from itertools import islice

import msgspec

from pipeline_core.errors import NotAllowed
from pipeline_core.ledger.names import is_run_id
from pipeline_core.publication.file_names import SUMMARY
from pipeline_core.storage import Storage

FOLDER = "runs"


class _Said(msgspec.Struct, frozen=True):
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
        names = reversed(self._reports.folders(FOLDER))
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
            text = self._reports.read(f"{FOLDER}/{run_id}/{SUMMARY}")
            return msgspec.json.decode(text, type=_Said).run_id == run_id
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return False
