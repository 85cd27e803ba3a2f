"""A price list that goes on: what changed in it, dated by the day on which that was seen."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.dimensions.validity import order_of
from pipeline_core.errors import ConfigError
from pipeline_core.price_history.price_table import PriceTable, at_scale, kept_scale
from pipeline_core.schemas import NO_PRICE, PRODUCTS, VALIDITY
from pipeline_core.transform.ids import NOT_FOUND, index_of
from pipeline_core.valid_ranges import distinct_ids, distinct_numbers


def continued(known: PriceTable, now: PriceTable, today: date) -> PriceTable:
    """``known`` with what is otherwise ``now`` from ``today`` on, or itself if nothing is.

    - A product that was never there is valid always: it has no past that this could restate.
    - Another price or category ends the row of before and opens one; if that was opened today, it
      is corrected in its place, and gone if it says again what the row before it says.
    - A product that is gone has its row ended; if it is back as it was, the row goes on.
    - A price that is missing is one like any other, until the next one takes its place, days and
      all: nothing was ever counted by it. Of a product that is gone it is gone, too.
    - Decimals of prices are what they ever were, or more: reports would have others by what was
      corrected.

    Raises:
        ConfigError: there is no product any more.
        InputError: a price leaves no room for the decimals of an older one.
    """
    scale = max(now.scale, kept_scale(known))
    was, is_now = at_scale(known, scale), at_scale(now, scale)
    number = distinct_numbers(was)
    newest = np.flatnonzero(np.diff(number, append=NOT_FOUND))
    at = index_of(distinct_ids(was)).rows_of(is_now["product_id"].combine_chunks())
    seen = np.flatnonzero(at != NOT_FOUND)
    if not len(is_now) and len(was):
        raise ConfigError(
            "There is no product any more: all prices of the price history would end today.",
            "Correct the table of products. Leave SALES_PRICE_HISTORY out if it is meant to be "
            "empty.",
        )
    is_like = _are_alike(was.take(newest[at[seen]]), is_now.take(seen))
    is_open = was["valid_to"].is_null().to_numpy()[newest]
    is_there = np.zeros(len(newest), np.bool_)
    is_there[at[seen]] = True
    changes = _Corrections(was, is_now, number, today)
    for row in np.flatnonzero(at == NOT_FOUND).tolist():
        changes.open(row, None)
    for row, alike in zip(seen.tolist(), is_like.tolist(), strict=True):
        if not alike or not is_open[at[row]]:
            changes.change(int(newest[at[row]]), row, alike=alike)
    for old in newest[is_open & ~is_there].tolist():
        changes.end(old)
    is_known = not changes.any() and scale <= known.scale
    return known if is_known else PriceTable(changes.rows(), scale)


class _Corrections:
    """What is done to rows ``was``, by their places; ``is_now`` are products of now by theirs."""

    def __init__(
        self, was: pa.Table, is_now: pa.Table, number: NDArray[np.int64], today: date
    ) -> None:
        self._was, self._is_now, self._number, self._today = was, is_now, number, today
        self._begins, self._ends = (was[each.name].to_pylist() for each in VALIDITY)
        self._is_missing = (was["price_minor"].to_numpy() == NO_PRICE).tolist()
        # The row of both tables, one behind the other, that each has its values of; None is gone.
        self._values: dict[int, int | None] = {}
        self._ended: dict[int, date | None] = {}
        self._opened: list[tuple[int, date | None]] = []

    def any(self) -> bool:
        """Whether anything changes."""
        return bool(self._values or self._ended or self._opened)

    def open(self, row: int, begin: date | None) -> None:
        """A row of now counts from then on."""
        self._opened.append((row, begin))

    def change(self, old: int, row: int, *, alike: bool) -> None:
        """The newest row ``old`` of a product gives way to the ``row`` of now, or goes on."""
        end = self._ends[old]
        if alike:
            self._ended[old] = None
        elif end is not None:
            self.open(row, max(end, self._today))
        elif not self._is_free(old):
            self._ended[old] = self._today
            self.open(row, self._today)
        elif (before := self._before(old)) is not None and _are_alike(
            self._was.take([before]), self._is_now.take([row])
        ).all():
            self._values[old] = None
            self._ended[before] = None
        else:
            self._values[old] = len(self._begins) + row

    def end(self, old: int) -> None:
        """The newest row of a product that is gone counts no more."""
        if self._is_free(old):
            self._values[old] = None
        else:
            self._ended[old] = self._today

    def rows(self) -> pa.Table:
        """All of them (schema PRODUCTS), once everything is said."""
        places, begins, ends = [], [], []
        for old, (begin, end) in enumerate(zip(self._begins, self._ends, strict=True)):
            value = self._values.get(old, old)
            if value is not None:
                places.append(value)
                begins.append(begin)
                ends.append(self._ended.get(old, end))
        for row, begin in self._opened:
            places.append(len(self._begins) + row)
            begins.append(begin)
            ends.append(None)
        both = pa.concat_tables([self._was, self._is_now]).take(places)
        values = [both[name] for name in PRODUCTS.names[: -len(VALIDITY)]]
        dates = [pa.array(days, pa.date32()) for days in (begins, ends)]
        found = pa.Table.from_arrays([*values, *dates], schema=PRODUCTS)
        return found.take(order_of(found)).combine_chunks()

    def _is_free(self, old: int) -> bool:
        """Whether another may take its place: it was opened today, or by a clock that was ahead, or
        it has no price."""
        begin = self._begins[old]
        return self._is_missing[old] or (begin is not None and begin >= self._today)

    def _before(self, old: int) -> int | None:
        """The row before it, if the product has one."""
        is_one = old > 0 and self._number[old - 1] == self._number[old]
        return old - 1 if is_one else None


def _are_alike(left: pa.Table, right: pa.Table) -> NDArray[np.bool_]:
    """Whether rows, one beside the other, have the same category and price."""
    categories = (pc.fill_null(each["category"], "") for each in (left, right))
    alike = pc.and_(pc.equal(*categories), pc.equal(left["price_minor"], right["price_minor"]))
    found: NDArray[np.bool_] = alike.to_numpy()
    return found
