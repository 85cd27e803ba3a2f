"""Attempts whose results say who made them: once a run is published, their records are removed.

Of each archive of a published run stay its result and its extracts. What came to nothing stays as
it was: the records of whatever was attempted more than once, or quarantined, or could not be done.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipeline_core.errors import RetryableError
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.logs import get_logger
from pipeline_core.messages import Receipt

log = get_logger()


def remove_finished(ledger: RunLedger, found: Iterable[Done]) -> None:
    """Removes the records of attempts of a published run at work that was done by the first one,
    and whose receipt says all of it, unless there was another. What a storage that does not
    answer leaves, `gc` removes."""
    made = {done.work.id for done in found if _is_made_at_once(done.receipt)}
    try:
        if made:  # else there may be none, and nothing is asked
            counts = ledger.attempt_counts()
            ledger.remove_attempts(each for each in made if counts.get(each) == 1)
    except RetryableError as trouble:  # the report is there: nothing is wrong with the run
        log.warning("attempts_not_removed", run_id=ledger.run_id, cause=trouble.message)


def remove_left_over(ledger: RunLedger) -> None:
    """The same where a publisher was cut off, or an attempt began after the end. Raises
    RetryableError."""
    single = [each for each, count in ledger.attempt_counts().items() if count == 1]
    archives = [each for each in single if each[:1].isdigit()]
    outcome = ledger.outcome() if archives else None
    if outcome is not None and outcome.state == "published":
        receipts = ledger.receipts_of(archives)
        done = [each for each, receipt in receipts.items() if _is_made_at_once(receipt)]
        ledger.remove_attempts(done)


def _is_made_at_once(receipt: Receipt) -> bool:
    made_by = receipt.made_by
    return made_by is not None and made_by.number == 1 and not receipt.quarantined
