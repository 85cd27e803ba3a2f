"""What the partial by product holds: a row for each product that sold, and one for all unknown."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.schemas import SALES
from pipeline_core.transform.lookup import Labels
from pipeline_core.transform.reports.base import numbered
from pipeline_core.transform.reports.product_sales import REPORT

MANY = 1_000_000


@cache
def _labels() -> Labels:
    ids = pa.array([b"p%07d" % number for number in range(MANY)], pa.large_binary())
    return Labels(("Books", "Toys", "Unknown"), ("Retail", "Unknown"), ids)


def _partial(*sales: tuple[int, int, int]) -> pa.Table:
    """Of categories, products and units, at 7 minor units each."""
    columns = {
        "date": [None] * len(sales),
        "category": [each[0] for each in sales],
        "segment": [0] * len(sales),
        "product": [each[1] for each in sales],
        "customer": [1] * len(sales),
        "unknown_customer": [None] * len(sales),
        "units": [each[2] for each in sales],
        "revenue_hi": [-1 if each[2] < 0 else 0 for each in sales],
        "revenue_lo": [7 * each[2] % 2**32 for each in sales],
    }
    return REPORT.aggregate(pa.table(columns, schema=SALES), _labels())


def test_products_are_told_by_their_ids_and_all_unknown_are_one() -> None:
    sales = [(0, 999_999, 5), (0, 3, 2), (1, 3, 4), (2, -1, 1), (2, -1, 6), (0, 3, -3)]
    rows = REPORT.finish(REPORT.merge([_partial(*sales[:3]), _partial(*sales[3:])]), 0).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("Books", b"p0999999", 35, 5),
        ("Books", b"p0000003", -7, -1),
        ("Toys", b"p0000003", 28, 4),
        ("Unknown", None, 49, 7),
    ]


def test_a_partial_has_what_sold_and_not_what_there_is() -> None:
    assert _partial((0, 5, 1), (0, 5, 1)).num_rows == 1
    assert _partial(*[(2, -1, 1)] * 100).num_rows == 1


@pytest.mark.parametrize("size", [10, 10_000, 2**40])
@given(data=st.data())
def test_codes_are_numbered_by_their_order(size: int, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, size - 1), max_size=30))
    number, found = numbered(np.array(codes, np.int64), size)
    assert found.tolist() == sorted(Counter(codes))
    assert [found[at] for at in number] == codes
