"""resume: a run that stopped, failed, or was refused over a quarantined archive, anew."""

from __future__ import annotations

from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.attempts import PLAN, PUBLISH
from pipeline_core.ledger.results import results
from pipeline_core.messages import Manifest


def reopen(ledger: RunLedger) -> Manifest:
    """Makes an ended run one that is under way: what is done stays done, what failed or was
    quarantined is tried again from the start. A published run is left as it is, and so are the
    attempts of one that merely stopped: what ended this process would end the next ones too.

    Raises:
        ConfigError: there is no such run, or it was never planned.
    """
    manifest = ledger.manifest()
    verdict = ledger.verdict()
    if verdict is not None and verdict.state == "published":
        return manifest
    if verdict is not None or ledger.outcome() is not None:
        _forgive_attempts(ledger, manifest)
        ledger.reopen()  # last: if this is cut off, the run has still ended
    for dispatch in reversed(ledger.dispatches()):
        ledger.remove_dispatch(dispatch)
    return manifest


def _forgive_attempts(ledger: RunLedger, manifest: Manifest) -> None:
    for each in results(ledger, manifest).done:
        if each.receipt.quarantined:
            # Before the receipt is gone: who is about to quarantine it looks again afterwards.
            ledger.forgive_attempts(each.work.id)
            ledger.discard_receipt(each.work)
    for work in results(ledger, manifest).outstanding:
        ledger.forgive_attempts(work.id)
    for work_id in (PLAN, PUBLISH):
        ledger.forgive_attempts(work_id)
