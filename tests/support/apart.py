"""What a run stored as versions before the result file did: files apart from a receipt of JSON."""

from __future__ import annotations

import msgspec

from pipeline_core.ledger import RunLedger
from pipeline_core.load.partials import read_partial
from pipeline_core.load.tables import to_partial
from pipeline_core.messages import Receipt, StoredFile, Work, to_json
from pipeline_core.reuse.cache import load_memory, save_memory


def lay_apart(ledger: RunLedger) -> None:
    """Of all that the run made, and that the next one remembers of it."""
    names, apart = {each.id: each.name for each in ledger.manifest().archives}, {}
    for work_id in ledger.receipt_ids():
        receipt = ledger.receipt_of(work_id)
        assert receipt is not None
        name = names[receipt.archive]
        apart[name] = _apart(ledger, Work(work_id), receipt)
        ledger.discard_receipt(Work(work_id))
        key = f"runs/{ledger.run_id}/receipts/{work_id}.json"
        ledger.state.write(key, to_json(apart[name]))
    memory = load_memory(ledger.state)
    assert memory is not None
    known = (
        msgspec.structs.replace(
            each, done=tuple((work, apart[each.archive.name]) for work, _ in each.done)
        )
        for each in memory.archives
    )
    save_memory(ledger.state, msgspec.structs.replace(memory, archives=tuple(known)))


def _apart(ledger: RunLedger, work: Work, receipt: Receipt) -> Receipt:
    def store(kind: str, ending: str, stored: StoredFile | None) -> StoredFile | None:
        if stored is None:
            return None
        return ledger.store(kind, work, ending, ledger.load(stored), stored.rows)

    partials = {
        report: ledger.store(
            "partials",
            work,
            f".{report}.parquet",
            to_partial(read_partial(ledger.load(stored))),
            stored.rows,
        )
        for report, stored in receipt.partials.items()
    }
    named = receipt.named_ids
    return msgspec.structs.replace(
        receipt,
        partials=partials,
        rejects=store("rejects", ".csv", receipt.rejects),
        event_keys=store("event_keys", ".arrow", receipt.event_keys),
        named_ids=msgspec.structs.replace(named, file=store("named_ids", ".arrow", named.file)),
    )
