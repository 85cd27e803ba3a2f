"""merge: the partials of a run, or what earlier runs made of the same ones, as one table a report.

Neighbouring archives are merged by the block first, and a block's result is kept: a run reads the
blocks that are as they were, and the partials of the others only. Where a block ends is decided by
the archive's name alone, so one archive more, or less, changes one block. Where each file takes a
round trip, what all blocks are together is kept, too: of a run with nothing new it is all there is
to read.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby
from typing import TypeVar

import pyarrow as pa

from pipeline_core.errors import ResultsMissing
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.load.partials import partial_file, read_partial
from pipeline_core.merging.stored_results import load_result
from pipeline_core.messages import Manifest, Receipt, ReportPlugin, ReturnsMode
from pipeline_core.reuse.cache import (
    keep_merged,
    keep_together,
    load_merged,
    load_together,
    merged_digests,
)
from pipeline_core.reuse.memory import RULES_VERSION
from pipeline_core.storage import Storage
from pipeline_core.storage.in_flight import at_once
from pipeline_core.transform.reports import Report
from pipeline_core.transform.reports.plugins import report_identities, reports_of

_T = TypeVar("_T")

# One archive in so many ends a block, on the average.
_BLOCK_ARCHIVES = 64
# Of those behind the last block, so many are kept together: what a run reads one by one is fewer.
_PIECE_ARCHIVES = 8
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
    reader = _reader(ledger, manifest)
    reports = reader.reports
    of_all = reports.keys() - _not_of_all(reports.keys(), (each.receipt for each in done))
    merged = {
        name: report.running_merge()
        for name, report in reports.items()
        if report.is_published or name in of_all
    }
    whole = reader.key_of_all(done) if ledger.state.is_far and len(done) > 1 else None
    found = None if whole is None else reader.kept_together(whole)
    for name, table in reader.all_tables(done) if found is None else _read(found):
        if name in merged:
            merged[name].add(table)
    tables = {name: running.whole() for name, running in merged.items()}
    if whole is not None and found is None:
        reader.keep(whole, {name: tables[name] for name in of_all}, keep_together)
    return tables


def merged_as_read(ledger: RunLedger, manifest: Manifest, done: Iterable[Done]) -> Iterator[Done]:
    """Results of very many archives as they are read. Once what is behind receipts fills half of
    the room that there is for it, each block is merged and kept while it is at hand, as
    ``merge_results`` would: no file is read a second time. What is damaged is told then."""
    held = ledger.held
    # Results of which some events do not count are others then.
    if held is None or manifest.options.feed.event_id:
        yield from done
        return
    reader = _reader(ledger, manifest)
    for block in _blocks(done):
        if held.is_filling:
            with suppress(ResultsMissing):
                reader.merge_ahead(block)
            held.release(
                stored.key for each in block.done for stored in each.receipt.partials.values()
            )
        yield from block.done


def merge_keys(
    archives: Iterable[tuple[str, Sequence[Receipt]]],
    plugins: Iterable[ReportPlugin],
    returns: ReturnsMode,
) -> set[str]:
    """Keys under which the next run looks for what is kept, if archives (name, receipts), in
    their order, the plug-ins and what becomes of returns are as they were."""
    identities = report_identities(plugins, returns)

    def key_of(members: Iterable[Sequence[Receipt]]) -> str:
        return _key(identities, list(chain.from_iterable(members)))

    keys, members = list[str](), list[Sequence[Receipt]]()
    for name, receipts in archives:
        if receipts:
            members.append(receipts)
        if receipts and _ends_block(name):
            keys.append(key_of(members))
            members = []
    pieces, rest = _cut(members)
    keys += map(key_of, pieces)
    whole = _key_of_all([*keys, key_of(rest)] if rest else keys)
    return {*keys, whole}


@dataclass(frozen=True)
class _Block:
    """``done`` of neighbouring archives; the last ones are open: tomorrow's archive joins them."""

    done: tuple[Done, ...]
    is_closed: bool


def _blocks(done: Iterable[Done]) -> Iterator[_Block]:
    members: list[list[Done]] = []
    for name, pieces in groupby(done, key=lambda each: each.archive.name):
        members.append(list(pieces))
        if _ends_block(name):
            yield _Block(tuple(chain.from_iterable(members)), is_closed=True)
            members = []
    whole, rest = _cut(members)
    for piece in whole:
        yield _Block(tuple(chain.from_iterable(piece)), is_closed=True)
    if rest:
        yield _Block(tuple(chain.from_iterable(rest)), is_closed=False)


def _cut(archives: Sequence[_T]) -> tuple[list[Sequence[_T]], Sequence[_T]]:
    """Pieces of those at the end, which no archive closes, and the last few."""
    whole = len(archives) // _PIECE_ARCHIVES * _PIECE_ARCHIVES
    cuts = range(0, whole, _PIECE_ARCHIVES)
    return [archives[at : at + _PIECE_ARCHIVES] for at in cuts], archives[whole:]


