"""gc: removes what no later run can use any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from pipeline_core.extract.extract_cache import EXTRACTS
from pipeline_core.ledger import RunLedger, newest_runs, run_ids
from pipeline_core.ledger.cache import DAYS, MERGED, load_distinct, load_memory, merged_names
from pipeline_core.messages import ArchiveRef, Memory, Receipt
from pipeline_core.publication.merge import merge_keys
from pipeline_core.publication.without_sent_twice import distinct_key
from pipeline_core.storage import Storage


@dataclass(frozen=True)
class Removed:
    """Files that were removed, or would be, and their bytes."""

    extracts: int = 0
    merged: int = 0
    results: int = 0
    bytes: int = 0


def collect_garbage(state: Storage, keep_runs: int, *, dry_run: bool = False) -> Removed:
    """Removes extracts, partials (merged ones too), rejects and named ids that neither the newest
    ``keep_runs`` runs nor the next one can use. Manifests, receipts, outcomes and published
    reports stay.

    Raises:
        RetryableError: the state storage does not answer.
    """
    newest = set(islice(newest_runs(state), keep_runs))
    receipts = [each for run_id in newest for each in RunLedger(state, run_id).receipts()]
    # Read last: a run that ends now is remembered, and its receipts were read.
    memory = load_memory(state)
    receipts += [each for one in (memory.archives if memory else ()) for _, each in one.done]
    digests = {digest for receipt in receipts for digest in receipt.day_digests.values()}
    days = load_memory(state, DAYS)
    digests |= {
        day.digest
        for one in (days.archives if days else ())
        for day in one.archive.days
        if day.digest is not None
    }
    kept = load_distinct(state)
    distinct = list(kept.values())
    for run_id in newest:
        distinct += (RunLedger(state, run_id).distinct() or {}).values()
    files = {key for receipt in (*receipts, *distinct) for key in _files(receipt)}
    extracts = [
        stored
        for rules in state.folders(EXTRACTS)
        for stored in state.files(f"{EXTRACTS}/{rules}")
        if stored.key.rsplit("/", 1)[1].partition(".")[0] not in digests
    ]
    results = [
        stored
        for run_id in run_ids(state)
        if run_id not in newest
        for folder in ("partials", "rejects", "event_keys", "named_ids")
        for stored in state.files(f"runs/{run_id}/{folder}")
        if stored.key not in files
    ]
    usable = _usable_merged(memory, kept) if memory is not None else set()
    merged = [stored for stored in state.files(MERGED) if merged_names(stored.key)[0] not in usable]
    unusable = (*extracts, *merged, *results)
    if not dry_run:
        for stored in unusable:
            state.remove(stored.key)
    behind = list(_behind_receipts(state, newest, files, dry_run=dry_run))
    size = sum(each.size for each in unusable) + sum(behind)
    return Removed(len(extracts), len(merged), len(results) + len(behind), size)


def _behind_receipts(
    state: Storage, newest: Collection[str], used: Collection[str], *, dry_run: bool
) -> Iterator[int]:
    """Removes what is behind receipts of runs that are not among the newest, and not in use; the
    receipts stay. Yields how many bytes each was."""
    for ledger in (RunLedger(state, run_id) for run_id in run_ids(state) if run_id not in newest):
        for stored in ledger.result_files():
            if stored.key not in used:
                size = ledger.leave_receipt(stored.key, dry_run=dry_run)
                if size:
                    yield size


def _usable_merged(memory: Memory, kept: Mapping[str, Receipt]) -> set[str]:
    """Keys of merged partials, those without events that were sent before where there are some."""

    def counting(archive: ArchiveRef, receipt: Receipt) -> Receipt:
        return kept.get(distinct_key(memory, archive, receipt), receipt) if kept else receipt

    archives = (
        (known.archive.name, [counting(known.archive, receipt) for _, receipt in known.done])
        for known in memory.archives
    )
    return merge_keys(archives, memory.report_plugins, memory.options.returns)


def _files(receipt: Receipt) -> Iterable[str]:
    stored = (*receipt.partials.values(), receipt.rejects, receipt.event_keys)
    stored = (*stored, receipt.named_ids.file)
    return (each.key for each in stored if each is not None)
