"""Reports that retention removed: what stands in their place says so.

::

    runs/<run_id>/removed.json    written first: readers are told from then on
    runs/<run_id>/index.html      a page that says it, for links of other pages
    runs/<run_id>/summary.json    as it was: later pages have their history of it
"""

from __future__ import annotations

from datetime import datetime
from html import escape

import msgspec
from msgspec import Struct

from pipeline_core.machine.known_kinds import known
from pipeline_core.messages import to_json
from pipeline_core.storage import Storage

REMOVED = "removed.json"
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>A report that was removed</title>
<style>:root {{ color-scheme: light dark }} body {{ font: 1rem/1.5 system-ui; margin: 3rem auto;
max-width: 40rem; padding: 0 1rem }}</style>
<main>
<h1>This report was removed</h1>
<p>{words} Its figures stand in the history of newer reports, and in
<a href="summary.json">summary.json</a>.</p>
<p><a href="../../latest/index.html">The newest report</a></p>
</main>
</html>
<!-- removed -->
"""


class RemovedReport(Struct, frozen=True, kw_only=True):
    """That a published report was removed."""

    run_id: str
    """The run that published it."""
    removed_at: datetime
    """When it was removed (UTC)."""
    kept: int
    """How many of the newest reports were kept then."""

    @property
    def words(self) -> str:
        """For people, in a sentence."""
        kept = "newest is" if self.kept == 1 else f"newest {self.kept:,} are"
        return (
            f"The report of run {self.run_id} was removed on {self.removed_at:%Y-%m-%d}: only the "
            f"{kept} kept (SALES_KEEP_REPORTS)."
        )


def note_removed(reports: Storage, removed: RemovedReport) -> None:
    """Keeps that a report is removed, and puts a page in the place of its own. Raises
    RetryableError."""
    folder = f"runs/{removed.run_id}"
    reports.write(f"{folder}/{REMOVED}", to_json(removed))
    reports.write(f"{folder}/index.html", removed_page(removed))


def removed_page(removed: RemovedReport) -> bytes:
    """The page in the place of a report's own. Its last line is no page's: it is none that is
    whole, and rebuilding replaces it."""
    return _PAGE.format(words=escape(removed.words)).encode()


def removed_report(reports: Storage, run_id: str) -> RemovedReport | None:
    """What is known of a report that was removed; None of one that was not. Raises
    RetryableError."""
    try:
        data = reports.read(f"runs/{run_id}/{REMOVED}")
        found = msgspec.json.decode(data, type=known(RemovedReport))
    except (FileNotFoundError, ValueError):  # damaged, it says nothing of anybody's report
        return None
    return found if found.run_id == run_id else None
