"""gc: removes what no later run can use any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from pipeline_core.blocks.files import FOLDER as BLOCKS
from pipeline_core.blocks.files import writer_of
from pipeline_core.kept.snapshots import snapshot_keys, unused_snapshots
from pipeline_core.kept.unused_extracts import unused_extracts
from pipeline_core.ledger import RunLedger, is_vouched_run, lease, newest_runs, run_ids
from pipeline_core.merging.gone_results import files_of
from pipeline_core.merging.lost_records import check_memory, check_results
from pipeline_core.merging.merge import merge_keys
from pipeline_core.messages import ArchiveRef, Memory, Receipt
from pipeline_core.publication.finished_attempts import remove_left_over
from pipeline_core.publication.without_sent_twice import distinct_key
from pipeline_core.reuse.cache import (
    DAYS,
    MERGED,
    distinct_blocks,
    load_distinct,
    load_memory,
    merged_names,
)
from pipeline_core.running.old_records import old_runs, remove_records
from pipeline_core.storage import Storage, StoredObject
from pipeline_core.storage.read_only import ReadOnlyStorage


@dataclass(frozen=True)
class Removed:
    """Files that were removed, or would be, and their bytes; ``runs`` are those whose records
    were. While there is a ``run_under_way``, extracts, merged partials and snapshots stay."""

    extracts: int = 0
    merged: int = 0
    results: int = 0
    bytes: int = 0
    runs: int = 0
    blocks: int = 0
    snapshots: int = 0
    run_under_way: str = ""


@dataclass
class _InUse:
    """What runs can use: SHA-256 of days, and keys of files, of blocks and of snapshots' files;
    ``unplanned`` are ids of runs without a plan."""

    digests: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    blocks: set[str] = field(default_factory=set)
    snapshots: set[str] = field(default_factory=set)
    unplanned: set[str] = field(default_factory=set)

    def add(self, receipts: Iterable[Receipt]) -> None:
        """What they name; of many, one at a time is held."""
        for receipt in receipts:
            self.digests.update(receipt.day_digests.values())
            self.files.update(files_of(receipt))

    def add_plan(self, ledger: RunLedger) -> None:
        """What a run whose records stand names."""
        manifest = ledger.planned()
        if manifest is None:
            self.unplanned.add(ledger.run_id)
        else:
            self.snapshots |= snapshot_keys(manifest.dimensions_digest, manifest.customer_numbers)
            if manifest.work is not None:
                self.blocks |= {block.key for block in (*manifest.blocks, manifest.work)}
        self.blocks |= ledger.blocks() | ledger.distinct_blocks()
        if (outcome := ledger.outcome()) is not None and outcome.inputs is not None:
            self.blocks.add(outcome.inputs.key)

    def add_memory(self, memory: Memory | None) -> None:
        """What the next run finds in it."""
        if memory is not None:
            self.blocks |= {block.key for block in (*memory.blocks, *memory.planned)}
            self.snapshots |= snapshot_keys(memory.dimensions_digest, memory.customer_numbers)
            for known in memory.archives:
                self.add(receipt for _, receipt in known.done)
                self.digests |= {day.digest for day in known.archive.days if day.digest is not None}


def collect_garbage(
    state: Storage, keep_runs: int, keep_records: int | None = None, *, dry_run: bool = False
) -> Removed:
    """Removes extracts, partials (merged ones too), rejects and named ids that neither the newest
    ``keep_runs`` runs nor the next one can use; and the records of runs but for the newest
    ``keep_records``, all if it is None: of older ones stays how they ended; blocks and snapshots
    go once no run names them whose records stay. Published reports stay. So do extracts, merged
    partials and snapshots while a run is under way, which may have kept them just now.

    Raises:
        LostResult, DamagedRecord: what is in use cannot be told; nothing is removed.
        RetryableError: the state storage does not answer.
    """
    place, state = state, (reading := ReadOnlyStorage(state))
    known, before = run_ids(state), _newest(state)
    newest = set(islice(newest_runs(state), keep_runs))
    used, read = _InUse(), set[str]()
    for ledger in (RunLedger(state, run_id) for run_id in newest):
        used.add(ledger.receipts(but=read))
        read |= ledger.blocks()
        used.add((ledger.distinct() or {}).values())
    # Read last: a run that ends now is remembered, and its receipts were read.
    memory = load_memory(state)
    used.add_memory(memory)
    used.add_memory(load_memory(state, DAYS))
    kept = load_distinct(state)
    used.add(kept.values())
    used.blocks |= distinct_blocks(state)
    for run_id in newest:
        check_results(RunLedger(state, run_id), reading.left)
    check_memory(memory, distinct_blocks(state), reading.left)
    old = () if keep_records is None else old_runs(state, max(keep_records, keep_runs), memory)
    older = [run_id for run_id in known if run_id not in newest and run_id not in old]
    extracts = list(unused_extracts(state, used.digests))
    results = [
        stored
        for run_id in older
        for folder in ("partials", "rejects", "event_keys", "named_ids")
        for stored in state.files(f"runs/{run_id}/{folder}")
        if stored.key not in used.files
    ]
    usable = _usable_merged(memory, kept) if memory is not None else set()
    merged = [stored for stored in state.files(MERGED) if merged_names(stored.key)[0] not in usable]
    standing = [each for each in known if each not in old]
    for run_id in standing:
        used.add_plan(RunLedger(state, run_id))
    # What such a plan named nobody knows.
    unplanned = (RunLedger(state, each) for each in used.unplanned if is_vouched_run(state, each))
    is_plan_lost = any(ledger.has_lost_plan() for ledger in unplanned)
    after = _newest(state)
    run_under_way = "" if after == before and after.has_ended else after.run_id
    if run_under_way:
        extracts = merged = []
    newest_block = "" if is_plan_lost else max(standing, default="")
    blocks = _unused_blocks(state, newest_block, used.blocks)
    is_any_planned = bool(run_under_way) or _has_somebody_the_turn(state)
    are_needed = is_any_planned or is_plan_lost
    snapshots = [] if are_needed else list(unused_snapshots(state, used.snapshots))
    unusable = (*extracts, *merged, *results, *blocks, *snapshots)
    state = reading if dry_run else place
    for stored in unusable:
        state.remove(stored.key)
    behind = list(_behind_receipts(state, older, used.files, dry_run=dry_run))
    for run_id in () if dry_run else newest:
        remove_left_over(RunLedger(state, run_id))
    gone = [remove_records(state, run_id, used.files, dry_run=dry_run) for run_id in old]
    return Removed(
        extracts=len(extracts),
        merged=len(merged),
        results=len(results) + len(behind),
        bytes=sum(each.size for each in unusable) + sum(behind) + sum(gone),
        runs=sum(map(bool, gone)),
        blocks=len(blocks),
        snapshots=len(snapshots),
        run_under_way=run_under_way,
    )


class _Newest(NamedTuple):
    run_id: str
    has_ended: bool


def _newest(state: Storage) -> _Newest:
    """The newest run; none is one that has ended."""
    run_id = next(newest_runs(state), "")
    return _Newest(run_id, not run_id or RunLedger(state, run_id).outcome() is not None)


def _has_somebody_the_turn(state: Storage) -> bool:
    """Whether a run is under way that may not be planned yet: its snapshot comes before its
    plan."""
    held = lease.newest(state)
    return held is not None and lease.is_in_force(state, held, datetime.now(UTC))


def _unused_blocks(state: Storage, newest: str, named: Collection[str]) -> list[StoredObject]:
    """Those that are not named. A run that is planned just now writes blocks before it names them:
    those of the newest run, and of later ones, stay."""
    return [
        stored
        for stored in state.files(BLOCKS)
        if stored.key not in named and writer_of(stored.key) < newest
    ]


def _behind_receipts(
    state: Storage, older: Iterable[str], used: Collection[str], *, dry_run: bool
) -> Iterator[int]:
    """Removes what is behind receipts of these runs, and not in use; the receipts stay. Yields how
    many bytes each was."""
    for ledger in (RunLedger(state, run_id) for run_id in older):
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
