"""Revenue, units and distinct customers by category and customer segment: sales_report.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from pipeline_core.messages import Totals
from pipeline_core.schemas import CATEGORY_SALES_PARTIAL, SALES, checked
from pipeline_core.transform.bitmaps import bitmap_of
from pipeline_core.transform.lookup import Dimensions, Labels
from pipeline_core.transform.money import to_minor, to_text
from pipeline_core.transform.reports.base import (
    MEASURES,
    Groups,
    Report,
    distinct,
    group_rows,
    label_column,
    numbered,
    revenue_column,
    sum_columns,
    sum_measures,
)
from pipeline_core.transform.sums import SummedSales


def aggregate(sales: pa.Table, labels: Labels) -> pa.Table:
    """Partial of some sales: a row for each category and segment, with its customers."""
    checked(sales, SALES)
    groups = group_rows([sales[name].combine_chunks() for name in ("category", "segment")])
    category, segment = groups.keys
    return _partial(
        [label_column(labels.categories, category), label_column(labels.segments, segment)],
        sum_measures(sales, groups),
        _customers_of_sales(sales, groups),
        _strangers_of_sales(sales, groups),
    )


def from_sums(sold: SummedSales, dimensions: Dimensions) -> pa.Table:
    """The same of what was added up."""
    labels = dimensions.labels
    width = len(labels.segments)
    codes = sold.day_categories * width + sold.day_segments
    number, found = numbered(codes, len(labels.categories) * width)
    categories, segments = np.divmod(found, width)
    keys = [
        labels.category_names.take(pa.array(categories)),
        labels.segment_names.take(pa.array(segments)),
    ]
    measures = sum_columns(sold.by_day.amounts, Groups(keys, number, len(found)))
    customers = sold.buyers_by_group(dimensions.number_of_customer)
    return _partial(keys, measures, customers, [set[bytes]()] * len(found))


def merge(partials: Sequence[pa.Table]) -> pa.Table:
    """One partial with everything that is in ``partials``."""
    if not partials:
        return CATEGORY_SALES_PARTIAL.empty_table()
    if len(partials) == 1:
        return checked(partials[0], CATEGORY_SALES_PARTIAL)
    table = pa.concat_tables([checked(partial, CATEGORY_SALES_PARTIAL) for partial in partials])
    groups = group_rows([table[name].combine_chunks() for name in ("category", "segment")])
    bitmaps = [BitMap() for _ in range(groups.count)]
    strangers: list[set[bytes]] = [set() for _ in range(groups.count)]
    numbers = groups.number.tolist()
    for number, customers in zip(numbers, _bitmaps(table), strict=True):
        bitmaps[number] |= customers
    for number, ids in zip(numbers, table["unknown_customers"].to_pylist(), strict=True):
        strangers[number].update(ids)
    return _partial(groups.keys, sum_measures(table, groups), bitmaps, strangers)


def finish(partial: pa.Table, scale: int) -> pa.Table:
    """Rows by revenue descending, then category, then segment (by code point)."""
    checked(partial, CATEGORY_SALES_PARTIAL)
    partial = partial.sort_by(
        [
            ("revenue_hi", "descending"),
            ("revenue_lo", "descending"),
            ("category", "ascending"),
            ("segment", "ascending"),
        ]
    )
    strangers = partial["unknown_customers"].to_pylist()
    customers = [
        len(known) + len(ids) for known, ids in zip(_bitmaps(partial), strangers, strict=True)
    ]
    return pa.table(
        {
            "category": partial["category"],
            "customer_segment": partial["segment"],
            "total_revenue": revenue_column(partial, scale),
            "units_sold": partial["units"],
            "unique_customers": pa.array(customers, pa.int64()),
        }
    )


def add_up(partial: pa.Table, scale: int) -> Totals:
    """The report in one line."""
    units, hi, lo = (sum(partial[name].to_pylist()) for name in MEASURES)
    return Totals(to_text(to_minor(hi, lo), scale), units, count_customers(partial))


def count_customers(partial: pa.Table) -> int:
    """Distinct customers over all categories and segments."""
    strangers = set().union(*partial["unknown_customers"].to_pylist())
    return len(BitMap.union(BitMap(), *_bitmaps(partial))) + len(strangers)


def known_customers(partial: pa.Table) -> BitMap | None:
    """Codes of all customers, or None if some are not in the dimension."""
    if any(partial["unknown_customers"].to_pylist()):
        return None
    return BitMap.union(BitMap(), *_bitmaps(partial))


def count_customers_by_segment(partial: pa.Table) -> dict[str, int]:
    """Distinct customers of each segment, over all categories."""
    known: defaultdict[str, BitMap] = defaultdict(BitMap)
    strangers: defaultdict[str, set[bytes]] = defaultdict(set)
    segments, unknown = partial["segment"].to_pylist(), partial["unknown_customers"].to_pylist()
    for segment, customers, ids in zip(segments, _bitmaps(partial), unknown, strict=True):
        known[segment] |= customers
        strangers[segment].update(ids)
    return {segment: len(known[segment]) + len(strangers[segment]) for segment in known}


def _partial(
    keys: list[pa.Array],
    measures: list[pa.Array],
    customers: Iterable[BitMap],
    strangers: Iterable[set[bytes]],
) -> pa.Table:
    columns = [
        *keys,
        *measures,
        pa.array([bitmap.serialize() for bitmap in customers], pa.large_binary()),
        pa.array([sorted(ids) for ids in strangers], pa.large_list(pa.large_binary())),
    ]
    return pa.Table.from_arrays(columns, schema=CATEGORY_SALES_PARTIAL)


def _customers_of_sales(sales: pa.Table, groups: Groups) -> list[BitMap]:
    """Known customers' codes by group: distinct (group, code) pairs, cut between groups. Who only
    brought something back is no customer."""
    codes = sales["customer"].to_numpy()
    known = (codes >= 0) & (sales["units"].to_numpy() > 0)
    width = int(codes.max(initial=0)) + 1
    pairs = distinct(groups.number[known] * width + codes[known], groups.count * width)
    cuts = np.searchsorted(pairs, np.arange(1, groups.count) * width)
    parts = np.split((pairs % width).astype(np.uint32), cuts)
    return [bitmap_of(part) for part in parts[: groups.count]]


def _strangers_of_sales(sales: pa.Table, groups: Groups) -> list[set[bytes]]:
    strangers: list[set[bytes]] = [set() for _ in range(groups.count)]
    column = sales["unknown_customer"].combine_chunks()
    is_bought = sales["units"].to_numpy() > 0
    places = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False) & is_bought)
    found = column.take(pa.array(places)).to_pylist()
    for number, customer in zip(groups.number[places].tolist(), found, strict=True):
        strangers[number].add(customer)
    return strangers


def _bitmaps(partial: pa.Table) -> Iterable[BitMap]:
    return (BitMap.deserialize(data) for data in partial["customers"].to_pylist())


REPORT = Report(
    "sales_report", CATEGORY_SALES_PARTIAL, aggregate, merge, finish, from_sums=from_sums
)
