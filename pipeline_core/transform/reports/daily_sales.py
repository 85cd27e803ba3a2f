"""Revenue and units by date, category and customer segment: daily_sales.csv."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pipeline_core.schemas import DAILY_SALES_PARTIAL, SALES, checked
from pipeline_core.transform.lookup import Labels
from pipeline_core.transform.reports.base import (
    Report,
    group_rows,
    label_column,
    revenue_column,
    sum_measures,
)


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
    ]
    return pa.Table.from_arrays(columns, schema=DAILY_SALES_PARTIAL)


def merge(partials: Sequence[pa.Table]) -> pa.Table:
    """One partial with everything that is in ``partials``."""
    if not partials:
        return DAILY_SALES_PARTIAL.empty_table()
    if len(partials) == 1:
        return checked(partials[0], DAILY_SALES_PARTIAL)
    table = pa.concat_tables([checked(partial, DAILY_SALES_PARTIAL) for partial in partials])
    groups = group_rows([table[name].combine_chunks() for name in ("date", "category", "segment")])
    return pa.Table.from_arrays(
        [*groups.keys, *sum_measures(table, groups)], schema=DAILY_SALES_PARTIAL
    )


def finish(partial: pa.Table, scale: int) -> pa.Table:
    """Rows by date (unknown first), category and segment."""
    partial = checked(partial, DAILY_SALES_PARTIAL).sort_by(
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


REPORT = Report("daily_sales", DAILY_SALES_PARTIAL, aggregate, merge, finish)
