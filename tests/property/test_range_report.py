"""The report of a range is the oracle's of the days that are so dated."""

from __future__ import annotations

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline_core.ledger import RunLedger
from pipeline_core.load.tables import csv_lines
from pipeline_core.messages import ClosedDays, ReturnsMode, UnknownMode
from pipeline_core.questions.comparison import ComparedSales, compare
from pipeline_core.questions.period import Period
from pipeline_core.questions.range_report import range_sales
from pipeline_core.storage import open_storage
from tests.support import oracle
from tests.support.run import run_local
from tests.support.strategies import RETURNS, GeneratedShop, shops
from tests.support.whole_runs import whole_runs

# The strategies' days are of these.
DATES = st.dates(date(2024, 2, 28), date(2024, 3, 10))

# Then no month is compared by less than all of its days.
EVERY_DAY = ClosedDays(weekdays=tuple(range(7)))


@given(
    unknown=st.sampled_from(["reject", "bucket"]),
    returns=RETURNS,
    shop=shops(),
    ranges=st.lists(st.tuples(DATES, DATES), min_size=3, max_size=3),
)
@whole_runs(20)
def test_ranges_equal_oracle(
    unknown: UnknownMode,
    returns: ReturnsMode,
    shop: GeneratedShop,
    ranges: list[tuple[date, date]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = shop.write(folder / "shop")
        outcome = run_local(
            written, folder, unknown=unknown, returns=returns, closed_days=EVERY_DAY
        )
        expected = oracle.compute(
            written.data, written.dimensions, unknown=unknown, returns=returns
        )
        ledger = RunLedger(open_storage(str(folder / "state")), outcome.run_id)
        for first, last in map(sorted, ranges):
            found = range_sales(ledger, first, last)
            counted = [each for each in expected.counted if str(first) <= each.date <= str(last)]
            inside = [e for e in counted if e.units > 0 or returns == "net"]
            assert "".join(csv_lines(found.sales)).encode() == _report(inside)
            totals = found.report.totals
            buyers = {each.customer for each in inside if each.units > 0}
            assert totals.unique_customers == len(buyers - {None})
            assert totals.units_sold == sum(each.units for each in inside)
            revenue = sum((Decimal(each.revenue) for each in inside), Decimal(0))
            assert Decimal(totals.total_revenue) == revenue
            assert found.report.events.counted == len(counted)
            returned = -sum(each.units for each in counted if each.units < 0)
            assert found.report.returns is None or found.report.returns.units == returned
        sold = [each for each in expected.counted if each.units > 0 or returns == "net"]
        _check_comparison(compare(ledger, Period(2024, 3), "previous"), sold)


def _check_comparison(found: ComparedSales, counted: list[oracle.Counted]) -> None:
    """Each row is that of its months, and what changed is one less the other."""
    expected: dict[tuple[str, str], dict[str, tuple[Decimal, int]]] = {}
    for each in counted:
        if (month := each.date[:7]) in ("2024-02", "2024-03"):
            cell = expected.setdefault((each.category, each.segment), {})
            revenue, units = cell.get(month, (Decimal(0), 0))
            cell[month] = revenue + Decimal(each.revenue), units + each.units
    rows = found.comparison.rows
    assert {(row.category, row.customer_segment) for row in rows} == expected.keys()
    for row in rows:
        cell = expected[row.category, row.customer_segment]
        (revenue, units), (was, were) = (
            cell.get(month, (Decimal(0), 0)) for month in ("2024-03", "2024-02")
        )
        assert (Decimal(row.figures.total_revenue), row.figures.units_sold) == (revenue, units)
        if row.change is None:
            continue
        assert (Decimal(row.change.revenue), row.change.units) == (revenue - was, units - were)
        if row.change.revenue_percent is None:
            assert was <= 0
        else:
            exact = (revenue - was) / was * 100
            assert abs(Decimal(row.change.revenue_percent) - exact) <= Decimal("0.005001")
    total, is_known = found.comparison.change, found.comparison.not_compared is None
    assert {each is not None for each in (total, *(row.change for row in rows))} == {is_known}
    assert is_known == bool(found.comparison.report.days and found.comparison.before.days)
    if total is None:
        return
    changes = [row.change for row in rows if row.change is not None]
    assert sum(Decimal(each.revenue) for each in changes) == Decimal(total.revenue)
    assert sum(each.units for each in changes) == total.units


def _report(counted: list[oracle.Counted]) -> bytes:
    sales = [
        (
            each.date,
            oracle._Sale(
                *(each.category, each.segment, each.customer, each.product),
                *(each.units, Decimal(each.revenue)),
            ),
        )
        for each in counted
    ]
    decimals = len(counted[0].revenue.partition(".")[2]) if counted else 0
    return oracle._csv(oracle.Row._fields, oracle._sales_rows(sales, decimals))
