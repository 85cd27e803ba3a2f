"""verify: the straight line from the archives to the first difference, or to none."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from decimal import localcontext

from msgspec import Struct

from pipeline_core.errors import RetryableError, UnreadableArchive
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger, read_state
from pipeline_core.messages import ArchiveRef, Manifest, Summary
from pipeline_core.reread.names import is_archive
from pipeline_core.storage import Storage, open_archives, open_storage
from pipeline_core.verify.children import EXACT, Children, children
from pipeline_core.verify.compare import Difference, Differs, Published
from pipeline_core.verify.expected import published_figures, recounted_figures
from pipeline_core.verify.judge import Rules
from pipeline_core.verify.recount import Recount
from pipeline_core.verify.tables import tables

__all__ = ["Difference", "Verification", "verify"]

_GONE = "Put the archive back that was read, or run again."
# Of the same size and time, it is unchanged to any other run.
_CHANGED = "Put the archive back that was read, or `sales-pipeline run --full`."


class Verification(Struct, frozen=True, kw_only=True):
    """What came out."""

    run_id: str
    """The run."""
    agrees: bool
    """Whether there is no difference."""
    archives: int
    """Number of archives that were counted again."""
    events: int
    """Number of events that were."""
    cells: int
    """Number of cells of the published files that were compared."""
    left_out: tuple[str, ...]
    """Names of archives that the run itself could not read, and that are not now what it planned to
    read."""
    not_in_run: tuple[str, ...]
    """Names of archives that stand in the data and not in the run's plan."""
    seconds: float
    """Seconds it took."""
    not_counted: tuple[str, ...] = ()
    """Names of published files that plug-ins made: only they know what must be in them."""
    difference: Difference | None = None
    """The first difference; null if there is none."""


def _nobody(*_: int) -> None:
    pass


def verify(
    state_uri: str,
    run_id: str,
    *,
    data_uri: str | None = None,
    reports_uri: str | None = None,
    jobs: int = 1,
    part_done: Callable[[int, int], None] = _nobody,
    archive_done: Callable[[], None] = _nobody,
) -> Verification:
    """Counts the archives of a published run again, from the places it used unless others are
    given, in ``jobs`` processes, and compares with what it published. ``part_done`` is told events
    and bytes: of each part or, by several processes, of each archive.

    Raises:
        ConfigError: there is no such run, it was not published, or it has SALES_EVENT_ID and this
            Python no sqlite3.
        ContractError: its snapshot of customers and products is gone or damaged.
        RetryableError: a storage does not answer, or a process died.
    """
    started = time.monotonic()
    state = read_state(state_uri)
    ledger = RunLedger(state, run_id)
    manifest, _ = ledger.published()
    rules = Rules.of(load_snapshot(state, manifest.dimensions_digest), manifest.options)
    reports = open_storage(reports_uri or manifest.reports)
    checking = _Checking(manifest, rules, data_uri or manifest.data, reports, part_done, jobs)
    difference = None
    try:
        with closing(checking.recount), localcontext(EXACT):
            checking.run(archive_done)
    except Differs as found:
        difference = found.difference
    except OSError as error:  # storages and zips have errors of their own
        raise RetryableError(
            f"Cannot read {checking.archive}, or write temporary files: {error.strerror or error}.",
            "Check the rights, and set TMPDIR to a folder with room.",
        ) from error
    return Verification(
        run_id=run_id,
        agrees=difference is None,
        archives=checking.archives,
        events=checking.recount.total.seen,
        cells=checking.published.cells,
        left_out=tuple(checking.left_out),
        not_in_run=checking.not_in_run,
        seconds=round(time.monotonic() - started, 3),
        not_counted=tuple(f"{each.name}.csv" for each in manifest.report_plugins),
        difference=difference,
    )


