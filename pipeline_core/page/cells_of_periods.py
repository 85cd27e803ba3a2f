"""What was sold in each month, in each week and on each day, by category and segment: the largest
rows of each, so many that all of them together fit on a page, and the rest as one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline_core.page import PeriodCells, PeriodSales, ShownGroups
from pipeline_core.periods import Step, numbers_of
from pipeline_core.transform.money import to_minor
from pipeline_core.transform.reports.base import group_rows, sum_measures

# Rows of all periods of a kind, and of one of them.
MOST_ROWS: dict[Step, int] = {"month": 8_000, "week": 8_000, "day": 20_000}
MOST_ROWS_OF_ONE = 500

_Numbers = NDArray[np.int64]


def cells_of_periods(
    partial: pa.Table,
    step: Step,
    periods: Sequence[PeriodSales],
    categories: ShownGroups,
    segments: ShownGroups,
) -> dict[str, PeriodCells]:
    """By key, of ``periods`` without a gap between them, those in which something was sold. A row
    of a category or a segment that is not listed is one of the rest."""
    if not periods:
        return {}
    dates, (first, last) = partial["date"], (periods[0].first, periods[-1].last)
    # Most rows may be older; one without a date is neither before nor after.
    dated = partial.filter(pc.and_(pc.greater_equal(dates, first), pc.less_equal(dates, last)))
    if not len(dated):
        return {}
    (begin,) = numbers_of(step, np.array([first], "datetime64[D]"))
    number = numbers_of(step, dated["date"].to_numpy().astype("datetime64[D]"))
    keys = [
        pa.array(number - begin),
        _places(dated["category"], categories),
        _places(dated["segment"], segments),
    ]
    groups = group_rows(keys)
    period, category, segment = (key.to_numpy() for key in groups.keys)
    units, hi, lo = (column.to_numpy() for column in sum_measures(dated, groups))
    rows = np.bincount(groups.number, minlength=groups.count)

    is_listed = (category >= 0) & (segment >= 0)
    order = np.lexsort([segment, category, -lo, -hi, ~is_listed, period])
    starts = np.flatnonzero(np.diff(period[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    most = _most_of_one(sizes, MOST_ROWS[step])
    revenue = [to_minor(*limbs) for limbs in zip(hi.tolist(), lo.tolist(), strict=True)]
    columns = category.tolist(), segment.tolist(), revenue, units.tolist()
    lines = list(zip(*columns, strict=True))
    found = {}
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        places = order[start : start + size]
        shown = int(is_listed[places][:most].sum())
        rest = places[shown:].tolist()
        others = int(rows[rest].sum()), sum(revenue[at] for at in rest), int(units[rest].sum())
        found[periods[int(period[places[0]])].key] = PeriodCells(
            tuple(lines[at] for at in places[:shown].tolist()), others if rest else None
        )
    return found


def _places(names: pa.ChunkedArray, groups: ShownGroups) -> pa.Array:
    """The place of each among those listed, -1 if it is none of them."""
    listed = pa.array([each.name for each in groups.shown], pa.string())
    return pc.fill_null(pc.index_in(names.combine_chunks(), listed), -1).cast(pa.int64())


def _most_of_one(sizes: _Numbers, room: int) -> int:
    """So many rows of each period that all of them fit."""
    most = MOST_ROWS_OF_ONE
    while most > 1 and int(np.minimum(sizes, most).sum()) > room:
        most -= 1
    return most
