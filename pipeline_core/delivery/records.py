"""What became of a run's deliveries: a record for each destination, by the destination's id."""

from __future__ import annotations

from pipeline_core.ledger.records import read_record
from pipeline_core.ledger.run import RunLedger
from pipeline_core.messages import to_json
from pipeline_core.messages.delivery import Delivery


def load_delivery(ledger: RunLedger, destination: str) -> Delivery | None:
    """The record of one destination, or None if the run was never to be delivered there."""
    return read_record(ledger.state, _key(ledger, destination), Delivery, ledger.run_id)


def save_delivery(ledger: RunLedger, delivery: Delivery) -> None:
    """Replaces the record of its destination."""
    ledger.state.write(_key(ledger, delivery.destination), to_json(delivery))


def deliveries_of(ledger: RunLedger) -> list[Delivery]:
    """Every record of the run, by what its destination is called."""
    keys = (stored.key for stored in ledger.state.files(_folder(ledger)))
    found = (read_record(ledger.state, key, Delivery, ledger.run_id) for key in keys)
    return sorted((each for each in found if each is not None), key=lambda each: each.shown)


def _folder(ledger: RunLedger) -> str:
    return f"runs/{ledger.run_id}/deliveries"


def _key(ledger: RunLedger, destination: str) -> str:
    return f"{_folder(ledger)}/{destination}.json"
