"""The laws that let any number of workers add up in any order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.errors import ContractError
from pipeline_core.schemas import SALES
from pipeline_core.transform.lookup import Labels
from pipeline_core.transform.reports import REPORTS, Report
from tests.support.whole_runs import whole_runs

PRODUCTS = pa.array([b"p", b"q", b"\xed\xa0\x80"], pa.large_binary())
LABELS = Labels(("Books", "Toys", "Unknown", "books"), ("Retail", "Unknown", "VIP"), PRODUCTS)
LIMB = 2**32 - 1
Sale = tuple[Any, ...]

# date, category, segment, product, customer, unknown_customer, units, revenue_hi, revenue_lo
_WHO: st.SearchStrategy[tuple[int, bytes | None]] = st.one_of(
    st.tuples(st.sampled_from([0, 1, 2, 70_000, 2**31]), st.none()),
    st.tuples(st.just(-1), st.sampled_from([None, b"x", b"y", b"\xed\xa0\x80"])),
)
_SALES: st.SearchStrategy[Sale] = st.tuples(
    st.sampled_from([None, date(2024, 2, 29), date(1970, 1, 1)]),
    st.integers(0, len(LABELS.categories) - 1),
    st.integers(0, len(LABELS.segments) - 1),
    st.integers(-1, len(PRODUCTS) - 1),
    _WHO,
    st.sampled_from([1, 2, 2**31 - 1]),
    st.sampled_from([0, 1, 2**52]),
    st.sampled_from([0, 1, LIMB]),
).map(lambda sale: (*sale[:4], *sale[4], *sale[5:]))
_PILES = st.lists(st.lists(_SALES, max_size=8), max_size=6)
_REPORTS = pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)


def _table(rows: Sequence[Sale]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(SALES)
    return pa.Table.from_arrays(
        [pa.array(c, field.type) for c, field in zip(columns, SALES, strict=True)], schema=SALES
    )


def _same(report: Report, left: pa.Table, right: pa.Table) -> None:
    """The same report comes of both, to the last digit."""
    assert left.schema.equals(report.schema)
    assert right.schema.equals(report.schema)
    assert report.finish(left, 2).to_pylist() == report.finish(right, 2).to_pylist()


def _partials(report: Report, piles: Sequence[Sequence[Sale]]) -> list[pa.Table]:
    return [report.aggregate(_table(pile), LABELS) for pile in piles]


@_REPORTS
@given(piles=_PILES, data=st.data())
@whole_runs(150)
def test_merge_in_any_order_equals_aggregate_of_everything(
    report: Report, piles: list[list[Sale]], data: st.DataObject
) -> None:
    whole = report.aggregate(_table([sale for pile in piles for sale in pile]), LABELS)
    partials = data.draw(st.permutations(_partials(report, piles)))
    _same(report, report.merge(partials), whole)


@_REPORTS
@given(piles=_PILES, data=st.data())
@whole_runs(150)
def test_merge_in_any_grouping_equals_one_merge(
    report: Report, piles: list[list[Sale]], data: st.DataObject
) -> None:
    partials = _partials(report, piles)
    together = report.merge(partials)
    cut = data.draw(st.integers(0, len(partials)))
    _same(report, report.merge([report.merge(partials[:cut]), *partials[cut:]]), together)
    one_by_one = report.merge([])
    for partial in partials:
        one_by_one = report.merge([one_by_one, partial])
    _same(report, one_by_one, together)


@_REPORTS
@given(pile=st.lists(_SALES, max_size=8))
@whole_runs(100)
def test_empty_partial_is_neutral(report: Report, pile: list[Sale]) -> None:
    (partial,) = _partials(report, [pile])
    _same(report, report.merge([partial]), partial)
    _same(report, report.merge([report.merge([]), partial, report.merge([])]), partial)


@_REPORTS
def test_nothing_makes_an_empty_report(report: Report) -> None:
    for partial in (report.merge([]), report.aggregate(_table([]), LABELS)):
        _same(report, partial, report.merge([]))
        assert report.finish(partial, 2).num_rows == 0


@_REPORTS
@given(pile=st.lists(_SALES, max_size=8))
@whole_runs(100)
def test_report_adds_up_to_its_sales(report: Report, pile: list[Sale]) -> None:
    finished = report.finish(report.aggregate(_table(pile), LABELS), 2).to_pylist()
    minor = sum((sale[7] << 32) + sale[8] for sale in pile)
    assert sum(row["total_revenue"] for row in finished) * 100 == Decimal(minor)
    assert sum(row["units_sold"] for row in finished) == sum(sale[6] for sale in pile)
    names = ("date", "category", "customer_segment", "product_id")
    keys = [tuple(row.get(name) for name in names) for row in finished]
    assert len(keys) == len(set(keys))


def test_customers_are_distinct_over_merged_partials() -> None:
    (report,) = (report for report in REPORTS if report.name == "sales_report")
    known, stranger, guest = ((0, None), (-1, b"x"), (-1, None))
    pile = [(None, 0, 0, 0, *who, 1, 0, 10) for who in (known, stranger, guest)]
    merged = report.merge(_partials(report, [pile, pile, [pile[0]]]))
    (row,) = report.finish(merged, 2).to_pylist()
    assert (row["unique_customers"], row["units_sold"]) == (2, 7)


@_REPORTS
def test_foreign_columns_are_a_broken_promise(report: Report) -> None:
    foreign = pa.table({"category": ["Books"]})
    with pytest.raises(ContractError):
        report.aggregate(foreign, LABELS)
    with pytest.raises(ContractError):
        report.merge([foreign])
    with pytest.raises(ContractError):
        report.finish(foreign, 2)
