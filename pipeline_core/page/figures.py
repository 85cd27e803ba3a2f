"""The figures of a page: cells, categories and segments; the largest, and the rest as one.

Sums are of whole minor units, and exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import pyarrow as pa

from pipeline_core.page import Folded, Group, SalesCell, SalesFigures, ShownGroups
from pipeline_core.transform.money import to_text
from pipeline_core.transform.reports.base import minors_of

CELLS = 500
GROUPS = 500
BARS = 12


class Sales(NamedTuple):
    """A row of the sales report; ``revenue`` in minor units."""

    category: str
    segment: str
    revenue: int
    units: int
    customers: int


class Sum(NamedTuple):
    """Of some rows; ``customers`` is None where distinct ones cannot be added up."""

    revenue: int
    units: int
    customers: int | None


def sales_rows(table: pa.Table) -> list[Sales]:
    """The finished sales report's rows, in its order."""
    category, segment, revenue, units, customers = table.columns
    names = category.to_pylist(), segment.to_pylist()
    numbers = minors_of(revenue), units.to_pylist(), customers.to_pylist()
    return list(map(Sales, *names, *numbers))


def by_category(rows: Iterable[Sales]) -> dict[str, list[Sales]]:
    """Rows by category, the largest revenue first."""
    found: defaultdict[str, list[Sales]] = defaultdict(list)
    for row in rows:
        found[row.category].append(row)
    return dict(sorted(found.items(), key=lambda each: (-_revenue(each[1]), each[0])))


def category_sum(rows: Sequence[Sales]) -> Sum:
    """All of one category. A customer has one segment, so that distinct ones add up here."""
    return _sum(rows)._replace(customers=sum(row.customers for row in rows))


def by_segment(rows: Iterable[Sales], customers: Mapping[str, int]) -> dict[str, Sum]:
    """Sums by segment, the largest revenue first; ``customers`` are the distinct ones of each."""
    revenue: defaultdict[str, int] = defaultdict(int)
    units: defaultdict[str, int] = defaultdict(int)
    for row in rows:
        revenue[row.segment] += row.revenue
        units[row.segment] += row.units
    in_order = sorted(revenue, key=lambda segment: (-revenue[segment], segment))
    return {each: Sum(revenue[each], units[each], customers[each]) for each in in_order}


def figures(of: Sum, scale: int) -> SalesFigures:
    """As the page shows them."""
    return SalesFigures(to_text(of.revenue, scale), of.units, of.customers)


def shown_cells(
    rows: Sequence[Sales], pages: Mapping[str, str], scale: int
) -> tuple[tuple[SalesCell, ...], Folded | None]:
    """The first rows, and the rest as one."""
    cells = tuple(
        SalesCell(
            row.category,
            row.segment,
            figures(Sum(row.revenue, row.units, row.customers), scale),
            pages.get(row.category, ""),
        )
        for row in rows[:CELLS]
    )
    return cells, folded(rows[CELLS:], scale)


def shown_groups(
    sums: Mapping[str, Sum], scale: int, most: int, page: Callable[[str], str] = lambda _: ""
) -> ShownGroups:
    """The first ``most`` groups, and the rest as one."""
    shown = tuple(
        Group(name, figures(each, scale), page(name)) for name, each in islice(sums.items(), most)
    )
    return ShownGroups(shown, folded([*islice(sums.values(), most, None)], scale))


def average(revenue: int, count: int, scale: int) -> str | None:
    """One of so many equal parts of an amount in minor units, rounded half to even; None of no
    parts."""
    if not count:
        return None
    whole, rest = divmod(revenue, count)
    is_more = 2 * rest > count or (2 * rest == count and whole % 2 == 1)
    return to_text(whole + is_more, scale)


def a_purchase(revenue: int, purchases: int, scale: int) -> str | None:
    """What one of these purchases brought, less returns; None if more came back than was bought:
    that is no price of anything."""
    return average(revenue, purchases, scale) if revenue >= 0 else None


def folded(rest: Sequence[Sales | Sum], scale: int) -> Folded | None:
    """Rows, or groups, as one; None of none."""
    return Folded(len(rest), figures(_sum(rest), scale)) if rest else None


def _sum(rows: Sequence[Sales | Sum]) -> Sum:
    return Sum(_revenue(rows), sum(row.units for row in rows), None)


def _revenue(rows: Sequence[Sales | Sum]) -> int:
    return sum(row.revenue for row in rows)
