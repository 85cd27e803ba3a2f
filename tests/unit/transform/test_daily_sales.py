"""What the daily report's partial knows beyond its file: how many purchases there were."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from pipeline_core.schemas import DAILY_SALES_PARTIAL, SALES
from pipeline_core.transform.lookup import Labels
from pipeline_core.transform.reports.daily_sales import REPORT

LABELS = Labels(("Books", "Toys", "Unknown"), ("Retail", "Unknown"))
ONE, TWO = date(2024, 2, 29), date(2024, 3, 1)


def _partial(*sales: tuple[date | None, int, int]) -> pa.Table:
    """Of dates, categories and units."""
    columns = {
        "date": [each[0] for each in sales],
        "category": [each[1] for each in sales],
        "segment": [0] * len(sales),
        "product": [-1] * len(sales),
        "customer": [1] * len(sales),
        "unknown_customer": [None] * len(sales),
        "units": [each[2] for each in sales],
        "revenue_hi": [0] * len(sales),
        "revenue_lo": [7] * len(sales),
    }
    return REPORT.aggregate(pa.table(columns, schema=SALES), LABELS)


def _purchases(partial: pa.Table) -> dict[tuple[date | None, str], int | None]:
    return {(row["date"], row["category"]): row["purchases"] for row in partial.to_pylist()}


def test_purchases_are_counted_and_returns_are_none() -> None:
    one = _partial((ONE, 0, 5), (ONE, 0, -2), (ONE, 1, 1), (None, 0, 1))
    other = _partial((ONE, 0, 1), (TWO, 0, -1))
    assert _purchases(REPORT.merge([one, other])) == {
        (ONE, "Books"): 2,
        (ONE, "Toys"): 1,
        (None, "Books"): 1,
        (TWO, "Books"): 0,
    }


def test_a_partial_of_an_earlier_version_did_not_count_them() -> None:
    sales = ((ONE, 0, 5), (TWO, 1, 1))
    earlier = _partial(*sales).drop_columns(["purchases"])
    for merged in (REPORT.merge([earlier]), REPORT.merge([earlier, _partial(*sales)])):
        assert merged.schema.equals(DAILY_SALES_PARTIAL)
        assert set(_purchases(merged).values()) == {None}
    assert REPORT.finish(earlier, 2).equals(REPORT.finish(_partial(*sales), 2))
