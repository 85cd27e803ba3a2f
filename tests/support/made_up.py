"""Pages of sales that no archive has: of very many, and of returns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from pyroaring import BitMap

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Summary, Totals
from pipeline_core.page.gather import write_pages
from pipeline_core.schemas import CATEGORY_SALES_PARTIAL, DAILY_SALES_PARTIAL
from pipeline_core.storage import open_storage
from pipeline_core.transform.money import to_text
from pipeline_core.transform.reports import REPORTS
from tests.support.run import latest, run_local, sales, shop_of

_LIMB = 1 << 32


class MadeUp(NamedTuple):
    """Sales of a category and a segment on a date; ``revenue`` in cents."""

    date: date
    category: str
    segment: str
    units: int
    revenue: int


def write_made_up(folder: Path, cells: Sequence[MadeUp], **options: Any) -> Path:
    """The pages of a run with these sales, each of a date, category and segment of its own; every
    other figure is that of a run with one purchase."""
    outcome = run_local(shop_of(folder, sales()), folder, **options)
    made, state = folder / "made-up", open_storage(str(folder / "state"))
    (made / "by_category").mkdir(parents=True)
    (made / "rejects.csv").write_text("")
    partials = {"sales_report": _category_sales(cells), "daily_sales": _daily_sales(cells)}
    report = next(each for each in REPORTS if each.name == "sales_report")
    revenue, units = sum(each.revenue for each in cells), sum(each.units for each in cells)
    summary = msgspec.json.decode((latest(folder) / "summary.json").read_bytes(), type=Summary)
    write_pages(
        made,
        state,
        open_storage(str(folder / "reports")),
        RunLedger(state, outcome.run_id).manifest(),
        msgspec.structs.replace(summary, totals=Totals(to_text(revenue, 2), units, 20)),
        report.finish(partials["sales_report"], 2),
        partials,
        2,
    )
    return made


def _daily_sales(cells: Sequence[MadeUp]) -> pa.Table:
    columns = {
        "date": [each.date for each in cells],
        "category": [each.category for each in cells],
        "segment": [each.segment for each in cells],
        "units": [each.units for each in cells],
        **_limbs([each.revenue for each in cells]),
        "purchases": [max(0, each.units) for each in cells],
    }
    return pa.table(columns, schema=DAILY_SALES_PARTIAL)


def _category_sales(cells: Sequence[MadeUp]) -> pa.Table:
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for each in cells:
        revenue, units = sums.get((each.category, each.segment), (0, 0))
        sums[each.category, each.segment] = revenue + each.revenue, units + each.units
    columns = {
        "category": [category for category, _ in sums],
        "segment": [segment for _, segment in sums],
        "units": [units for _, units in sums.values()],
        **_limbs([revenue for revenue, _ in sums.values()]),
        "customers": [BitMap([n % 20]).serialize() for n in range(len(sums))],
        "unknown_customers": [[]] * len(sums),
    }
    return pa.table(columns, schema=CATEGORY_SALES_PARTIAL)


def _limbs(revenue: Sequence[int]) -> dict[str, list[int]]:
    return {
        "revenue_hi": [each // _LIMB for each in revenue],
        "revenue_lo": [each % _LIMB for each in revenue],
    }
