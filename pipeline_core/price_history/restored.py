"""A price history that is not what plans saw: taken from a run, or given by a person."""

from __future__ import annotations

from datetime import datetime

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.kept.snapshots import load_snapshot
from pipeline_core.ledger import RunLedger
from pipeline_core.logs import get_logger
from pipeline_core.messages import PriceList
from pipeline_core.price_history.price_lists import (
    load_prices,
    newest_prices,
    note_prices,
    replace_prices,
)
from pipeline_core.price_history.price_table import PriceTable, table_of
from pipeline_core.storage import Storage

log = get_logger()


def loaded(state: Storage, products: Snapshot, now: datetime) -> PriceList:
    """A version of the history that has the rows of these products, whatever was kept before.

    Raises:
        ConfigError: there is no product.
        RetryableError: the state does not answer.
    """
    if not products.products.num_rows:
        raise ConfigError("The file has no product.", "`sales-pipeline prices --csv` writes one.")
    return _put(state, products, now, "")


def restored(state: Storage, run_id: str, now: datetime) -> PriceList:
    """A version of the history from the snapshot of a run that was made by one.

    Raises:
        ConfigError: there is no such run, it was made by none, or the history is there and sound.
        ContractError: the snapshot is gone or damaged.
        RetryableError: the state does not answer.
    """
    manifest = RunLedger(state, run_id).manifest()
    if manifest.price_history is None:
        raise ConfigError(
            f"Run {run_id} was made without a price history.", "Name a run that has one."
        )
    _check_lost(state)
    return _put(state, load_snapshot(state, manifest.dimensions_digest), now, run_id)


def _put(state: Storage, products: Snapshot, now: datetime, run_id: str) -> PriceList:
    rows = table_of(PriceTable(products.products, products.scale))
    made = replace_prices(state, rows, now, run_id)
    if made is None:
        raise RetryableError("The price history changes right now.", "Look at it once more.")
    note_prices(state)
    log.info("prices_replaced", run_id=run_id, number=made.number)
    return made


def _check_lost(state: Storage) -> None:
    """Raises ConfigError if nothing is: what is sound knows more than an earlier run."""
    try:
        newest = newest_prices(state)
        if newest is not None:
            load_prices(state, newest)
    except ConfigError:  # what is to be mended
        return
    raise ConfigError(
        f"The price history of {state.uri} is neither lost nor damaged.",
        "`sales-pipeline prices` shows it.",
    )