def _ends_block(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 256 // _BLOCK_ARCHIVES


def _have_all(report: str, receipts: Iterable[Receipt]) -> bool:
    return all(report in receipt.partials for receipt in receipts)


def _not_of_all(reports: AbstractSet[str], receipts: Iterable[Receipt]) -> set[str]:
    """Those of which a receipt has no partial."""
    missing = set[str]()
    for receipt in receipts:
        missing |= reports - receipt.partials.keys()
    return missing


def _names(reports: Iterable[str], receipts: Sequence[Receipt]) -> list[str]:
    """Those of which there are partials of each."""
    return sorted(name for name in reports if _have_all(name, receipts))


def _key(identities: Mapping[str, str], receipts: Sequence[Receipt]) -> str:
    """Tells blocks apart by what is in their partials, and what is to merge them."""
    said = [str(RULES_VERSION)]
    for name in _names(identities, receipts):
        said += [identities[name], *(receipt.partials[name].digest for receipt in receipts)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _key_of_all(keys: Iterable[str]) -> str:
    """Of blocks with these keys, in their order, together."""
    return hashlib.sha256("\n".join(("all", *keys)).encode()).hexdigest()


# A report's name and one of its partials.
_Named = Iterator[tuple[str, pa.Table]]
_Keep = Callable[[Storage, str, dict[str, bytes]], str | None]


def _read(merged: Mapping[str, bytes]) -> _Named:
    return ((name, read_partial(data)) for name, data in merged.items())


def _reader(ledger: RunLedger, manifest: Manifest) -> _Blocks:
    by = manifest.report_plugins, manifest.options.returns
    reports = {report.name: report for report in reports_of(*by)}
    return _Blocks(ledger, manifest, reports, report_identities(*by))


@dataclass(frozen=True)
class _Blocks:
    """Reads blocks of a run, by ``reports`` and their ``identities``, as many at once as its
    ``manifest`` says."""

    ledger: RunLedger
    manifest: Manifest
    reports: Mapping[str, Report]
    identities: Mapping[str, str]

    @cached_property
    def kept(self) -> Mapping[str, str]:
        """Digests of the blocks that earlier runs merged, and of those that were merged as they
        were read, by their keys."""
        ahead = {} if self.ledger.held is None else self.ledger.held.merged
        return ahead if self.manifest.reuse.full else merged_digests(self.ledger.state) | ahead

    def kept_together(self, key: str) -> dict[str, bytes] | None:
        """What an earlier run made of all blocks, by its key."""
        return None if self.manifest.reuse.full else load_together(self.ledger.state, key)

    def key_of_all(self, done: Iterable[Done]) -> str | None:
        """That of all blocks together; None if they are one that is closed, which has its own."""
        keys, is_closed = list[str](), False
        for block in _blocks(done):
            keys.append(self._key_of(block))
            is_closed = block.is_closed
        return None if len(keys) == 1 and is_closed else _key_of_all(keys)

    def keep(
        self, key: str, merged: Mapping[str, pa.Table], keep: _Keep = keep_merged
    ) -> str | None:
        """Keeps what was merged, unless that is large; returns the digest of what is kept."""
        if sum(table.nbytes for table in merged.values()) <= _MOST_BLOCK_BYTES:
            data = {name: partial_file(table)[1] for name, table in merged.items()}
            return keep(self.ledger.state, key, data)
        return None

    def _key_of(self, block: _Block) -> str:
        return _key(self.identities, [each.receipt for each in block.done])

    def merge_ahead(self, block: _Block) -> None:
        """Merges and keeps a block, unless it is kept, or not to be."""
        if block.is_closed and len(block.done) > 1 and self._key_of(block) not in self.kept:
            deque(self.tables(block, None), maxlen=0)

    def all_tables(self, done: Iterable[Done]) -> _Named:
        """Those of one block after the other; no more of these are held than are read at once."""
        kept, requests = self.kept, self.manifest.policy.requests

        def with_kept(block: _Block) -> tuple[_Block, dict[str, bytes] | None]:
            key = self._key_of(block)
            return block, load_merged(self.ledger.state, key, kept[key]) if key in kept else None

        for block, found in at_once(self.ledger.state, with_kept, _blocks(done), requests):
            yield from self.tables(block, found)

    def tables(self, block: _Block, found: Mapping[str, bytes] | None) -> _Named:
        """All that is in the block, of the reports of which it has partials; ``found`` merged."""
        receipts = [each.receipt for each in block.done]
        names = _names(self.reports, receipts)
        if found is not None:
            yield from _read(found)
        elif not block.is_closed or len(block.done) == 1:
            yield from self._partials(block.done, names)
        else:
            yield from self._merged(block, names, self._partials(block.done, names))

    def _merged(self, block: _Block, names: Iterable[str], partials: _Named) -> _Named:
        """One table of each report, which are kept; the partials if these are too large to wait
        together."""
        waiting: dict[str, list[pa.Table]] = {name: [] for name in names}
        size = 0
        for name, partial in partials:
            waiting[name].append(partial)
            size += partial.get_total_buffer_size()  # nbytes takes as long as reading it
            if size > _MOST_BLOCK_BYTES:
                yield from ((name, table) for name, tables in waiting.items() for table in tables)
                yield from partials
                return
        merged = {name: self.reports[name].merge(tables) for name, tables in waiting.items()}
        digest = self.keep(key := self._key_of(block), merged)
        if digest is not None and self.ledger.held is not None:
            self.ledger.held.merged[key] = digest
        yield from merged.items()

    def _partials(self, done: Iterable[Done], names: Iterable[str]) -> _Named:
        def load(each: Done) -> list[tuple[str, bytes]]:
            partials = ((name, each.receipt.partials[name]) for name in names)
            return [(name, load_result(self.ledger, each, stored)) for name, stored in partials]

        for loaded in at_once(self.ledger.state, load, done, self.manifest.policy.requests):
            yield from ((name, read_partial(data)) for name, data in loaded)
