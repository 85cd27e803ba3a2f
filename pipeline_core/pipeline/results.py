"""What of a run is done, by its receipts, and what work is outstanding.

Copies take the place of an original that turned out to be unreadable: planning lets the first
of several equal archives or days count, and if that one cannot be read after all, the first of
its copies that can be read counts instead. Copies that cannot be read either stay duplicates.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ArchiveRef, Manifest, Receipt, Work


class Done(NamedTuple):
    """A receipt that counts."""

    archive: ArchiveRef
    work: Work
    receipt: Receipt


@dataclass(frozen=True)
class Results:
    """``done`` in the order of the archives' names, ``outstanding`` largest first."""

    done: tuple[Done, ...]
    outstanding: tuple[Work, ...]


def results(ledger: RunLedger, manifest: Manifest) -> Results:
    """Reads the receipts; once all that was planned is done, also asks for what copies hold."""
    done, outstanding = {}, []
    for work in manifest.planned_work():
        receipt = ledger.receipt(work)
        if receipt is None:
            outstanding.append(work)
        else:
            done[work.archive] = Done(manifest.archive(work.archive), work, receipt)
    if not outstanding:
        outstanding = _ask_copies(ledger, manifest, done)
    in_order = (done[ref.id] for ref in manifest.archives if ref.id in done)
    return Results(tuple(in_order), tuple(outstanding))


def _ask_copies(ledger: RunLedger, manifest: Manifest, done: dict[str, Done]) -> list[Work]:
    """Puts the receipts of copies into ``done``; returns the work that lacks one."""
    failed: set[str] = set()
    while newly := {each.archive.name for each in done.values() if _failed(each)} - failed:
        failed |= newly
        outstanding = []
        for archive, skip in _effective_skips(manifest, failed):
            work = _work(archive, skip)
            if archive.id in done and done[archive.id].work == work:
                continue
            receipt = ledger.receipt(work)
            if receipt is None:
                outstanding.append(work)
            else:
                done[archive.id] = Done(archive, work, receipt)
        if outstanding:
            return outstanding
    for each in [each for each in done.values() if each.archive.duplicate_of and _failed(each)]:
        del done[each.archive.id]
    return []


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
