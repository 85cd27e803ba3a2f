"""Results that are no longer in the state, most often because `gc` removed them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from pipeline_core.errors import LostResult, ResultsMissing
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.messages import Receipt
from pipeline_core.plural import counted
from pipeline_core.storage import Storage


@contextmanager
def discarding_all_gone(ledger: RunLedger, done: Sequence[Done]) -> Iterator[None]:
    """Where a result turns out to be missing, takes all of ``done`` whose files are gone for not
    done, so that they are made again together.

    Raises:
        ResultsMissing: as what is done in it does; of those that are gone it says how many.
    """
    try:
        yield
    except ResultsMissing as error:
        if not isinstance(error.__cause__, LostResult):  # damaged, and discarded alone
            raise
        gone = list(_gone(ledger.state, done))
        if not gone:
            raise
        ledger.discard_receipt(*(each.work for each in gone))
        archives = counted(len({each.archive.id for each in gone}), "archive")
        raise ResultsMissing(
            f"The state no longer has run {ledger.run_id}'s results of {archives}, such as "
            f"{gone[0].archive.name}: `gc` removes those of older runs.",
            f"`sales-pipeline resume {ledger.run_id}` makes them again, together.",
        ) from error


def files_of(receipt: Receipt) -> Iterable[str]:
    """Keys of the files that a receipt names."""
    stored = (*receipt.partials.values(), receipt.rejects, receipt.event_keys)
    stored = (*stored, receipt.named_ids.file)
    return (each.key for each in stored if each is not None)


def _gone(state: Storage, done: Iterable[Done]) -> Iterator[Done]:
    """Those of which a file is gone; each folder is listed once."""

    @cache
    def there(folder: str) -> set[str]:
        return {stored.key for stored in state.files(folder)}

    for each in done:
        if any(key not in there(key.rpartition("/")[0]) for key in files_of(each.receipt)):
            yield each
