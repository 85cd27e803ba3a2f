"""Events of days that counted in a run, counted once more as that run did."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline_core.ledger import RunLedger, load_snapshot
from pipeline_core.messages import Manifest
from pipeline_core.processing.accumulate import Accumulator, Chunk, Rules
from pipeline_core.processing.recount import CountedDay, day_candidates
from pipeline_core.transform.lookup import prepare


def rules_of(ledger: RunLedger, manifest: Manifest) -> Rules:
    """The run's own customers, products and options. Raises ContractError if its snapshot is gone
    or damaged."""
    snapshot = load_snapshot(ledger.state, manifest.dimensions_digest)
    return Rules(prepare(snapshot.customers, snapshot.products, snapshot.scale), manifest.options)


def recount(
    ledger: RunLedger, manifest: Manifest, rules: Rules, days: Iterable[CountedDay]
) -> Accumulator:
    """Everything that is in ``days``; whoever asks closes the log of its rejects.

    Raises:
        EventsGone: a day's events are neither kept nor in its archive.
        RetryableError: a storage does not answer.
    """
    result = Accumulator(rules)
    with result.dropped_on_error():
        for day in days:
            for placed in day_candidates(ledger, manifest, day):
                place = (placed.archive, placed.day, placed.date, placed.part)
                result.add(Chunk(*place, 0, placed.decoded))
    return result
