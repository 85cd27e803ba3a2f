"""What of a run is done, by its receipts, and what work is outstanding.

Copies take the place of an original that turned out to be unreadable: planning lets the first
of several equal archives or days count, and if that one cannot be read after all, the first of
its copies that can be read counts instead. Copies that cannot be read either stay duplicates.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from pipeline_core.blocks.packed import Packed
from pipeline_core.messages import ArchiveRef, Manifest, Receipt, Work
from pipeline_core.messages.blocks import InBlocks, WorkSizes


class Done(NamedTuple):
    """A receipt that counts."""

    archive: ArchiveRef
    work: Work
    receipt: Receipt


class Receipts(Protocol):
    """What knows which work is done: a run's ledger."""

    def receipt(self, work: Work) -> Receipt | None:
        """None of what is not done."""
        ...

    def receipts_of(self, work_ids: Iterable[str], requests: int) -> Mapping[str, Receipt]:
        """Those that there are, by the work's id; up to so many read at once."""
        ...

    def receipt_ids(self) -> AbstractSet[str]:
        """Ids of the work that is done; none is read."""
        ...

    def each_receipt(
        self, work_ids: Sequence[str], requests: int = ...
    ) -> Iterator[tuple[str, Receipt]]:
        """Receipts of work that is done, by its id and in its order; few are held."""
        ...


@dataclass(frozen=True)
class Results:
    """``done`` in the order of the archives' names, and of their days; ``outstanding`` largest
    first."""

    done: Sequence[Done]
    outstanding: tuple[Work, ...]


# What is done with results while they are read: they are passed on as they are.
AsRead = Callable[[Iterable[Done]], Iterable[Done]]
# What counts of each archive, by its id: itself, or its shares.
_Counting = dict[str, list[Done]]


def results(ledger: Receipts, manifest: Manifest, as_read: AsRead = iter) -> Results:
    """Reads the receipts; once all that was planned is done, also asks for archives as a whole
    whose shares do not add up, and for what copies hold. Of very many archives each result goes
    through ``as_read`` as it is read."""
    if isinstance(manifest.archives, InBlocks):
        found = _of_many(ledger, manifest, manifest.archives.pieces(), as_read)
        if found is not None:
            return Results(found, ())
    done: _Counting = defaultdict(list)
    works: dict[str, list[Work]] = defaultdict(list)
    outstanding: list[Work] = []
    planned = manifest.planned_work()
    receipts = ledger.receipts_of((work.id for work in planned), manifest.policy.requests)
    for work in planned:
        (works[work.archive] if work.id in receipts else outstanding).append(work)
    for archive in manifest.archives if works else ():
        for work in works.get(archive.id, ()):
            done[archive.id].append(Done(archive, work, receipts[work.id]))
    if not outstanding:
        outstanding = _join_shares(ledger, manifest, done) or _ask_copies(ledger, manifest, done)
    in_order = (
        each
        for archive in manifest.archives
        for each in sorted(done.get(archive.id, []), key=lambda each: each.work.share or 0)
    )
    return Results(tuple(in_order), tuple(outstanding))


class _OutOfOrderError(Exception):
    """Not every archive is done as a whole, and as it was planned."""


def _of_many(
    ledger: Receipts, manifest: Manifest, planned: Iterable[WorkSizes], as_read: AsRead
) -> Sequence[Done] | None:
    """All results of very many archives, of which few are in memory at a time; None unless each is
    that of a whole archive, which could be read."""
    there, work_ids = ledger.receipt_ids(), list[str]()
    for each in planned:
        if each.are_shares or (each.sizes and each.archive not in there):
            return None
        if each.sizes:
            work_ids.append(each.archive)
    del there  # of each archive as many bytes as its packed result has
    with suppress(_OutOfOrderError):
        return Packed(Done, as_read(_each_done(ledger, manifest, work_ids)))
    return None


def _each_done(ledger: Receipts, manifest: Manifest, work_ids: list[str]) -> Iterator[Done]:
    receipts = ledger.each_receipt(work_ids, manifest.policy.requests)
    for archive in manifest.archives:
        if archive.duplicate_of is None:
            work_id, receipt = next(receipts, ("", None))
            if receipt is None or work_id != archive.id:
                raise _OutOfOrderError
            done = Done(archive, Work(archive.id), receipt)
            if _failed(done):
                raise _OutOfOrderError
            yield done


def _join_shares(ledger: Receipts, manifest: Manifest, done: _Counting) -> list[Work]:
    """Puts receipts of whole archives in the place of shares that say nothing about the whole:
    one could not read the archive, or together they are over its limit. Returns the work that
    lacks a receipt."""
    outstanding = []
    for archive in manifest.archives:
        shares = done.get(archive.id, [])
        if not archive.shares or not shares:
            continue
        used = sum(each.receipt.json_bytes for each in shares)
        failed = [each for each in shares if _failed(each)]
        quarantined = [each for each in failed if each.receipt.quarantined]
        if quarantined:  # the whole would end its workers, too
            done[archive.id] = quarantined[:1]
        elif failed or used > manifest.options.limits.archive_bytes:
            whole = Work(archive.id)
            receipt = ledger.receipt(whole)
            if receipt is None:
                outstanding.append(whole)
            else:
                done[archive.id] = [Done(archive, whole, receipt)]
    return outstanding


def _ask_copies(ledger: Receipts, manifest: Manifest, done: _Counting) -> list[Work]:
    """Puts the receipts of copies into ``done``; returns the work that lacks one."""
    failed: set[str] = set()
    while newly := _failed_archives(done) - failed:
        failed |= newly
        outstanding = []
        for archive, skip in _effective_skips(manifest, failed):
            work = _work(archive, skip)
            if archive.id in done and (work.skip is None or done[archive.id][0].work == work):
                continue
            receipt = ledger.receipt(work)
            if receipt is None:
                outstanding.append(work)
            else:
                done[archive.id] = [Done(archive, work, receipt)]
        if outstanding:
            return outstanding
    for archive in manifest.archives:
        if archive.duplicate_of and archive.name in failed:
            done.pop(archive.id, None)
    return []


def _failed_archives(done: _Counting) -> set[str]:
    return {each.archive.name for pieces in done.values() for each in pieces if _failed(each)}


def _effective_skips(
    manifest: Manifest, failed: AbstractSet[str]
) -> Iterator[tuple[ArchiveRef, frozenset[int]]]:
    """Archives that count if those named ``failed`` do not, with the directory places of the
    days that are skipped because another archive has them."""
    by_name = {archive.name: archive for archive in manifest.archives}
    archives_seen: set[str] = set()
    days_seen: set[str] = set()
    for archive in manifest.archives:
        if archive.name in failed:
            continue
        if archive.digest is not None:
            if archive.digest in archives_seen:
                continue
            archives_seen.add(archive.digest)
        # Only originals were looked into; a copy has the same directory.
        original = by_name[archive.duplicate_of] if archive.duplicate_of else archive
        skip = set()
        for day in original.days:
            if day.digest is None:
                continue
            if day.digest in days_seen:
                skip.add(day.index)
            days_seen.add(day.digest)
        yield archive, frozenset(skip)


def _work(archive: ArchiveRef, skip: frozenset[int]) -> Work:
    planned = archive.duplicate_of is None and skip == archive.planned_skip()
    return Work(archive.id, None if planned else tuple(sorted(skip)))


def _failed(done: Done) -> bool:
    return any(place.day is None for place in done.receipt.unreadable)
