"""The records of runs that are long over: how they ended stays, and nothing else."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from pipeline_core.ledger import RunLedger, lease, newest_published, newest_runs
from pipeline_core.messages import Memory
from pipeline_core.storage import Storage, StoredObject

_OUTCOME = "outcome.json"


def old_runs(state: Storage, keep_records: int, memory: Memory | None) -> tuple[str, ...]:
    """Runs but for the newest ``keep_records``, the one that readers see, the one that is
    remembered and the one under way; of those that have ended."""
    held = lease.newest(state)
    kept = {
        newest_published(state),
        memory.run_id if memory is not None else None,
        held.run_id if held is not None else None,
    }
    older = list(newest_runs(state))[keep_records:]
    return tuple(run_id for run_id in older if run_id not in kept)


def remove_records(
    state: Storage, run_id: str, used: Collection[str], *, dry_run: bool = False
) -> int:
    """Removes the records of a run, but for results in use (``used``, by key) and how it ended,
    which then says no more of each archive. Returns how many bytes that is; 0 of a run of which
    nothing else is left. Whoever goes on where this was cut off removes the rest."""
    ledger, folder = RunLedger(state, run_id), f"runs/{run_id}"
    outcome = ledger.outcome()
    if outcome is None:  # `recover` may take it up
        return 0
    inner = [each for name in state.folders(folder) for each in state.files(f"{folder}/{name}")]
    # The plan last: with it, the run looks as it did.
    files = sorted(state.files(folder), key=_is_plan)
    gone = [each for each in (*inner, *files) if each.key not in used and not _is_outcome(each)]
    if dry_run or not gone:
        return sum(each.size for each in gone)
    if outcome.summary is not None and outcome.summary.inputs:
        summary = msgspec.structs.replace(outcome.summary, inputs={})
        ledger.write_outcome(msgspec.structs.replace(outcome, summary=summary))
    for key in (f"published/{run_id}.json", f"slots/runs/{run_id}.json"):
        state.remove(key)
    for each in gone:
        state.remove(each.key)
    return sum(each.size for each in gone)


def _is_outcome(stored: StoredObject) -> bool:
    return stored.key.endswith(f"/{_OUTCOME}")


def _is_plan(stored: StoredObject) -> bool:
    return stored.key.endswith("/manifest.json")
