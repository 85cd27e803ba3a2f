"""What settings say of the shop: its name, its currency, and the days on which it is closed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline_core.errors import ConfigError
from pipeline_core.messages import ClosedDays, DriftLimits
from pipeline_core.settings import load_settings
from tests.contract.page.test_page import Page
from tests.support.archives import Shop, day_zip, write_shop
from tests.support.run import latest, run_local, sales, summary, text
from tests.support.verified import assert_agrees

SATURDAYS = ClosedDays(weekdays=(5,))


def _shop(folder: Path, *days: str) -> Shop:
    """Three units on each of the days."""
    contents = {day: day_zip({f"{day}.json": sales(3)}) for day in days}
    archives = {f"{day}.zip": day_zip({f"{day}.zip": content}) for day, content in contents.items()}
    return write_shop(folder, archives)


def _closed(text: str) -> ClosedDays:
    return load_settings({"closed_days": text}).options().closed_days


def _words(folder: Path, name: str = "index.html") -> str:
    return " ".join(Page(text(folder, name)).said.split())


@pytest.mark.parametrize(
    ("written", "day", "is_closed"),
    [
        ("sat", date(2024, 3, 2), True),
        ("sat", date(2024, 3, 3), False),
        (" Sunday , SAT ", date(2024, 3, 3), True),
        ("2024-03-05", date(2024, 3, 5), True),
        ("2024-03-05", date(2025, 3, 5), False),
        ("12-25", date(2031, 12, 25), True),
        ("02-29", date(2024, 2, 29), True),
        ("12-25", date(2031, 12, 26), False),
        ("2024-12-24..2025-01-02", date(2024, 12, 24), True),
        ("2024-12-24..2025-01-02", date(2025, 1, 2), True),
        ("2024-12-24..2025-01-02", date(2025, 1, 3), False),
        ("", date(2024, 3, 2), False),
    ],
)
def test_closed_days_are_written_so(written: str, day: date, is_closed: bool) -> None:
    assert _closed(written).has(day) == is_closed


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("closed_days", "sat,funday"),
        ("closed_days", "2024-02-30"),
        ("closed_days", "13-01"),
        ("closed_days", "20240301"),
        ("closed_days", "2024-03-02..2024-03-01"),
        ("closed_days", "mon,tue,wed,thu,fri,sat,sun"),
        ("currency", "EUR 1"),
        ("currency", "dollars"),
        ("currency", "-"),
        ("currency", " "),
        ("shop", "\t "),
        ("shop", "two\nlines"),
        ("shop", "x" * 101),
    ],
)
def test_what_nobody_can_mean_is_refused(setting: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"SALES_{setting.upper()}"):
        load_settings({setting: value})


def test_closed_days_are_not_missing(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop", "2024-03-01", "2024-03-03", "2024-03-08")
    outcome = run_local(
        shop, tmp_path, closed_days=_closed("sat,2024-03-05..2024-03-06"), most_listed=9
    )
    found = summary(outcome)
    assert found.missing_days == (date(2024, 3, 4), date(2024, 3, 7))
    assert found.missing_days_total == 2
    assert_agrees(tmp_path, outcome)
    words = _words(tmp_path)
    assert "Missing: 2 " in words
    assert "Closed: 3 " in words
    assert "Missing: 2024-03-04, 2024-03-07." in words


def test_a_day_of_a_shop_that_is_closed_counts(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop", "2024-03-01", "2024-03-02")
    assert summary(run_local(shop, tmp_path, closed_days=SATURDAYS)).totals.units_sold == 6
    assert "Closed" not in _words(tmp_path)


def test_far_apart_days_are_counted_without_the_closed_ones(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop", "2024-01-01", "2034-01-02")
    weeks, rest = divmod((date(2034, 1, 2) - date(2024, 1, 1)).days + 1, 7)
    found = summary(run_local(shop, tmp_path, closed_days=SATURDAYS, most_listed=1000))
    assert rest < 5, "no Saturday more"
    assert found.missing_days_total == weeks * 6 + rest - 2


def test_closed_days_are_no_drift(tmp_path: Path) -> None:
    options: dict[str, Any] = {"drift": DriftLimits(new_missing_days=0), "closed_days": SATURDAYS}
    run_local(_shop(tmp_path / "1", "2024-03-01"), tmp_path, **options)
    more = _shop(tmp_path / "2", "2024-03-01", "2024-03-03")
    outcome = run_local(more, tmp_path, publish_incomplete=False, **options)
    assert outcome.state == "published"


def test_what_the_page_says_of_the_shop_decides_nothing(tmp_path: Path) -> None:
    shop = _shop(tmp_path / "shop", "2024-03-01", "2024-03-03")
    run_local(shop, tmp_path)
    before = {path.name: path.read_bytes() for path in latest(tmp_path).rglob("*.csv")}
    outcome = run_local(shop, tmp_path, shop="A & B", currency="GBP", closed_days=SATURDAYS)
    assert summary(outcome).archives.reused == 2
    assert {path.name: path.read_bytes() for path in latest(tmp_path).rglob("*.csv")} == before


def test_name_and_currency_stand_with_the_figures(tmp_path: Path) -> None:
    run_local(_shop(tmp_path / "shop", "2024-03-01"), tmp_path, shop="A & B", currency="£")
    for name in ("index.html", "by_category/Office.html"):
        words = _words(tmp_path, name)
        assert words.startswith("A & B: "), "in the title"
        assert "A & B: sales report" in words
        assert "£0.30" in words
        assert "Revenue (£)" in words


def test_a_page_says_nothing_that_nobody_said(tmp_path: Path) -> None:
    run_local(_shop(tmp_path / "shop", "2024-03-01"), tmp_path)
    words = _words(tmp_path)
    assert words.startswith("Sales report of ")
    assert "Revenue (" not in words
