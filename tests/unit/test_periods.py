"""Months, weeks and days: what they are called, and what they are compared with."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from pipeline_core.periods import Step, name_of, newest, numbers_of, period_of


@pytest.mark.parametrize(
    ("step", "day", "key", "name"),
    [
        ("month", date(2024, 2, 29), "2024-02", "February 2024"),
        ("week", date(2024, 3, 3), "2024-W09", "26 February to 3 March 2024"),
        ("week", date(2021, 1, 1), "2020-W53", "28 December 2020 to 3 January 2021"),
        ("week", date(2024, 3, 4), "2024-W10", "4 to 10 March 2024"),
        ("day", date(2024, 3, 1), "2024-03-01", "1 March 2024"),
    ],
)
def test_names(step: Step, day: date, key: str, name: str) -> None:
    found = period_of(step, day)
    assert (found.key, found.name) == (key, name)
    assert found.first <= day <= found.last


@pytest.mark.parametrize(
    ("step", "day", "before", "year_before"),
    [
        ("month", date(2024, 1, 31), "2023-12", "2023-01"),
        ("month", date(2024, 3, 31), "2024-02", "2023-03"),
        ("week", date(2024, 3, 3), "2024-W08", "2023-W09"),
        ("day", date(2024, 2, 29), "2024-02-22", "2023-03-02"),
    ],
)
def test_what_a_period_is_compared_with(
    step: Step, day: date, before: str, year_before: str
) -> None:
    found = period_of(step, day)
    assert [each and each.key for each in (found.before(), found.year_before())] == [
        before,
        year_before,
    ]


@pytest.mark.parametrize("step", ["month", "week", "day"])
def test_the_first_dates_there_are_have_nothing_before(step: Step) -> None:
    assert period_of(step, date.min).before() is None
    assert period_of(step, date.max).last == date.max
    assert len(newest(step, date.min, date.max)) == {"month": 120, "week": 160, "day": 1100}[step]


@pytest.mark.parametrize("step", ["month", "week", "day"])
def test_numbers_go_as_periods_do(step: Step) -> None:
    periods = newest(step, date(2019, 12, 28), date(2021, 1, 4))
    assert periods[0].first <= date(2019, 12, 28) < periods[1].first
    for edge in ("first", "last"):
        dates = np.array([getattr(each, edge) for each in periods], "datetime64[D]")
        assert np.diff(numbers_of(step, dates)).tolist() == [1] * (len(periods) - 1)


def test_ranges_are_named_as_short_as_can_be() -> None:
    assert name_of(date(2011, 12, 1), date(2011, 12, 9)) == "1 to 9 December 2011"
