"""Revenue and units by date, category and customer segment: daily_sales.csv."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline_core.schemas import DAILY_SALES_PARTIAL, SALES, checked
from pipeline_core.transform.lookup import Dimensions, Labels
from pipeline_core.transform.money import group_sums
from pipeline_core.transform.reports.base import (
    Groups,
    Report,
    group_rows,
    label_column,
    measured,
    revenue_column,
    sum_measures,
)
from pipeline_core.transform.sums import SummedSales
from pipeline_core.valid_ranges import days_of_numbers

_PURCHASES = DAILY_SALES_PARTIAL.field("purchases")


def aggregate(sales: pa.Table, labels: Labels) -> pa.Table:
    """Partial of some sales: a row for each date, category and segment."""
    checked(sales, SALES)
    groups = group_rows([sales[name].combine_chunks() for name in ("date", "category", "segment")])
    date, category, segment = groups.keys
    columns = [
        date,
        label_column(labels.categories, category),
        label_column(labels.segments, segment),
        *sum_measures(sales, groups),
        _purchases(sales, groups),
    ]
    return pa.Table.from_arrays(columns, schema=DAILY_SALES_PARTIAL)


def from_sums(sold: SummedSales, dimensions: Dimensions) -> pa.Table:
    """The same of what was added up."""
    labels = dimensions.labels
    columns = [
        days_of_numbers(sold.days),
        labels.category_names.take(pa.array(sold.day_categories)),
        labels.segment_names.take(pa.array(sold.day_segments)),
        *measured(sold.by_day),
        pa.array(sold.by_day.purchases),
    ]
    return pa.Table.from_arrays(columns, schema=DAILY_SALES_PARTIAL)


def merge(partials: Sequence[pa.Table]) -> pa.Table:
    """One partial with everything that is in ``partials``."""
    if not partials:
        return DAILY_SALES_PARTIAL.empty_table()
    partials = [_of_now(partial) for partial in partials]
    if len(partials) == 1:
        return partials[0]
    table = pa.concat_tables(partials)
    groups = group_rows([table[name].combine_chunks() for name in ("date", "category", "segment")])
    return pa.Table.from_arrays(
        [*groups.keys, *sum_measures(table, groups), sum_purchases(table, groups)],
        schema=DAILY_SALES_PARTIAL,
    )


def finish(partial: pa.Table, scale: int) -> pa.Table:
    """Rows by date (unknown first), category and segment."""
    partial = _of_now(partial).sort_by(
        [("date", "ascending", "at_start"), ("category", "ascending"), ("segment", "ascending")]
    )
    return pa.table(
        {
            "date": partial["date"],
            "category": partial["category"],
            "customer_segment": partial["segment"],
            "total_revenue": revenue_column(partial, scale),
            "units_sold": partial["units"],
        }
    )


def sum_purchases(partial: pa.Table, groups: Groups) -> pa.Array:
    """By group of its rows; null for all if nobody knows it of some."""
    purchases = partial["purchases"]
    if purchases.null_count:
        return pa.nulls(groups.count, pa.int64())
    return pa.array(group_sums(groups.number, groups.count, purchases.to_numpy()))


def _purchases(sales: pa.Table, groups: Groups) -> pa.Array:
    is_purchase = sales["units"].to_numpy() > 0
    return pa.array(np.bincount(groups.number[is_purchase], minlength=groups.count))


def _of_now(partial: pa.Table) -> pa.Table:
    """A partial of an earlier version as one of this."""
    if _PURCHASES.name not in partial.schema.names:
        partial = partial.append_column(_PURCHASES, pa.nulls(len(partial), _PURCHASES.type))
    return checked(partial, DAILY_SALES_PARTIAL)


REPORT = Report("daily_sales", DAILY_SALES_PARTIAL, aggregate, merge, finish, from_sums=from_sums)