def _has_wrong_key(summary: Summary) -> bool:
    unlike = summary.unlike_first
    return unlike is not None and unlike.events > max(10, summary.sent_twice // 2)


class _Checking:
    """One verification on its way."""

    def __init__(
        self,
        manifest: Manifest,
        rules: Rules,
        data_uri: str,
        reports: Storage,
        part_done: Callable[[int, int], None],
        jobs: int,
    ) -> None:
        options = manifest.options
        self.rules, self.jobs, self.part_done = rules, jobs, part_done
        self.manifest, self.scale, self.data_uri = manifest, rules.scale, data_uri
        self.data = open_archives(data_uri, follow_links=options.follow_links)
        self.recount = Recount(rules, options, part_done)
        self.published = Published(
            reports, f"runs/{manifest.run_id}", spreadsheet_safe=options.spreadsheet_safe
        )
        self.archives, self.archive = 0, "an archive"
        self.left_out: list[str] = []
        self.not_in_run: tuple[str, ...] = ()
        self.inputs: dict[str, str | None] = {}

    def run(self, archive_done: Callable[[], None]) -> None:
        """Raises Differs: what changed in the data first, then tables, figures and rejects."""
        summary = self.published.summary()
        self._look_over(summary)
        with ExitStack() as stack:
            ahead = self._children(stack, summary)
            for archive in self.manifest.archives:
                self._count_again(archive, summary, ahead)
                archive_done()
        self.recount.finish()
        count = self.recount.total
        self.published.check_tables(tables(count, self.scale, self.manifest.options.returns))
        self.published.check_figures(
            recounted_figures(
                self.manifest,
                self.recount,
                self.inputs,
                self.scale,
                counted_before=bool(summary.allowed_empty),
                has_wrong_key=_has_wrong_key(summary),
                is_of_now=summary.reconciliation is not None,
            ),
            published_figures(summary, days_known=not self.recount.broken),
        )
        self.published.check_rejects(count.rejects, self.manifest.options)

    def _look_over(self, summary: Summary) -> None:
        """Which archives are there. Raises Differs if one is gone that the run had."""
        versions = {
            stored.key: stored.version for stored in self.data.files() if is_archive(stored.key)
        }
        unread = {place.archive for place in summary.unreadable if place.day is None}
        for archive in self.manifest.archives:
            version, digest = versions.pop(archive.name, None), summary.inputs.get(archive.name)
            if archive.name in unread and (digest is None or version != archive.version):
                self.left_out.append(archive.name)
            elif version is None:
                now = self._instead_of(archive.name)
                raise Differs(archive.name, f"SHA-256 {digest}", now, _GONE)
        self.not_in_run = tuple(versions)

    def _instead_of(self, name: str) -> str:
        """What stands where a file was that the run read."""
        try:
            self.data.stat(name)
        except UnreadableArchive as error:
            return error.message
        except FileNotFoundError:
            pass
        return "it is gone"

    def _children(self, stack: ExitStack, summary: Summary) -> Children | None:
        """Processes that count ahead, if several may and can: copies need no counting, and events
        that are known by SALES_EVENT_ID wait in one file."""
        names: dict[str, str] = {}
        for each in self.manifest.archives:
            if each.name not in self.left_out:
                names.setdefault(summary.inputs.get(each.name) or each.name, each.name)
        jobs, options = min(self.jobs, len(names)), self.manifest.options
        if jobs <= 1 or options.feed.event_id:
            return None
        counting = children(self.rules, options, self.data_uri, names.values(), jobs)
        return stack.enter_context(counting)

    def _count_again(self, archive: ArchiveRef, summary: Summary, ahead: Children | None) -> None:
        name, published = archive.name, summary.inputs.get(archive.name)
        self.archive = f"the archive {name}"
        if name in self.left_out:
            self.inputs[name] = published
            self.recount.leave_out(name, archive.digest)
            return
        found = ahead.found(name) if ahead is not None else None
        if found is not None:
            self._check_bytes(name, published, found.digest)
        if found is not None and found.archive is not None:
            self.recount.take_found(name, found.digest, found.archive)
            self.part_done(found.events, found.size)
        else:
            with self.data.fetched(name) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                self._check_bytes(name, published, digest)
                self.recount.take(name, file, digest)
        self.archives += 1

    def _check_bytes(self, name: str, published: str | None, digest: str) -> None:
        """Raises Differs if it is not the archive that the run read."""
        if published is not None and digest != published:
            raise Differs(name, f"SHA-256 {published}", f"SHA-256 {digest}", _CHANGED)
        self.inputs[name] = digest
