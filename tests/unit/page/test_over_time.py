"""Sales by month, week and day, against sums in plain Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pytest

from pipeline_core.messages import ClosedDays
from pipeline_core.page import DayState, Folded, Group, OverTime, SalesFigures, ShownGroups
from pipeline_core.page import cells_of_periods as cells
from pipeline_core.page.category_months import CategoryMonths
from pipeline_core.page.over_time import over_time
from pipeline_core.schemas import DAILY_SALES_PARTIAL

Row = tuple[date | None, str, str, int, int]
"""Date, category, segment, units and revenue in minor units."""
LIMB = 2**32
OPEN = ClosedDays()


def _partial(rows: Sequence[Row], *, purchases: int | None = 2) -> pa.Table:
    dates, categories, segments, units, revenue = zip(*rows, strict=True) if rows else [()] * 5
    columns = {
        "date": dates,
        "category": categories,
        "segment": segments,
        "units": units,
        "revenue_hi": [each // LIMB for each in revenue],
        "revenue_lo": [each % LIMB for each in revenue],
        "purchases": [purchases] * len(rows),
    }
    return pa.table(columns, schema=DAILY_SALES_PARTIAL)


def _groups(*names: str) -> ShownGroups:
    none = SalesFigures("0", 0)
    return ShownGroups(tuple(Group(name, none) for name in names), None)


def _of(
    rows: Sequence[Row],
    *absent: date,
    closed: ClosedDays = OPEN,
    states: dict[date, DayState] | None = None,
    purchases: int | None = 2,
) -> OverTime:
    """Every date of the rows is present."""
    there: dict[date, DayState] = {each[0]: "present" for each in rows if each[0]}
    there.update(dict.fromkeys(absent, "unreadable"))
    there.update(states or {})
    partial = _partial(rows, purchases=purchases)
    return over_time(partial, there, closed, 2, _groups("Art", "Toys"), _groups("Retail", "VIP"))


def _sold(day: date, revenue: int, units: int = 1) -> Row:
    return (day, "Art", "Retail", units, revenue)


def _days(first: date, last: date, revenue: int = 100) -> list[Row]:
    count = (last - first).days + 1
    return [_sold(first + timedelta(days=age), revenue + age) for age in range(count)]


@pytest.mark.parametrize("seed", range(20))
def test_every_period_is_the_sum_of_its_days(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (it is no secret)
    first = date(2023, 11, 20)
    rows: list[Row] = [
        (
            first + timedelta(days=chance.randrange(500)),
            chance.choice(["Art", "Toys", "Zoo"]),
            chance.choice(["Retail", "VIP"]),
            chance.randrange(-5, 50),
            chance.randrange(-(10**12), 10**21),
        )
        for _ in range(300)
    ]
    rows = list({row[:3]: row for row in rows}.values())
    found = _of(rows)
    for periods in (found.months, found.weeks, found.days):
        for period in periods:
            of = [row for row in rows if row[0] and period.first <= row[0] <= period.last]
            dates = {row[0] for row in of}
            assert period.days == len(dates)
            assert (period.revenue is None) == (not dates)
            assert period.units == sum(row[3] for row in of)
            assert period.purchases == 2 * len(of)
            revenue = Decimal(sum(row[4] for row in of)).scaleb(-2)
            assert Decimal(period.revenue or 0) == revenue
            in_cells = found.cells.get(period.key)
            listed = in_cells.rows if in_cells else ()
            rest = in_cells.folded if in_cells and in_cells.folded else (0, 0, 0)
            assert sum(row[2] for row in listed) + rest[1] == revenue.scaleb(2)
            assert sum(row[3] for row in listed) + rest[2] == period.units
            assert [row[2] for row in listed] == sorted((row[2] for row in listed), reverse=True)
            assert bool(rest[0]) == any(row[1] == "Zoo" for row in of), (
                "not listed: one of the rest"
            )
    by_weekday: defaultdict[int, int] = defaultdict(int)
    for day, _, _, _, revenue_of_row in rows:
        assert day is not None
        by_weekday[day.weekday()] += revenue_of_row
    for number, weekday in enumerate(found.weekdays):
        assert Decimal(weekday.revenue).scaleb(2) == by_weekday[number]


def test_a_month_is_compared_with_the_one_before_and_that_of_a_year_before() -> None:
    found = _of(_days(date(2023, 3, 1), date(2024, 3, 31)))
    march = found.months[-1]
    assert march.before
    assert march.year_before
    assert (march.before.name, march.year_before.name) == ("February 2024", "March 2023")
    assert march.before.revenue == found.months[-2].revenue
    assert march.year_before.revenue == found.months[0].revenue
    assert found.months[0].before is None
    assert march.is_whole


def test_a_month_that_is_not_over_is_compared_with_as_many_days() -> None:
    found = _of(_days(date(2023, 2, 1), date(2024, 3, 30)))
    march = found.months[-1]
    assert march.before
    assert march.year_before
    assert not march.has_ended
    assert march.before.name == "February 2024", "it has no more"
    assert march.year_before.name == "1 to 30 March 2023"
    thirty = [Decimal(each.revenue or 0) for each in found.days if "2023-03" in each.key][:30]
    assert Decimal(march.year_before.revenue) == sum(thirty)


def test_what_begins_before_the_run_does_is_compared_with_nothing() -> None:
    found = _of(_days(date(2024, 1, 2), date(2024, 3, 31)))
    assert [each.before is None for each in found.months] == [True, True, False]
    assert not found.months[0].is_whole
    assert found.months[0].since == date(2024, 1, 2)
    assert [each.before is None for each in found.days[:8]] == [True] * 7 + [False]


def test_a_day_that_is_missing_is_not_one_without_sales() -> None:
    rows = [_sold(date(2024, 3, 1), 100), _sold(date(2024, 3, 5), 100)]
    unsold = date(2024, 3, 4)
    found = _of(rows, date(2024, 3, 3), states={unsold: "present"})
    assert [(each.first.day, each.state, each.revenue) for each in found.days] == [
        (1, "present", "1.00"),
        (2, "missing", None),
        (3, "unreadable", None),
        (4, "present", "0.00"),
        (5, "present", "1.00"),
    ]
    assert (found.months[0].days, found.months[0].open_days) == (3, 5)


def test_closed_days_are_no_days_of_a_month() -> None:
    march = [row for row in _days(date(2024, 3, 1), date(2024, 3, 31)) if row[0].weekday() != 5]  # type: ignore[union-attr]
    found = _of(march, closed=ClosedDays(weekdays=(5,)))
    assert found.months[0].is_whole
    assert found.months[0].open_days == 26
    assert len(found.days) == 26
    assert found.weekdays[5].days == 0
    assert found.weekdays[5].average is None


def test_a_month_that_begins_and_ends_closed_is_whole() -> None:
    closed = ClosedDays(ranges=((date(2024, 1, 1), date(2024, 1, 2)),), weekdays=(6,))
    found = _of(
        [row for row in _days(date(2024, 1, 3), date(2024, 3, 30)) if row[0].weekday() != 6],  # type: ignore[union-attr]
        closed=closed,
    )
    assert [each.is_whole for each in found.months] == [True, True, True], "31 March is a Sunday"
    assert found.months[1].before is not None
    assert found.months[1].before.revenue == found.months[0].revenue
    assert [each.until for each in found.months][-1] == date(2024, 3, 31)
    assert found.days[-1].key == "2024-03-30"


def test_averages_are_rounded_to_the_price() -> None:
    monday = date(2024, 3, 4)
    found = _of([_sold(monday, 5), _sold(monday + timedelta(days=7), 6)])
    assert found.weekdays[0].average == "0.06", "5.5 is rounded to the even one"
    assert found.days[0].average == "0.02"
    assert found.days[0].purchases == 2


def test_less_than_nothing_is_no_price_of_a_purchase() -> None:
    """Where more came back than was bought."""
    day = date(2024, 3, 4)
    rows = [_sold(day, -5), _sold(day + timedelta(days=1), 105)]
    found = _of(rows)
    assert [each.average for each in found.days] == [None, "0.52"]
    assert found.weekdays[0].average == "-0.05", "revenue a day it is"
    assert [each.average for each in CategoryMonths(_partial(rows), found, 2).of("Art")] == ["0.25"]
    lost = _of([_sold(day, -5)])
    assert CategoryMonths(_partial([_sold(day, -5)]), lost, 2).of("Art")[0].average is None


def test_purchases_of_an_earlier_version_are_not_known() -> None:
    found = _of([_sold(date(2024, 3, 4), 5)], purchases=None)
    assert (found.days[0].purchases, found.days[0].average) == (None, None)
    assert found.weekdays[0].purchases is None


def test_days_without_a_date_are_in_no_period() -> None:
    undated: Row = (None, "Art", "Retail", 3, 30)
    found = _of([_sold(date(2024, 3, 4), 5), undated])
    assert found.undated == SalesFigures("0.30", 3)
    assert [each.revenue for each in found.months] == ["0.05"]
    alone = _of([undated])
    assert (alone.undated, alone.months, alone.weekdays) == (SalesFigures("0.30", 3), (), ())
    assert _of([]).undated is None


def test_dates_that_are_far_apart_are_cut() -> None:
    found = _of([_sold(date(1, 1, 1), 5), _sold(date(9998, 1, 1), 7)])
    assert [len(each) for each in (found.months, found.weeks, found.days)] == [120, 160, 1100]
    assert found.earlier_days == 1


def test_rows_beyond_the_room_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cells.MOST_ROWS, "day", 3)
    one, two = date(2024, 3, 4), date(2024, 3, 5)
    rows: list[Row] = [
        (day, category, segment, 1, revenue)
        for day in (one, two)
        for revenue, (category, segment) in enumerate(
            [("Art", "Retail"), ("Art", "VIP"), ("Toys", "Retail")]
        )
    ]
    found = _of(rows)
    assert found.cells["2024-03-05"].rows == ((1, 0, 2, 1),)
    assert found.cells["2024-03-05"].folded == (2, 1, 2)
    assert len(found.cells["2024-03"].rows) == 3, "of a month there is more room"


def test_folded_is_no_part_of_a_group() -> None:
    """What the page lists as one is one in each period, too."""
    others = ShownGroups(_groups("Art").shown, Folded(1, SalesFigures("0.07", 1)))
    rows: list[Row] = [(date(2024, 3, 4), name, "Retail", 1, 7) for name in ("Art", "Toys")]
    states: dict[date, DayState] = {date(2024, 3, 4): "present"}
    found = over_time(_partial(rows), states, OPEN, 2, others, _groups("Retail"))
    assert found.cells["2024-03"].rows == ((0, 0, 7, 1),)
    assert found.cells["2024-03"].folded == (1, 7, 1)


@pytest.mark.parametrize("last", [date(2024, 3, 31), date(2024, 3, 30)])
def test_months_of_all_categories_add_up_to_those_of_the_report(last: date) -> None:
    first, names = date(2023, 1, 15), ("Art", "Toys", "Zoo")
    rows: list[Row] = [
        (first + timedelta(days=age), name, "Retail", age % 7 - 2, (age * len(name)) ** 5 - 10**9)
        for age in range((last - first).days + 1)
        for name in names[: 1 + age % 3]
    ]
    found = _of(rows)
    months = CategoryMonths(_partial(rows), found, 2)
    by_category = [months.of(name) for name in names]
    assert len(by_category[0]) == 13
    assert months.of("nothing") == ()
    for whole, *parts in zip(found.months[-13:], *by_category, strict=True):
        assert {each.name for each in parts} == {whole.name}
        assert sum(Decimal(each.revenue or 0) for each in parts) == Decimal(whole.revenue or 0)
        assert sum(each.units for each in parts) == whole.units
        assert sum(each.purchases or 0 for each in parts) == whole.purchases
        for other in ("before", "year_before"):
            beside = [getattr(each, other) for each in (whole, *parts)]
            if beside[0] is None:
                assert beside == [None] * 4
            else:
                assert {each.name for each in beside} == {beside[0].name}
                revenue = [Decimal(each.revenue) for each in beside]
                assert revenue[0] == sum(revenue[1:])
