"""What came back, by category and customer segment: returns.csv, where returns are separate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from pipeline_core.messages import ReturnFigures, Returns, ReturnsMode
from pipeline_core.transform.money import negated, to_text
from pipeline_core.transform.reports import category_sales
from pipeline_core.transform.reports.category_sales import count_customers

REPORT = replace(category_sales.REPORT, name="returns", of_returns=True, from_sums=None)


def sold_and_returned(sales: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Sales (schema SALES) of units above 0, and those below as if they were sales."""
    returned = sales.filter(pc.less(sales["units"], 0))
    hi, lo = negated(returned["revenue_hi"].to_numpy(), returned["revenue_lo"].to_numpy())
    amounts = {"units": -returned["units"].to_numpy(), "revenue_hi": hi, "revenue_lo": lo}
    for name, values in amounts.items():
        place = returned.schema.get_field_index(name)
        returned = returned.set_column(place, returned.schema.field(place), pa.array(values))
    return sales.filter(pc.greater(sales["units"], 0)), returned


def add_up_returns(
    returned: ReturnFigures, partials: Mapping[str, pa.Table], returns: ReturnsMode, scale: int
) -> Returns | None:
    """The returns of a run, or of a part of it, in one line, ``partials`` being by report; None
    where they are left out."""
    if returns == "reject":
        return None
    separate = partials.get(REPORT.name)
    return Returns(
        events=returned.events,
        units=returned.units,
        revenue=to_text(returned.revenue, scale),
        unique_customers=None if separate is None else count_customers(separate),
    )
