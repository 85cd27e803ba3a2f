"""Distinct customers of a category report, counted by columns, are those that sets would give."""

from __future__ import annotations

from collections import defaultdict

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap

from pipeline_core.schemas import CATEGORY_SALES_PARTIAL
from pipeline_core.transform.reports import category_sales

Row = tuple[str, str, frozenset[int], frozenset[bytes]]

_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["Books", "Toys", "Unknown"]),
        st.sampled_from(["Retail", "VIP"]),
        st.frozensets(st.sampled_from([0, 1, 2, 70_000]), max_size=3),
        st.frozensets(st.sampled_from([b"x", b"y"]), max_size=2),
    ),
    max_size=4,
    unique_by=lambda row: row[:2],
)


def _partial(rows: list[Row]) -> pa.Table:
    values = {
        "category": [row[0] for row in rows],
        "segment": [row[1] for row in rows],
        "customers": [BitMap(row[2]).serialize() for row in rows],
        "unknown_customers": [sorted(row[3]) for row in rows],
    }
    return pa.Table.from_arrays(
        [pa.array(values.get(f.name, [1] * len(rows)), f.type) for f in CATEGORY_SALES_PARTIAL],
        schema=CATEGORY_SALES_PARTIAL,
    )


@given(piles=st.lists(_ROWS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_counts_are_those_of_sets(piles: list[list[Row]]) -> None:
    merged = category_sales.merge([_partial(rows) for rows in piles])
    groups: defaultdict[tuple[str, str], set[int | bytes]] = defaultdict(set)
    segments: defaultdict[str, set[int | bytes]] = defaultdict(set)
    everybody = set[int | bytes]()
    for category, segment, known, strangers in (row for rows in piles for row in rows):
        groups[category, segment] |= known | strangers
        segments[segment] |= known | strangers
        everybody |= known | strangers
    found = category_sales.finish(merged, 2).to_pylist()
    assert {
        (row["category"], row["customer_segment"]): row["unique_customers"] for row in found
    } == {key: len(who) for key, who in groups.items()}
    assert category_sales.count_customers_by_segment(merged) == {
        segment: len(who) for segment, who in segments.items()
    }
    assert category_sales.count_customers(merged) == len(everybody)
