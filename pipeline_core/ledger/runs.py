"""Which runs a state has.

Names of folders are not vouched for: under a key whoever may write there can plant as many as they
like, and copies of runs under other names. What takes the newest asks for those that count.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline_core.ledger.names import is_run_id
from pipeline_core.storage import Storage


def run_ids(state: Storage) -> list[str]:
    """What is called as a run is, oldest first (ids begin with their time of planning)."""
    return [name for name in state.folders("runs") if is_run_id(name)]


def newest_runs(state: Storage) -> Iterator[str]:
    """The runs that the state vouches for, newest first; without a key, every one."""
    return (run_id for run_id in reversed(run_ids(state)) if is_vouched_run(state, run_id))


def is_vouched_run(state: Storage, run_id: str) -> bool:
    """Whether an outcome, a plan or an attempt of a run was written under the state's key."""
    folder = f"runs/{run_id}"
    return (
        state.vouches(f"{folder}/outcome.json")
        or state.vouches(f"{folder}/manifest.json")
        or any(state.vouches(stored.key) for stored in state.files(f"{folder}/attempts"))
    )


def planted_words(state: Storage, counted: list[str]) -> str:
    """A sentence, behind a blank, about folders among the ``counted`` newest runs that are called
    as runs are and are none; empty if there are none."""
    oldest = min(counted, default="")
    planted = sum(run_id >= oldest for run_id in run_ids(state)) - len(counted)
    if not planted:
        return ""
    what = "1 folder is" if planted == 1 else f"{planted:,} folders are"
    return f" {what} called as a run is, with nothing that the key of the state vouches for."
