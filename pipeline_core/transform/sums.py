"""Purchases that are certain to count, added up without a row for any of them.

`_sums.c` does it, where that was built. What a purchase counts as is defined by `enrich.py` and the
reports' ``aggregate``: the sums are theirs, or the row is handed back for them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from pipeline_core.errors import ContractError
from pipeline_core.transform.bitmaps import bitmap_of
from pipeline_core.transform.valid_rows import ValidRows
from pipeline_core.valid_ranges import DAYS, day_number

try:
    from pipeline_core.transform import _ids, _sums  # noqa: F401
except ImportError:  # there was no compiler
    IS_COMPILED = False
else:
    IS_COMPILED = True

if TYPE_CHECKING:
    from pipeline_core.transform._sums import Rules

_SECRET_BITS = 64

_Int64s = NDArray[np.int64]


class Measures(NamedTuple):
    """Of so many groups: int64 of shape (groups,); revenue as in SALES."""

    units: _Int64s
    purchases: _Int64s
    revenue_hi: _Int64s
    revenue_lo: _Int64s

    @property
    def amounts(self) -> tuple[_Int64s, _Int64s, _Int64s]:
        """Units and revenue."""
        return self.units, self.revenue_hi, self.revenue_lo


@dataclass(frozen=True)
class SummedSales:
    """What was added up, by codes of the dimensions' labels, groups in ascending order.

    ``days`` (as `day_numbers` has them), ``day_categories`` and ``day_segments`` are of the groups
    of ``by_day``; ``product_categories`` and ``products`` (places among the distinct ids) of those
    of ``by_product``. ``buyers``, uint32, are places of distinct customers, those of each category
    and segment up to its one of ``buyer_ends``."""

    days: _Int64s
    day_categories: _Int64s
    day_segments: _Int64s
    by_day: Measures
    product_categories: _Int64s
    products: _Int64s
    by_product: Measures
    buyers: NDArray[np.uint32]
    buyer_ends: _Int64s

    def buyers_by_group(self, numbers: NDArray[np.uint32] | None = None) -> list[BitMap]:
        """A set for each category and segment; of their ``numbers``, if these are given."""
        buyers = self.buyers if numbers is None else numbers[self.buyers]
        ends = self.buyer_ends.tolist()
        return [bitmap_of(buyers[a:b]) for a, b in pairwise([0, *ends])]


@dataclass(frozen=True)
class SumRules:
    """Customers and products of a run, as what is compiled takes them; how many labels and products
    there are, and whether a row of either ``is_dated``."""

    compiled: Rules
    categories: int
    segments: int
    products: int
    is_dated: bool


class Labelled(NamedTuple):
    """Customers or products: the rows of their ``ids``, and the codes (int32, by row) of so many
    ``labels``."""

    rows: ValidRows
    ids: int
    codes: NDArray[np.int32]
    labels: int


def sum_rules(products: Labelled, prices: _Int64s, customers: Labelled) -> SumRules | None:
    """None if nothing is compiled, or there are too many groups. ``prices`` are by row."""
    indexes = products.rows.compiled, customers.rows.compiled
    if not IS_COMPILED or products.labels * customers.labels > _sums.MOST_GROUPS:
        return None
    if indexes[0] is None or indexes[1] is None:
        return None
    of_products = (*indexes[0], products.codes, prices, products.labels)
    compiled = _sums.rules_of(*of_products, *indexes[1], customers.codes, customers.labels, DAYS)
    is_dated = products.rows.has_dates or customers.rows.has_dates
    return SumRules(compiled, products.labels, customers.labels, products.ids, is_dated)


class SalesSums:
    """What was added up so far."""

    def __init__(self, rules: SumRules) -> None:
        self._rules = rules
        self._sums = _sums.sums_by(rules.compiled, secrets.randbits(_SECRET_BITS))

    def add(
        self, day: date | None, first: int, rows: int, columns: tuple[Any, ...] | None
    ) -> _Int64s:
        """Adds what is certain of a day's candidates, which are so many rows from the ``first`` on
        of the buffers that `CandidateRows` has; the places of all others."""
        # Where a date would have decided, and there is none, the sale is one to be counted.
        if columns is None or (day is None and self._rules.is_dated):
            return np.arange(rows)
        left = _sums.add(self._sums, day_number(day), first, rows, columns)
        return np.frombuffer(left, np.int64)

    def absorb(self, others: SalesSums) -> None:
        """Adds all of other sums, of the same rules. Raises ContractError if exactness would not
        be certain."""
        try:
            _sums.absorb(self._sums, others._sums)
        except ValueError as error:
            raise ContractError(f"{error}; the figures would not be exact") from error

    @property
    def size(self) -> int:
        """How many sums, and blocks of customers, are held."""
        return _sums.size_of(self._sums)

    def sold(self) -> SummedSales:
        """All of it."""
        rules = self._rules
        keys, *by_day = _int64s(_sums.by_day(self._sums))
        days, groups = np.divmod(keys, rules.categories * rules.segments)
        products, *by_product = _int64s(_sums.by_product(self._sums))
        buyers, ends = _sums.customers(self._sums)
        return SummedSales(
            days,
            *np.divmod(groups, rules.segments),
            Measures(*by_day),
            *np.divmod(products, rules.products),
            Measures(*by_product),
            np.frombuffer(buyers, np.uint32),
            np.frombuffer(ends, np.int64),
        )


def _int64s(columns: Iterable[bytes]) -> list[_Int64s]:
    return [np.frombuffer(column, np.int64) for column in columns]
