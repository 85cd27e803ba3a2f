"""What each category brought in the newest months, each beside the month before and the same month
a year before. Sums are of whole minor units, and exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.page import OtherPeriod, OverTime, PeriodSales
from pipeline_core.page.figures import a_purchase
from pipeline_core.periods import period_of
from pipeline_core.transform.money import carry, group_sums, to_minor, to_text

# A month, the one before, ... and the same month a year before.
MONTHS = 13

_Numbers = NDArray[np.int64]


class _OfCategories(NamedTuple):
    """Of the days of a range, by the category's place."""

    revenue: list[int]
    units: list[int]
    purchases: list[int]


class CategoryMonths:
    """Of every category that has days with a date; nothing is computed twice."""

    def __init__(self, partial: pa.Table, over: OverTime, scale: int) -> None:
        dated = partial.filter(pc.is_valid(partial["date"]))
        self._dates = dated["date"].to_numpy().astype("datetime64[D]")
        names = dated["category"].combine_chunks().dictionary_encode()
        self._place = names.indices.to_numpy().astype(np.int64)
        self._places = {name: at for at, name in enumerate(names.dictionary.to_pylist())}
        self._measures = [
            dated[name].to_numpy() for name in ("revenue_hi", "revenue_lo", "units")
        ] + [pc.fill_null(dated["purchases"], 0).to_numpy()]
        self._scale = scale
        self._ranges: dict[tuple[date, date], _OfCategories] = {}
        first = over.months[0].since if over.months else date.max
        self._months = [(month, list(_others(month, first))) for month in over.months[-MONTHS:]]

    def of(self, category: str) -> tuple[PeriodSales, ...]:
        """Its months, oldest to newest; none if none of its days has a date."""
        at = self._places.get(category)
        return () if at is None else tuple(self._sales(*each, at) for each in self._months)

    def _sales(
        self, month: PeriodSales, others: list[tuple[str, date, date] | None], at: int
    ) -> PeriodSales:
        sums = self._between(month.first, month.until)
        purchases = None if month.purchases is None else sums.purchases[at]
        before, year_before = (None if each is None else self._other(*each, at) for each in others)
        return msgspec.structs.replace(
            month,
            revenue=None if month.revenue is None else to_text(sums.revenue[at], self._scale),
            units=sums.units[at],
            purchases=purchases,
            average=a_purchase(sums.revenue[at], purchases or 0, self._scale),
            before=before,
            year_before=year_before,
        )

    def _other(self, name: str, first: date, last: date, at: int) -> OtherPeriod:
        return OtherPeriod(name, to_text(self._between(first, last).revenue[at], self._scale))

    def _between(self, first: date, last: date) -> _OfCategories:
        if (first, last) not in self._ranges:
            inside = (self._dates >= np.datetime64(first)) & (self._dates <= np.datetime64(last))
            rows = np.flatnonzero(inside)
            hi, lo, units, purchases = (self._sums(each, rows) for each in self._measures)
            limbs = zip(*(each.tolist() for each in carry(hi, lo)), strict=True)
            self._ranges[first, last] = _OfCategories(
                [to_minor(*each) for each in limbs], units.tolist(), purchases.tolist()
            )
        return self._ranges[first, last]

    def _sums(self, measure: _Numbers, rows: Sequence[int] | _Numbers) -> _Numbers:
        return group_sums(self._place[rows], len(self._places), measure[rows])


def _others(month: PeriodSales, first: date) -> Iterator[tuple[str, date, date] | None]:
    """Names and dates of what a month is compared with, where the whole report has one."""
    both = period_of("month", month.first).others(first, month.until)
    for known, other in zip((month.before, month.year_before), both, strict=True):
        if known is None or other is None:
            yield None
        else:
            yield known.name, other.first, other.last
