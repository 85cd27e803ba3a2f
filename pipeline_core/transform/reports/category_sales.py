"""Revenue, units and distinct customers by category and customer segment: sales_report.csv."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
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
    return _table(
        groups.keys,
        sum_measures(table, groups),
        _merged_customers(table, groups),
        _merged_strangers(table, groups),
    )


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
    return pa.table(
        {
            "category": partial["category"],
            "customer_segment": partial["segment"],
            "total_revenue": revenue_column(partial, scale),
            "units_sold": partial["units"],
            "unique_customers": pa.array(_customers_by_row(partial)),
        }
    )


def add_up(partial: pa.Table, scale: int) -> Totals:
    """The report in one line."""
    units, hi, lo = (sum(partial[name].to_pylist()) for name in MEASURES)
    return Totals(to_text(to_minor(hi, lo), scale), units, count_customers(partial))


def count_customers(partial: pa.Table) -> int:
    """Distinct customers over all categories and segments."""
    strangers = pc.list_flatten(partial["unknown_customers"]).unique()
    return len(_all_known(partial["customers"])) + len(strangers)


def known_customers(partial: pa.Table) -> BitMap | None:
    """Codes of all customers, or None if some are not in the dimension."""
    if len(pc.list_flatten(partial["unknown_customers"])):
        return None
    return _all_known(partial["customers"])


def count_customers_by_segment(partial: pa.Table) -> dict[str, int]:
    """Distinct customers of each segment, over all categories."""
    known: defaultdict[str, BitMap] = defaultdict(BitMap)
    strangers: defaultdict[str, set[bytes]] = defaultdict(set)
    pairs = group_rows([partial[name].combine_chunks() for name in ("segment", "customers")]).keys
    for segment, customers in zip(*(column.to_pylist() for column in pairs), strict=True):
        known[segment] |= BitMap.deserialize(customers)
    named = partial.filter(pc.greater(pc.list_value_length(partial["unknown_customers"]), 0))
    for segment, ids in zip(
        named["segment"].to_pylist(), named["unknown_customers"].to_pylist(), strict=True
    ):
        strangers[segment].update(ids)
    return {segment: len(known[segment]) + len(strangers[segment]) for segment in known}


def _partial(
    keys: list[pa.Array],
    measures: list[pa.Array],
    customers: Iterable[BitMap],
    strangers: Iterable[set[bytes]],
) -> pa.Table:
    return _table(
        keys,
        measures,
        pa.array([bitmap.serialize() for bitmap in customers], pa.large_binary()),
        pa.array([sorted(ids) for ids in strangers], pa.large_list(pa.large_binary())),
    )


def _table(
    keys: list[pa.Array], measures: list[pa.Array], customers: pa.Array, strangers: pa.Array
) -> pa.Table:
    columns = [*keys, *measures, customers, strangers]
    return pa.Table.from_arrays(columns, schema=CATEGORY_SALES_PARTIAL)


def _merged_customers(table: pa.Table, groups: Groups) -> pa.Array:
    """The known customers of each group. A group of one row has that row's bytes, unopened;
    what is to be united in several groups is united once."""
    column = table["customers"].combine_chunks()
    is_alone = (np.bincount(groups.number, minlength=groups.count) == 1)[groups.number]
    alone, shared = np.flatnonzero(is_alone), np.flatnonzero(~is_alone)
    rows = column.take(pa.array(shared)).dictionary_encode()
    members: defaultdict[int, list[int]] = defaultdict(list)
    for number, code in zip(groups.number[shared].tolist(), rows.indices.to_pylist(), strict=True):
        members[number].append(code)
    united, sets = dict[tuple[int, ...], bytes](), rows.dictionary
    for codes in set(map(tuple, members.values())):
        bitmap = BitMap()
        for code in codes:
            bitmap |= BitMap.deserialize(sets[code].as_py())
        united[codes] = bitmap.serialize()
    merged = pa.array([united[tuple(codes)] for codes in members.values()], pa.large_binary())
    whole = pa.concat_arrays([column.take(pa.array(alone)), merged])
    places = np.empty(groups.count, np.int64)
    places[groups.number[alone]] = np.arange(len(alone))
    places[np.fromiter(members, np.int64, len(members))] = np.arange(len(alone), groups.count)
    return whole.take(pa.array(places))


def _merged_strangers(table: pa.Table, groups: Groups) -> pa.Array:
    """The other customers of each group, sorted; most shops have none."""
    places = np.flatnonzero(pc.list_value_length(table["unknown_customers"]).to_numpy())
    if not len(places):
        return pa.LargeListArray.from_arrays(
            np.zeros(groups.count + 1, np.int64), pa.array([], pa.large_binary())
        )
    strangers: list[set[bytes]] = [set() for _ in range(groups.count)]
    rows = table["unknown_customers"].take(pa.array(places)).to_pylist()
    for number, ids in zip(groups.number[places].tolist(), rows, strict=True):
        strangers[number].update(ids)
    return pa.array([sorted(ids) for ids in strangers], pa.large_list(pa.large_binary()))


def _customers_by_row(partial: pa.Table) -> NDArray[np.int64]:
    """Distinct customers of each row. Of rows with the same known ones these are opened once."""
    encoded = partial["customers"].combine_chunks().dictionary_encode()
    opened = map(BitMap.deserialize, encoded.dictionary.to_pylist())
    known = np.fromiter(map(len, opened), np.int64, len(encoded.dictionary))
    strangers = pc.list_value_length(partial["unknown_customers"]).to_numpy()
    customers: NDArray[np.int64] = known[encoded.indices.to_numpy()] + strangers
    return customers


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


def _all_known(customers: pa.ChunkedArray) -> BitMap:
    """Codes of the known customers of all rows. The same bytes are opened once."""
    return BitMap.union(BitMap(), *map(BitMap.deserialize, customers.unique().to_pylist()))


REPORT = Report(
    "sales_report", CATEGORY_SALES_PARTIAL, aggregate, merge, finish, from_sums=from_sums
)
