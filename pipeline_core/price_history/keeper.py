"""SALES_PRICE_HISTORY=keep: every plan continues the history, and freezes all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline_core.dimensions.snapshot import Snapshot
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.logs import get_logger
from pipeline_core.messages import PriceList
from pipeline_core.price_history.continued import continued
from pipeline_core.price_history.price_lists import (
    add_prices,
    load_prices,
    newest_prices,
    note_prices,
)
from pipeline_core.price_history.price_table import (
    PriceTable,
    at_scale,
    kept_scale,
    prices_of,
    table_of,
)
from pipeline_core.storage import Storage
from pipeline_core.valid_ranges import is_dated

log = get_logger()

_LEAVE_OUT = "Leave SALES_PRICE_HISTORY out"
_MOST_TRIES = 20


class PriceKeeper:
    """Keeps the history of one plan, from before it reads the products."""

    def __init__(self, state: Storage, zone: str, run_id: str) -> None:
        """Raises ConfigError if the history is lost."""
        self._state, self._zone, self._run_id = state, ZoneInfo(zone), run_id
        self._seen = newest_prices(state)

    def continued(self, snapshot: Snapshot, read_at: datetime) -> tuple[Snapshot, int]:
        """The snapshot with all prices that there were, and the number of their version, stored.

        Raises:
            ConfigError: products say themselves when they are valid, there are none any more, or
                the history is lost.
            InputError: a price is over what the decimals of an old one leave room for.
            RetryableError: the state does not answer.
        """
        now = _prices_of_now(snapshot)
        for _ in range(_MOST_TRIES):
            newest = newest_prices(self._state)
            known = None if newest is None else prices_of(load_prices(self._state, newest))
            found = self._continued(newest, known, now, read_at)
            if newest is None or found is not known:
                newest = add_prices(self._state, newest, table_of(found), read_at, self._run_id)
                if newest is None:
                    continue  # another plan was quicker: its version is the one to continue
                log.info("prices_changed", run_id=self._run_id, number=newest.number)
            note_prices(self._state)
            return _with_prices(snapshot, found), newest.number
        raise RetryableError(
            "The price history changes all the time.", "Plan one run after the other."
        )

    def unchanged(self, snapshot: Snapshot, read_at: datetime) -> tuple[Snapshot, int] | None:
        """As ``continued``, if the snapshot has the prices of the newest version; else None.
        Nothing is stored. Raises as ``continued`` does."""
        now, newest = _prices_of_now(snapshot), newest_prices(self._state)
        if newest is None:
            return None
        known = prices_of(load_prices(self._state, newest))
        if self._continued(newest, known, now, read_at) is not known:
            return None
        return _with_prices(snapshot, known), newest.number

    def _continued(
        self, newest: PriceList | None, known: PriceTable | None, now: PriceTable, read_at: datetime
    ) -> PriceTable:
        """What a plan that ran beside this one, read the products later and was quicker has made,
        stands."""
        if newest is None or known is None:
            return now
        seen = 0 if self._seen is None else self._seen.number
        if newest.number > seen and newest.read_at > read_at:
            return known
        return continued(known, now, read_at.astimezone(self._zone).date())


def _prices_of_now(snapshot: Snapshot) -> PriceTable:
    """Raises ConfigError if products say themselves when they are valid."""
    now = PriceTable(snapshot.products, snapshot.scale)
    if is_dated(now.rows):
        raise ConfigError(
            "SALES_PRICE_HISTORY=keep, and products say themselves when their rows are valid "
            "(valid_from, valid_to): there would be two histories.",
            f"{_LEAVE_OUT}, or leave these columns out.",
        )
    return now


def _with_prices(snapshot: Snapshot, prices: PriceTable) -> Snapshot:
    """With all rows of the history, and its decimals: those of its products file, too."""
    scale = kept_scale(prices)
    return replace(snapshot, products=at_scale(prices, scale), scale=scale)
