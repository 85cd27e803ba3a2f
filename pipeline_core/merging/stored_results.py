"""Files that results name, for whoever publishes: what is damaged is made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO

from pipeline_core.errors import DamagedResult, LostResult, ResultsMissing
from pipeline_core.ledger import RunLedger
from pipeline_core.ledger.results import Done
from pipeline_core.logs import get_logger
from pipeline_core.messages import StoredFile

log = get_logger()


def load_result(ledger: RunLedger, done: Done, stored: StoredFile) -> bytes:
    """The bytes of a file that a receipt names.

    Raises:
        ResultsMissing: it is damaged; its archive is taken for not done.
    """
    with _discarded_if_damaged(ledger, done):
        return ledger.load(stored)


@contextmanager
def opened_result(ledger: RunLedger, done: Done, stored: StoredFile) -> Iterator[IO[bytes]]:
    """The same to read from its beginning: of a file that may be large. Raises as load_result."""
    with ExitStack() as stack:
        with _discarded_if_damaged(ledger, done):
            file = stack.enter_context(ledger.opened(stored))
        yield file


@contextmanager
def _discarded_if_damaged(ledger: RunLedger, done: Done) -> Iterator[None]:
    try:
        yield
    except DamagedResult as error:
        if not isinstance(error, LostResult):  # gone_results discards it, with all that are gone
            log.warning("damaged_result_discarded", run_id=ledger.run_id, cause=error.message)
            ledger.discard_receipt(done.work)
        raise ResultsMissing(
            error.message, f"`sales-pipeline resume {ledger.run_id}` makes it again."
        ) from error
