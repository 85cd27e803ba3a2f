"""Copies take the place of an original that turned out to be unreadable.

Planning lets the first of several equal archives or days count. If that one cannot be read
after all, the first of its copies that can be read counts instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ArchiveRef, Manifest, Receipt
from pipeline_core.pipeline.process import process


def rescue(state_uri: str, ledger: RunLedger, manifest: Manifest) -> None:
    """Processes what the unreadable archives' copies hold; nothing if there are none.

    Raises:
        PipelineError: as ``process`` does.
    """
    names = {archive.id: archive.name for archive in manifest.archives}
    while True:
        receipts = [ledger.receipt(archive.id) for archive in manifest.archives]
        failed = {names[receipt.archive] for receipt in receipts if receipt and _failed(receipt)}
        behind = [
            (archive, skip)
            for archive, skip in effective_skips(manifest, failed)
            if not _is_done(ledger.receipt(archive.id), skip)
        ]
        if not failed or not behind:
            return
        for archive, skip in behind:
            process(state_uri, ledger.run_id, archive.id, skip=skip)


def effective_skips(
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


def _failed(receipt: Receipt) -> bool:
    return any(place.day is None for place in receipt.unreadable)


def _is_done(receipt: Receipt | None, skip: frozenset[int]) -> bool:
    if receipt is None:
        return False
    # A skip only ever loses days as more originals fail, so its length tells it.
    return _failed(receipt) or receipt.days.duplicate == len(skip)
