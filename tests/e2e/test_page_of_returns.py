"""Pages on which more came back than was sold, in a real Chromium: figures below zero."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.chromium import Browser, browser
from tests.support.made_up import MadeUp, write_made_up

__all__ = ["browser"]

FIRST = date(2024, 1, 1)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three months. Toys are sold, of books more comes back than goes out, and all of it does on
    the 5th of each month."""
    cells = []
    for age in range(91):
        day = FIRST + timedelta(days=age)
        cells.append(MadeUp(day, "Toys", "Retail", 5, 5_000 + age))
        cells.append(MadeUp(day, "Books", "VIP", -3, -60_000 if day.day == 5 else -120))
        cells.append(MadeUp(day, "Books", "Retail", 1, 100))
    return write_made_up(tmp_path_factory.mktemp("returns"), cells, currency="EUR")


def _texts(browser: Browser, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent)"
    return [str(each) for each in browser.run(script, selector)]


@pytest.mark.parametrize("width", [1280, 375])
def test_nothing_breaks(browser: Browser, page: Path, width: int) -> None:
    for place in (page / "index.html", page / "by_category" / "Books.html"):
        browser.open(place, width=width)
        assert browser.complaints() == []
        assert browser.findings() == []
        assert browser.run("return document.documentElement.scrollWidth") <= width


def test_bars_go_below_zero(browser: Browser, page: Path) -> None:
    browser.open(page / "index.html")
    browser.one("label[for=by-day]").click()
    zero = browser.run("""
        const rule = document.querySelector("#chart-time [aria-label=rule] line");
        return rule.getBoundingClientRect().top""")
    tops = browser.run("""
        return [...document.querySelectorAll("#chart-time [aria-label=rect] rect")]
            .map((bar) => bar.getBoundingClientRect().top)""")
    assert sum(top >= zero - 1 for top in tops) == 3, "the 5th of each month"
    bars = browser.run("""
        return [...document.querySelectorAll("#chart-categories [aria-label=bar] rect")]
            .map((bar) => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().right])""")
    assert len(bars) == 2
    assert bars[1][1] == pytest.approx(bars[0][0], abs=1.5), "one ends where the other begins"


def test_bars_beside_figures_go_to_either_side_of_zero(browser: Browser, page: Path) -> None:
    browser.open(page / "by_category" / "Books.html")
    sold, lost = browser.run("""
        return [...document.querySelectorAll("#segments ~ .scroll .bar rect")]
            .map((bar) => [bar.getBoundingClientRect().left, bar.getBoundingClientRect().right])""")
    assert lost[1] == pytest.approx(sold[0], abs=0.5), "one ends where the other begins"
    assert lost[0] < lost[1] < sold[1]


def test_a_share_of_nothing_or_less_is_not_shown(browser: Browser, page: Path) -> None:
    browser.open(page / "by_category" / "Books.html")
    shares = _texts(browser, "#segments ~ .scroll tbody tr td:nth-child(4)")
    assert shares == ["–", "–"]  # noqa: RUF001
    browser.open(f"{(page / 'index.html').as_uri()}#2024-01-05")
    assert set(_texts(browser, "#period tbody td:nth-child(4)")) == {"–"}  # noqa: RUF001
    assert _texts(browser, "#period .figure")[0].startswith("−EUR")  # noqa: RUF001
    browser.open(f"{(page / 'index.html').as_uri()}#2024-01-06")
    assert _texts(browser, "#period tbody td:nth-child(4)") == ["100.4 %", "2.0 %", "−2.4 %"]  # noqa: RUF001


def test_the_table_sorts_and_adds_up_with_signs(browser: Browser, page: Path) -> None:
    browser.open(page / "index.html")
    assert [text[0] for text in _texts(browser, "#table tbody td:nth-child(3)")] == ["4", "9", "−"]  # noqa: RUF001
    browser.all("#table th button")[2].click()
    assert [text[0] for text in _texts(browser, "#table tbody td:nth-child(3)")] == ["−", "9", "4"]  # noqa: RUF001
    browser.one("#filter").send_keys("books")
    said = browser.one("#filtered").text
    assert said == "2 of 3 rows: revenue −1,814.60, units −182"  # noqa: RUF001
    assert len(browser.all("#table .bar.minus")) == 1


def test_a_change_from_less_than_nothing_has_no_share(browser: Browser, page: Path) -> None:
    browser.open(page / "index.html")
    cell = browser.run("return document.getElementById('row-2024-01-12').cells[3].textContent")
    assert cell.startswith("+")
    assert "%" not in cell
