"""Revenue and units by category and product, for the pages of categories: no file is made of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipeline_core.schemas import PRODUCT_SALES_PARTIAL, SALES, checked
from pipeline_core.transform.ids import NOT_FOUND
from pipeline_core.transform.lookup import Dimensions, Labels
from pipeline_core.transform.reports.base import (
    Groups,
    Report,
    group_rows,
    label_column,
    measured,
    numbered,
    revenue_column,
    sum_measures,
)
from pipeline_core.transform.sums import SummedSales


def aggregate(sales: pa.Table, labels: Labels) -> pa.Table:
    """Partial of some sales: a row for each category and product. Those that nobody knows are one:
    of them there may be as many as there are sales."""
    checked(sales, SALES)
    product = sales["product"].to_numpy() - NOT_FOUND
    width = len(labels.products) - NOT_FOUND
    codes = sales["category"].to_numpy() * width + product
    number, found = numbered(codes, len(labels.categories) * width)
    category, product = np.divmod(found, width)
    place = pa.array(product + NOT_FOUND, mask=product == 0)
    keys = [
        label_column(labels.categories, pa.array(category)),
        labels.products.take(place),
    ]
    measures = sum_measures(sales, Groups(keys, number, len(found)))
    return pa.Table.from_arrays([*keys, *measures], schema=PRODUCT_SALES_PARTIAL)


def from_sums(sold: SummedSales, dimensions: Dimensions) -> pa.Table:
    """The same of what was added up."""
    labels = dimensions.labels
    columns = [
        labels.category_names.take(pa.array(sold.product_categories)),
        labels.products.take(pa.array(sold.products)),
        *measured(sold.by_product),
    ]
    return pa.Table.from_arrays(columns, schema=PRODUCT_SALES_PARTIAL)


def merge(partials: Sequence[pa.Table]) -> pa.Table:
    """One partial with everything that is in ``partials``."""
    # Of one that is not empty, which is common, a merge would be the same at a cost.
    found = [each for each in partials if checked(each, PRODUCT_SALES_PARTIAL).num_rows]
    if len(found) <= 1:
        return found[0] if found else PRODUCT_SALES_PARTIAL.empty_table()
    table = pa.concat_tables(found)
    groups = group_rows([table[name].combine_chunks() for name in ("category", "product")])
    return pa.Table.from_arrays(
        [*groups.keys, *sum_measures(table, groups)], schema=PRODUCT_SALES_PARTIAL
    )


def in_order(partial: pa.Table) -> pa.Table:
    """Rows by category, revenue descending, then product; those that nobody knows are behind others
    of their revenue."""
    return checked(partial, PRODUCT_SALES_PARTIAL).sort_by(
        [
            ("category", "ascending"),
            ("revenue_hi", "descending"),
            ("revenue_lo", "descending"),
            ("product", "ascending"),
        ]
    )


def finish(partial: pa.Table, scale: int) -> pa.Table:
    """Rows ``in_order``, for who compares them."""
    partial = in_order(partial)
    return pa.table(
        {
            "category": partial["category"],
            "product_id": partial["product"],
            "total_revenue": revenue_column(partial, scale),
            "units_sold": partial["units"],
        }
    )


# No plug-in's report can be called so.
REPORT = Report(
    "product-sales",
    PRODUCT_SALES_PARTIAL,
    aggregate,
    merge,
    finish,
    is_published=False,
    from_sums=from_sums,
)
