"""Which run was sent last to a destination at which nothing stands that could be asked."""

from __future__ import annotations

from pipeline_core.delivery.records import load_delivery
from pipeline_core.delivery.rows import Standing
from pipeline_core.ledger import RunLedger, published_ids


def newer_told(ledger: RunLedger, destination: str) -> str | None:
    """Id of a newer run that was sent there, may have been, or is about to be; None if there is
    none."""
    order = _order(ledger)
    for run_id in published_ids(ledger.state):
        if run_id <= ledger.run_id:
            break
        other = RunLedger(ledger.state, run_id)
        found = load_delivery(other, destination)
        is_sent = found is not None and (found.may_be_there or found.state == "pending")
        if is_sent and _order(other).is_newer_than(order):
            return run_id
    return None


def _order(ledger: RunLedger) -> Standing:
    manifest = ledger.planned()
    return Standing(ledger.run_id, None if manifest is None else manifest.options.as_of)
