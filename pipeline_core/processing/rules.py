"""What the events of a run are counted by."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline_core.ledger import RunLedger, load_snapshot
from pipeline_core.machine.profile import EVENT_BYTES
from pipeline_core.messages import Manifest, Options
from pipeline_core.transform.lookup import Dimensions, prepare


@dataclass(frozen=True)
class Rules:
    """The run's customers and products, and what it was told."""

    dimensions: Dimensions
    options: Options


def window_bytes(options: Options) -> int:
    """Text held at once: what ``batch_size`` events usually take."""
    return options.batch_size * EVENT_BYTES


def rules_of(ledger: RunLedger, manifest: Manifest) -> Rules:
    """The run's own customers, products and options. Raises ContractError if its snapshot is gone
    or damaged."""
    snapshot = load_snapshot(ledger.state, manifest.dimensions_digest)
    return Rules(prepare(snapshot.customers, snapshot.products, snapshot.scale), manifest.options)
