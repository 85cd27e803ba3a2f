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
from pipeline_core.ledger.cache import keep_merged, load_merged, merged_digests
from pipeline_core.ledger.results import Done
from pipeline_core.load.partials import read_partial
from pipeline_core.load.tables import to_partial
from pipeline_core.logs import get_logger
from pipeline_core.messages import Manifest, Receipt, ReportPlugin, ReturnsMode, StoredFile
from pipeline_core.planning.reuse import RULES_VERSION
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.plugins import report_identities, reports_of

log = get_logger()

# One archive in so many ends a block, on the average.
_BLOCK_ARCHIVES = 64
# Partials of a block that wait together; a block of more is not worth keeping.
_MOST_BLOCK_BYTES = 8 << 20


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
    kept = {} if manifest.reuse.full else merged_digests(ledger.state)
    blocks = list(_blocks(done))
    by = manifest.report_plugins, manifest.options.returns
    identities = report_identities(*by)
    return {
        report.name: _merged(ledger, blocks, report, identities[report.name], kept)
        for report in reports_of(*by)
        if report.is_published or _have_all(report.name, (each.receipt for each in done))
    }


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
            keys |= {
                _key(name, identity, members)
                for name, identity in identities.items()
                if _have_all(name, members)
            }
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


def _key(report: str, identity: str, receipts: Iterable[Receipt]) -> str:
    """Tells blocks apart by what is in their partials, and what is to merge them."""
    digests = [receipt.partials[report].digest for receipt in receipts]
    rules = [str(RULES_VERSION), identity]
    return hashlib.sha256("\n".join(rules + digests).encode()).hexdigest()


def _merged(
    ledger: RunLedger,
    blocks: Iterable[_Block],
    report: Report,
    identity: str,
    kept: Mapping[str, str],
) -> pa.Table:
    merged = report.running_merge()
    for block in blocks:
        if block.is_closed and len(block.done) > 1:
            key = _key(report.name, identity, (each.receipt for each in block.done))
            tables = _block_merged(ledger, block, report, key, kept)
        else:
            tables = _partials(ledger, block.done, report)
        for table in tables:
            merged.add(table)
    return merged.whole()


def _block_merged(
    ledger: RunLedger, block: _Block, report: Report, key: str, kept: Mapping[str, str]
) -> Iterator[pa.Table]:
    """The block as one table, kept under ``key``; as its partials if those are too large to wait
    together."""
    data = load_merged(ledger.state, key, kept[key]) if key in kept else None
    if data is not None:
        yield read_partial(data)
        return
    partials = _partials(ledger, block.done, report)
    waiting, waiting_bytes = list[pa.Table](), 0
    for partial in partials:
        waiting.append(partial)
        waiting_bytes += partial.nbytes
        if waiting_bytes > _MOST_BLOCK_BYTES:
            yield from waiting
            yield from partials
            return
    merged = report.merge(waiting)
    keep_merged(ledger.state, key, to_partial(merged))
    yield merged


def _partials(ledger: RunLedger, done: Iterable[Done], report: Report) -> Iterator[pa.Table]:
    for each in done:
        yield read_partial(load_result(ledger, each, each.receipt.partials[report.name]))
