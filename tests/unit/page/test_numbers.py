"""How the page writes numbers, and what it is made of."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pipeline_core.page
from pipeline_core.page.numbers import (
    amounts,
    change,
    counts,
    grouped,
    money,
    percent,
    share_html,
    shares,
)
from pipeline_core.transform.money import to_text

MINORS = st.lists(st.integers(-(10**6), 10**9) | st.integers(-(10**30), 10**30))
VENDOR = Path(pipeline_core.page.__file__).parent / "vendor"


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "–"),  # noqa: RUF001
        (0, "0"),
        (1_234_567, "1,234,567"),
        (-1_234, "−1,234"),  # noqa: RUF001
        ("1234567.80", "1,234,567.80"),
        ("-0.50", "−0.50"),  # noqa: RUF001
        (Decimal("5E-15"), "0.000000000000005"),
        ("123456789012345678901234567890.12", "123,456,789,012,345,678,901,234,567,890.12"),
    ],
)
def test_grouped(number: object, shown: str) -> None:
    assert grouped(number) == shown


@settings(deadline=None)
@given(MINORS, st.sampled_from([0, 1, 2, 18]))
def test_columns_of_numbers_are_written_as_each_is(minors: list[int], scale: int) -> None:
    assert counts(minors) == list(map(grouped, minors))
    assert amounts(minors, scale) == [grouped(to_text(minor, scale)) for minor in minors]


@settings(deadline=None)
@given(MINORS, st.integers(-5, 10**9) | st.integers(-(10**30), 10**30))
def test_columns_of_shares_are_written_as_each_is(minors: list[int], whole: int) -> None:
    values = [abs(minor) / 100 for minor in minors]
    texts = [to_text(abs(minor), 2) for minor in minors]
    expected = [share_html(text, to_text(whole, 2)) for text in texts]
    assert shares(values, whole / 100) == expected


@pytest.mark.parametrize(
    ("number", "currency", "shown"),
    [
        ("1234.50", "", "1,234.50"),
        ("1234.50", "EUR", "EUR\u00a01,234.50"),
        ("-1234.50", "EUR", "−EUR\u00a01,234.50"),  # noqa: RUF001
        ("-1234.50", "£", "−£1,234.50"),  # noqa: RUF001
        ("2", "kr", "kr\u00a02"),
        (None, "EUR", "–"),  # noqa: RUF001
    ],
)
def test_money(number: object, currency: str, shown: str) -> None:
    assert money(number, currency) == shown


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [
        ("150.00", "100.00", ("+50.00", "+50.0 %", "up")),
        ("50.00", "100.00", ("−50.00", "−50.0 %", "down")),  # noqa: RUF001
        (7, 7, ("0", "", "same")),
        (7, 0, ("+7", "", "up")),
        (0, 7, ("−7", "−100.0 %", "down")),  # noqa: RUF001
        ("1.5", "1.25", ("+0.25", "+20.0 %", "up")),
        (100_001, 100_000, ("+1", "+0.001 %", "up")),
        (99_999_999, 100_000_000, ("−1", ">−0.001 %", "down")),  # noqa: RUF001
        (
            "123456789012345678901234567890.13",
            "123456789012345678901234567890.12",
            ("+0.01", "<0.001 %", "up"),
        ),
        (
            "223456789012345678901234567890.12",
            "100000000000000000000000000000.01",
            ("+123,456,789,012,345,678,901,234,567,890.11", "+123.5 %", "up"),
        ),
    ],
)
def test_change(now: str | int, before: str | int, shown: tuple[str, str, str]) -> None:
    assert change(now, before) == shown


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [("1", "3", "33.3"), (0, 5, "0.0"), (5, 0, "0.0"), (1, 5000, "0.02"), (9999, 10000, "100.0")],
)
def test_percent(part: str | int, whole: str | int, shown: str) -> None:
    assert percent(part, whole) == shown


def test_what_is_not_ours_is_what_the_readme_says() -> None:
    digest = hashlib.sha256((VENDOR / "plot.min.js").read_bytes()).hexdigest()
    readme = (VENDOR / "README.md").read_text(encoding="utf-8")
    assert digest in readme
    licence = (VENDOR / "LICENSE").read_text(encoding="utf-8")
    assert "@observablehq/plot 0.6.17" in licence
    assert "| `@observablehq/plot` | 0.6.17 |" in readme
