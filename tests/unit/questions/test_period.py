"""Months and years."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline_core.questions.period import ComparedWith, Period


def test_a_month_ends_when_it_ends() -> None:
    month = Period.parse_month("2024-02")
    assert (month.first, month.last) == (date(2024, 2, 1), date(2024, 2, 29))
    year = Period.parse_year("9999")
    assert (year.first, year.last) == (date(9999, 1, 1), date(9999, 12, 31))


@pytest.mark.parametrize(
    ("period", "which", "before"),
    [
        ("2011-03", "previous", "2011-02"),
        ("2011-01", "previous", "2010-12"),
        ("2011-03", "last-year", "2010-03"),
        ("2024-02", "last-year", "2023-02"),
        ("0001-02", "previous", "0001-01"),
        ("2011", "previous", "2010"),
        ("2011", "last-year", "2010"),
    ],
)
def test_what_is_before(period: str, which: ComparedWith, before: str) -> None:
    parse = Period.parse_month if "-" in period else Period.parse_year
    assert str(parse(period).before(which)) == before


@pytest.mark.parametrize("period", [Period(1), Period(1, 1)])
def test_nothing_is_before_the_first_year(period: Period) -> None:
    with pytest.raises(ValueError, match="nothing is before 0001"):
        period.before("previous")


@pytest.mark.parametrize(
    "text", ["2011-00", "2011-13", "11-03", "2011-03-01", "\u0662011-03", "", "0000-1"]
)
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(ValueError, match="is no month"):
        Period.parse_month(text)
