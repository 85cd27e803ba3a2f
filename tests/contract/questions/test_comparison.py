"""A month beside another: the same days of both, and nothing of a change where there is none."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.ledger import RunLedger
from pipeline_core.messages import ClosedDays
from pipeline_core.questions.comparison import PeriodComparison, compare
from pipeline_core.questions.period import ComparedWith, Period
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import run_local
from tests.support.successive import CUSTOMERS, PRODUCTS

MARCH = Period(2024, 3)
_CLOSED = ClosedDays(each_year=("01-01", "03-30", "03-31"))


def compared(
    folder: Path,
    dates: list[str],
    period: Period = MARCH,
    compared_with: ComparedWith = "previous",
    **options: Any,
) -> PeriodComparison:
    """Of one unit a day."""
    days = {f"{each}.zip": day_zip({"p.json": part([purchase(id=each)])}) for each in dates}
    shop = write_shop(folder / "shop", {"all.zip": archive_zip(days)}, CUSTOMERS, PRODUCTS)
    outcome = run_local(shop, folder, **options)
    ledger = RunLedger(open_storage(str(folder / "state")), outcome.run_id)
    return compare(ledger, period, compared_with).comparison


def units(found: PeriodComparison) -> tuple[int, int]:
    return found.report.totals.units_sold, found.before.totals.units_sold


def test_of_a_month_that_is_not_over_the_same_days_are_compared(tmp_path: Path) -> None:
    dates = ["2024-02-01", "2024-02-05", "2024-02-06", "2024-02-29", "2024-03-01", "2024-03-05"]
    found = compared(tmp_path, dates)
    assert (found.until, found.before.last) == (date(2024, 3, 5), date(2024, 2, 5))
    assert (found.report.last, units(found)) == (date(2024, 3, 31), (2, 2))
    assert found.change is not None
    assert (found.change.units, found.change.revenue_percent) == (0, "0.00")
    assert found.not_compared is None


@pytest.mark.parametrize("closed", [ClosedDays(), _CLOSED])
def test_closed_days_at_the_end_leave_a_month_whole(tmp_path: Path, closed: ClosedDays) -> None:
    dates = ["2024-02-01", "2024-02-29", "2024-03-29"]
    found = compared(tmp_path, dates, closed_days=closed)
    assert (found.until.day, units(found)) == ((31, (1, 2)) if closed == _CLOSED else (29, (1, 2)))


@pytest.mark.parametrize("closed", [ClosedDays(), _CLOSED])
def test_a_run_that_begins_within_the_other_says_nothing_of_a_change(
    tmp_path: Path, closed: ClosedDays
) -> None:
    """But for closed days at its beginning."""
    dates = ["2024-01-02", "2024-02-01", "2024-02-29"]
    found = compared(tmp_path, dates, Period(2024, 2), closed_days=closed)
    assert units(found) == (2, 1)
    if closed == _CLOSED:
        assert found.change is not None
        assert found.change.units == 1
    else:
        assert found.not_compared == "the run begins on 2024-01-02, after 2024-01-01"
        assert {found.change, *(row.change for row in found.rows)} == {None}


@pytest.mark.parametrize("period", [Period(2024, 3), Period(2024)])
def test_of_no_day_there_is_no_change(tmp_path: Path, period: Period) -> None:
    found = compared(tmp_path, ["2024-03-01", "2024-12-31"], period, "last-year")
    assert str(found.not_compared).startswith("the run has no day from 2023-")
    assert {found.change, *(row.change for row in found.rows)} == {None}


def test_of_a_year_the_same_dates_are_compared(tmp_path: Path) -> None:
    dates = ["2023-01-01", "2023-02-28", "2023-03-01", "2024-01-01", "2024-02-29"]
    found = compared(tmp_path, dates, Period(2024))
    assert (found.until, found.before.last) == (date(2024, 2, 29), date(2023, 2, 28))
    assert units(found) == (2, 2)
