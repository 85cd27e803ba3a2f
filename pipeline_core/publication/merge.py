"""merge: the partials of a run, or what earlier runs made of the same ones, as one table a report.

Neighbouring archives are merged by the block first, and a block's result is kept: a run reads the
blocks that are as they were, and the partials of the others only. Where a block ends is decided by
the archive's name alone, so one archive more, or less, changes one block.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import IO

import pyarrow as pa

from pipeline_core.errors import DamagedResult, ResultsMissing
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.load.partials import partial_file, read_partial
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Receipt, ReportPlugin, ReturnsMode, StoredFile
from pipeline_core.reuse.cache import keep_merged, load_merged, merged_digests
from pipeline_core.reuse.memory import RULES_VERSION
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.plugins import report_identities, reports_of

log = get_logger()

# One archive in so many ends a block, on the average.
_BLOCK_ARCHIVES = 64
# Partials of a block, of all reports, that wait together; one of more is not worth keeping.
_MOST_BLOCK_BYTES = 16 << 20


def merge_results(
    ledger: RunLedger, manifest: Manifest, done: Sequence[Done]
) -> dict[str, pa.Table]:
    """Report name to the merged partials of ``done``, which is in the order of the archives. One
    without a file is left out where an earlier version made no partials of it.

    Raises:
        ConfigError: this process does not have the reports of plug-ins as the run was planned.
        ResultsMissing: a partial is damaged; its archive is taken for not done.
        RetryableError: the state storage does not answer.
    """
    by = manifest.report_plugins, manifest.options.returns
    reports = {report.name: report for report in reports_of(*by)}
    merged = {
        name: report.running_merge()
        for name, report in reports.items()
        if report.is_published or _have_all(name, (each.receipt for each in done))
    }
    kept = {} if manifest.reuse.full else merged_digests(ledger.state)
    blocks = _Blocks(ledger, reports, report_identities(*by), kept)
    for block in _blocks(done):
        for name, table in blocks.tables(block):
            if name in merged:
                merged[name].add(table)
    return {name: running.whole() for name, running in merged.items()}


def merge_keys(
    archives: Iterable[tuple[str, Sequence[Receipt]]],
    plugins: Iterable[ReportPlugin],
    returns: ReturnsMode,
) -> set[str]:
    """Keys under which the next run looks for what is kept, if archives (name, receipts), in
    their order, the plug-ins and what becomes of returns are as they were."""
    identities = report_identities(plugins, returns)
    keys, members = set[str](), list[Receipt]()
    for name, receipts in archives:
        members += receipts
        if receipts and _ends_block(name):
            keys.add(_key(identities, members))
            members = []
    return keys


def load_result(ledger: RunLedger, done: Done, stored: StoredFile) -> bytes:
    """The bytes of a file that a receipt names.

    Raises:
        ResultsMissing: it is damaged; its archive is taken for not done.
    """
    with _discarded_if_damaged(ledger, done):
        return ledger.load(stored)


@contextmanager
def opened_result(ledger: RunLedger, done: Done, stored: StoredFile) -> Iterator[IO[bytes]]:
    """The same to read from its beginning: of a file that may be large. Raises as load_result."""
    with ExitStack() as stack:
        with _discarded_if_damaged(ledger, done):
            file = stack.enter_context(ledger.opened(stored))
        yield file


@contextmanager
def _discarded_if_damaged(ledger: RunLedger, done: Done) -> Iterator[None]:
    try:
        yield
    except DamagedResult as error:
        log.warning("damaged_result_discarded", run_id=ledger.run_id, cause=error.message)
        ledger.discard_receipt(done.work)
        raise ResultsMissing(
            f"{error.message}.", f"`sales-pipeline resume {ledger.run_id}` makes it again."
        ) from error


@dataclass(frozen=True)
class _Block:
    """``done`` of neighbouring archives; the last block is open: tomorrow's archive joins it."""

    done: tuple[Done, ...]
    is_closed: bool


def _blocks(done: Iterable[Done]) -> Iterator[_Block]:
    members: list[Done] = []
    for _, pieces in groupby(done, key=lambda each: each.archive.name):
        members += pieces
        if _ends_block(members[-1].archive.name):
            yield _Block(tuple(members), is_closed=True)
            members = []
    if members:
        yield _Block(tuple(members), is_closed=False)


def _ends_block(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 256 // _BLOCK_ARCHIVES


def _have_all(report: str, receipts: Iterable[Receipt]) -> bool:
    return all(report in receipt.partials for receipt in receipts)


def _names(reports: Iterable[str], receipts: Sequence[Receipt]) -> list[str]:
    """Those of which there are partials of each."""
    return sorted(name for name in reports if _have_all(name, receipts))


def _key(identities: Mapping[str, str], receipts: Sequence[Receipt]) -> str:
    """Tells blocks apart by what is in their partials, and what is to merge them."""
    said = [str(RULES_VERSION)]
    for name in _names(identities, receipts):
        said += [identities[name], *(receipt.partials[name].digest for receipt in receipts)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


# A report's name and one of its partials.
_Named = Iterator[tuple[str, pa.Table]]


@dataclass(frozen=True)
class _Blocks:
    """Reads blocks of a run, by ``reports`` and their ``identities``; ``kept`` are the digests of
    those that earlier runs merged, by their keys."""

    ledger: RunLedger
    reports: Mapping[str, Report]
    identities: Mapping[str, str]
    kept: Mapping[str, str]

    def tables(self, block: _Block) -> _Named:
        """All that is in the block, of the reports of which it has partials."""
        receipts = [each.receipt for each in block.done]
        names = _names(self.reports, receipts)
        partials = self._partials(block.done, names)
        if not block.is_closed or len(block.done) == 1:
            yield from partials
            return
        key = _key(self.identities, receipts)
        found = load_merged(self.ledger.state, key, self.kept[key]) if key in self.kept else None
        if found is None:
            yield from self._merged(key, names, partials)
            return
        for name, data in found.items():
            yield name, read_partial(data)

    def _merged(self, key: str, names: Iterable[str], partials: _Named) -> _Named:
        """One table of each report, kept under ``key``; the partials if these are too large to wait
        together."""
        waiting: dict[str, list[pa.Table]] = {name: [] for name in names}
        size = 0
        for name, partial in partials:
            waiting[name].append(partial)
            size += partial.nbytes
            if size > _MOST_BLOCK_BYTES:
                yield from ((name, table) for name, tables in waiting.items() for table in tables)
                yield from partials
                return
        merged = {name: self.reports[name].merge(tables) for name, tables in waiting.items()}
        data = {name: partial_file(table)[1] for name, table in merged.items()}
        keep_merged(self.ledger.state, key, data)
        yield from merged.items()

    def _partials(self, done: Iterable[Done], names: Iterable[str]) -> _Named:
        for each in done:
            for name in names:
                stored = each.receipt.partials[name]
                yield name, read_partial(load_result(self.ledger, each, stored))
