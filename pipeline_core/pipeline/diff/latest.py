"""What a newly published report says that the one before it did not, for those who are told."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pipeline_core.ledger import RunLedger, published_ids
from pipeline_core.messages import Summary
from pipeline_core.pipeline.diff.compare import difference
from pipeline_core.pipeline.diff.published import published_run
from pipeline_core.pipeline.diff.sentences import headlines
from pipeline_core.storage import Storage
from pipeline_core.transform.money import grouped

_TOLD = 3
# The causes of more take a while, and memory that a worker may not have.
_MOST_PURCHASES = 500_000


def changes_since_last(state: Storage, run_id: str) -> tuple[str, ...]:
    """Sentences about a published run and the newest published one that was planned before it:
    how revenue moved, and what moved it most. Empty if there is none before it, or if it is an
    as-of run.

    Raises:
        ConfigError: a report, or an event of it, is gone.
        ContractError: a report is not what its run's archives, customers and products come to.
        RetryableError: a storage does not answer.
    """
    if RunLedger(state, run_id).manifest().options.as_of is not None:
        return ()
    earlier = max((each for each in published_ids(state) if each < run_id), default=None)
    return () if earlier is None else tuple(_sentences(state, earlier, run_id))


def _sentences(state: Storage, before: str, after: str) -> Iterator[str]:
    was, is_now = (published_run(state, run_id).summary for run_id in (before, after))
    yield _moved(was, is_now)
    if max(was.events.counted, is_now.events.counted) <= _MOST_PURCHASES:
        yield from headlines(difference(state, before, after), _TOLD)
    yield f"`sales-pipeline diff {before} {after}` says more."


def _moved(was: Summary, is_now: Summary) -> str:
    revenue = grouped(is_now.totals.total_revenue)
    change = Decimal(is_now.totals.total_revenue) - Decimal(was.totals.total_revenue)
    if not change:
        return f"Revenue is {revenue}, as in run {was.run_id}."
    moved = "fell" if change < 0 else "rose"
    return f"Revenue {moved} by {grouped(f'{abs(change):f}')} to {revenue} since run {was.run_id}."
