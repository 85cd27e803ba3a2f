"""Months, weeks and days of index.html, and what one of them was, in a real Chromium."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from pipeline_core.messages import ClosedDays
from tests.support.archives import day_zip, part, purchase, write_shop
from tests.support.chromium import Browser, browser
from tests.support.processes import eventually
from tests.support.run import latest, run_local, week

__all__ = ["browser"]

OLD, FIRST, LAST = date(2010, 3, 5), date(2024, 1, 29), date(2024, 4, 10)
MISSING = {date(2024, 2, 6), date(2024, 2, 7), date(2024, 3, 20)}
PHONE = 375
NUMBER = str.maketrans("\u2212", "-", ",.+")
Cells = dict[tuple[str, str], tuple[int, int]]
"""Revenue in cents, and units, by category and segment."""


def _dates() -> Iterator[date]:
    """Without those that are missing, and Sundays, which are closed."""
    for age in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=age)
        if day not in MISSING and day.weekday() != 6:
            yield day


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("over-time")
    customers = [("c0", "2020-01-01", "Retail"), ("c1", "2020-01-01", "VIP & <co>")]
    customers.append(("once", "2020-01-01", "Guest"))
    products = [("p0", "x", "Office", "19.99"), ("p1", "x", "عطور <b>", "0.10")]
    days = {}
    for day in _dates():
        at = day.toordinal()  # no two days are alike
        bought = [purchase(f"c{n % 2}", f"p{(n + at) % 3 % 2}", 1 + n * at) for n in range(4)]
        if day == date(2024, 2, 29):
            bought = [*bought[: at % 4], purchase("once"), purchase("once", "p0")]
        left_out = [purchase("nobody")] if day == FIRST else []
        days[f"{day}.zip"] = day_zip({"0.json": part(bought[: 1 + at % 4] + left_out)})
    shop = write_shop(place / "shop", {"a.zip": week(days=days)}, customers, products)
    run_local(shop, place, currency="EUR", closed_days=ClosedDays(weekdays=(6,)))
    return place


@pytest.fixture
def page(folder: Path) -> str:
    return (latest(folder) / "index.html").absolute().as_uri()


def _cells(folder: Path, first: date, last: date) -> Cells:
    """By daily_sales.csv."""
    sums: defaultdict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    with (latest(folder) / "daily_sales.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if first <= date.fromisoformat(row["date"]) <= last:
                at = row["category"], row["customer_segment"]
                cents, units = int(row["total_revenue"].replace(".", "")), int(row["units_sold"])
                sums[at] = (sums[at][0] + cents, sums[at][1] + units)
    return dict(sums)


def _shown(browser: Browser) -> Cells:
    """By the panel's table."""
    rows = browser.run("""
        return [...document.querySelectorAll("#period tbody tr")].map((row) =>
            [...row.cells].map((cell) => cell.textContent))""")
    return {
        (row[0], row[1]): (int(row[2].translate(NUMBER)), int(row[-1].translate(NUMBER)))
        for row in rows
    }


def _name(browser: Browser) -> str:
    return browser.one("#period h3").text if browser.one("#period").is_displayed() else ""


def _await_name(browser: Browser, *names: str) -> None:
    """The address changes first, and the page hears of it."""
    eventually(lambda: _name(browser) in names, " or ".join(names) or "no period", 10)


def test_one_switch_shows_months_weeks_or_days(browser: Browser, page: str) -> None:
    browser.open(page)
    assert [each.is_displayed() for each in browser.all(".by")] == [True, False, False]
    browser.tab_to(browser.one("#by-month"))
    browser.press(Keys.ARROW_RIGHT)
    assert [each.is_displayed() for each in browser.all(".by")] == [False, True, False]
    weeks = len(browser.all("#chart-time rect"))
    browser.press(Keys.ARROW_RIGHT)
    assert [each.is_displayed() for each in browser.all(".by")] == [False, False, True]
    assert len(browser.all("#chart-time rect")) > weeks
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("key", "first", "last", "name"),
    [
        ("2024-03", date(2024, 3, 1), date(2024, 3, 31), "March 2024"),
        ("2024-W07", date(2024, 2, 12), date(2024, 2, 18), "12 to 18 February 2024"),
        ("2024-02-29", date(2024, 2, 29), date(2024, 2, 29), "29 February 2024"),
    ],
)
def test_a_period_says_what_it_was(
    browser: Browser, folder: Path, page: str, key: str, first: date, last: date, name: str
) -> None:
    browser.open(f"{page}#{key}")
    _await_name(browser, name)
    cells = _cells(folder, first, last)
    assert {at: of for at, of in _shown(browser).items() if of != (0, 0)} == cells
    total = f"{sum(cents for cents, _ in cells.values()):,}"
    assert browser.all("#period .figure")[0].text.startswith("EUR ")
    assert browser.all("#period tfoot td")[0].text.replace(".", "").replace(",", "") == (
        total.replace(",", "")
    )
    assert browser.complaints() == []


def test_a_month_says_what_moved_since_the_one_before(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(f"{page}#2024-03")
    headings = [each.text for each in browser.all("#period thead th")]
    assert headings[2:] == ["Revenue (EUR)", "Share", "On February 2024", "Units"]
    before = _cells(folder, date(2024, 2, 1), date(2024, 2, 29))
    moved = []
    for row in browser.all("#period tbody tr, #period tfoot tr"):
        texts = [each.text for each in row.find_elements("css selector", "th, td")]
        moved.append(int(texts[-2].translate(NUMBER)))
        if texts[0] != "All":
            now = int(texts[2].translate(NUMBER))
            assert moved[-1] == now - before.pop((texts[0], texts[1]), (0, 0))[0]
    assert before == {}, "what was sold then only has a row, too"
    assert moved[-1] == sum(moved[:-1])


def test_a_month_that_is_not_over_is_compared_row_by_row_with_none(
    browser: Browser, page: str
) -> None:
    browser.open(f"{page}#2024-04")
    assert [each.text for each in browser.all("#period thead th")][3:] == ["Share", "Units"]
    assert "on 1 to 10 March 2024" in browser.one("#row-2024-04").text
    assert "April 2024 goes to 2024-04-10 so far." in browser.one(".time").text


def test_whether_the_last_month_is_whole(browser: Browser, page: str) -> None:
    browser.open(page)
    said = browser.one(".time").text
    assert "March 2024 is not whole. 1 day of 26 is missing, or could not be read." in said
    assert "25 of 26" in browser.one("#row-2024-03").text
    assert "from 2024-01-29" in browser.one("#row-2024-01").text


def test_by_mouse_a_row_a_bar_and_a_date_of_the_calendar_lead_to_it(
    browser: Browser, page: str
) -> None:
    browser.open(page)
    browser.one("#row-2024-02 a").click()
    _await_name(browser, "February 2024")
    assert browser.driver.switch_to.active_element == browser.one("#period h3")
    bars = browser.all("#chart-time g[aria-label=rect] rect")
    march = max(bars, key=lambda bar: bar.location["x"])
    chart = browser.one("#chart-time svg")
    ActionChains(browser.driver).move_to_element(chart).move_to_element(march).click().perform()
    _await_name(browser, "March 2024", "April 2024")
    links = browser.all(".month a")
    assert [each.get_dom_attribute("href") for each in links] == [f"#{day}" for day in _dates()]
    links[-1].click()
    _await_name(browser, "10 April 2024")
    assert browser.one("#by-day").is_selected()
    browser.driver.back()
    _await_name(browser, "March 2024", "April 2024")


def test_by_the_keyboard_the_calendar_is_one_stop_with_arrows(browser: Browser, page: str) -> None:
    browser.open(page)
    newest = browser.all(".month a")[-1]
    browser.tab_to(newest)
    for keys, day in [
        ([Keys.ARROW_UP], "2024-04-03"),
        ([Keys.ARROW_UP] * 2, "2024-03-19"),
        ([Keys.ARROW_RIGHT], "2024-03-21"),
        ([Keys.ARROW_DOWN, Keys.ARROW_LEFT], "2024-03-27"),
    ]:
        browser.press(*keys)
        focused = browser.driver.switch_to.active_element
        assert focused.get_dom_attribute("href") == f"#{day}"
    browser.press(Keys.ENTER)
    _await_name(browser, "27 March 2024")
    browser.one("#period button").send_keys(Keys.ENTER)
    _await_name(browser, "")
    assert browser.driver.switch_to.active_element == browser.one("#row-2024-03-27 a")


def test_another_place_of_the_page_leaves_it_open(browser: Browser, page: str) -> None:
    browser.open(f"{page}#2024-02")
    browser.one('nav a[href="#days"]').click()
    _await_name(browser, "February 2024")
    assert not browser.one("#commands th").is_displayed()
    browser.run("location.hash = '#commands'")
    eventually(browser.one("#commands th").is_displayed, "the fold to open", 10)
    browser.driver.get(page)
    _await_name(browser, "")


def test_one_period_leads_to_the_next(browser: Browser, page: str) -> None:
    browser.open(f"{page}#2024-02-08")
    before, after = browser.all("#period .heading a")
    assert (before.text, after.text) == ("‹ 5 February 2024", "9 February 2024 ›")  # noqa: RUF001
    before.click()
    _await_name(browser, "5 February 2024")
    browser.open(f"{page}#2024-01")
    assert len(browser.all("#period .heading a")) == 1


def test_gaps_are_gaps(browser: Browser, page: str) -> None:
    browser.open(page)
    assert not browser.one(".gaps").is_displayed()
    browser.one("label[for=by-day]").click()
    assert browser.one(".gaps").is_displayed()
    grey = browser.all("#chart-time g[fill='var(--gap)'] rect")
    assert len(grey) == len(MISSING)
    height = browser.one("#chart-time svg").size["height"]
    assert min(each.size["height"] for each in grey) > height / 2, "as high as the chart"


def test_weekdays_are_of_the_days_that_there_are(browser: Browser, page: str) -> None:
    browser.open(page)
    days = browser.all("#weekdays ~ .scroll tbody tr")
    found = {row.text.split()[0]: row.text.split()[1] for row in days[:7]}
    dates = list(_dates())
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    for number, name in enumerate(names):
        assert found[name] == str(sum(day.weekday() == number for day in dates))


# Colours do not depend on the width: two of the four show all of both, and `make fault` all four.
@pytest.mark.parametrize(
    ("width", "dark"),
    [
        (1280, False),
        (PHONE, True),
        pytest.param(1280, True, marks=pytest.mark.long),
        pytest.param(PHONE, False, marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_in_a_period(
    browser: Browser, page: str, width: int, *, dark: bool
) -> None:
    for key in ("2024-03", "2024-03-27"):
        browser.open(f"{page}#{key}", width=width, dark=dark)
        assert browser.findings() == []
        assert browser.run("return document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_first_column_stays(browser: Browser, page: str) -> None:
    browser.open(page, width=PHONE)
    name = browser.one("#row-2024-03 th")
    before = name.location["x"]
    browser.run("document.querySelector('.by-month .scroll').scrollLeft = 300")
    assert name.location["x"] == before
    assert browser.one("#row-2024-03 td").location["x"] < before


def _brightest(browser: Browser, selector: str) -> int:
    """From 0 to 255, along the right edge of what holds a table, between what is written there."""
    box = browser.run(
        """const place = document.querySelector(arguments[0]);
        const {top, height} = place.querySelector("tbody").getBoundingClientRect();
        const {right} = place.getBoundingClientRect();
        return {x: right - 2, y: top + scrollY, width: 1, height}""",
        selector,
    )
    shot = browser.cdp(
        "Page.captureScreenshot", captureBeyondViewport=True, clip={**box, "scale": 1}
    )
    return int(
        browser.driver.execute_async_script(
            """const [png, done] = arguments, image = new Image();
            image.onload = () => {
                const {width, height} = image;
                const canvas = Object.assign(document.createElement("canvas"), {width, height});
                const context = canvas.getContext("2d");
                context.drawImage(image, 0, 0);
                done(Math.max(...context.getImageData(0, 0, width, height).data
                    .filter((_, at) => at % 4 === 0)));
            };
            image.src = `data:image/png;base64,${png}`;""",
            shot["data"],
        )
    )


def test_on_a_phone_a_shadow_shows_that_a_table_goes_on(
    browser: Browser, folder: Path, page: str
) -> None:
    browser.open(f"{page}#2024-03", width=PHONE)
    for table in (".by-month .scroll", "#period .scroll"):
        at_the_beginning = _brightest(browser, table)
        browser.run("document.querySelector(arguments[0]).scrollLeft = 9999", table)
        assert at_the_beginning < _brightest(browser, table) - 20
    browser.open(latest(folder) / "by_category" / "Office.html", width=PHONE)
    assert _brightest(browser, "#months ~ .scroll") < 235


@pytest.mark.parametrize(
    ("key", "name", "because"),
    [
        ("2024-02-06", "6 February 2024", "It is missing: no archive has this day."),
        ("2024-02-04", "4 February 2024", "The shop was closed."),
        ("2023-11", "November 2023", "This report goes from 2024-01-29 to 2024-04-10."),
        ("2024-W30", "Week 30 of 2024", "This report goes from 2024-01-29 to 2024-04-10."),
        ("2024-05-01", "1 May 2024", "This report goes from 2024-01-29 to 2024-04-10."),
        ("2024-02-31", "2024-02-31", "There is no such day."),
        ("2024-13", "2024-13", "There is no such month."),
    ],
)
def test_what_is_not_there_is_told(
    browser: Browser, page: str, key: str, name: str, because: str
) -> None:
    browser.open(f"{page}#{key}")
    _await_name(browser, name)
    assert browser.one("#period > p").text == because
    assert browser.findings() == []
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("key", "dates"),
    [
        ("2024-03", "--month 2024-03"),
        ("2024-W07", "--from 2024-02-12 --to 2024-02-18"),
        ("2024-02-29", "--from 2024-02-29 --to 2024-02-29"),
    ],
)
def test_where_it_stands_what_was_left_out(
    browser: Browser, folder: Path, page: str, key: str, dates: str
) -> None:
    browser.open(f"{page}#{key}")
    note = browser.one("#period .note")
    run = latest(folder).resolve().name
    assert note.find_element("css selector", "code").text == (
        f"sales-pipeline report {dates} --format table --run {run}"
    )
    note.find_element("css selector", "a[href='#left-out']").click()
    assert browser.one("#period").is_displayed()


def test_what_is_too_old_for_the_page_or_in_a_gap_is_told(browser: Browser, tmp_path: Path) -> None:
    days = {f"{day}.zip": day_zip({"0.json": part([purchase()])}) for day in (OLD, LAST)}
    run_local(write_shop(tmp_path / "shop", {"a.zip": week(days=days)}), tmp_path)
    for key, name, because in [
        (
            str(OLD),
            "5 March 2010",
            "This page has no day that is so old. Each day is in daily_sales.csv.",
        ),
        (
            "2010-03",
            "March 2010",
            "This page has no month that is so old. Each day is in daily_sales.csv.",
        ),
        (
            "2010-W09",
            "Week 9 of 2010",
            "This page has no week that is so old. Each day is in daily_sales.csv.",
        ),
        ("2010-02", "February 2010", "This report goes from 2010-03-05 to 2024-04-10."),
        ("2023-05", "May 2023", "None of its days is there, or none could be read."),
    ]:
        browser.open(f"{(latest(tmp_path) / 'index.html').absolute().as_uri()}#{key}")
        _await_name(browser, name)
        assert browser.one("#period > p").text == because
        assert browser.complaints() == []


def test_from_what_is_not_there_one_gets_on(browser: Browser, page: str) -> None:
    browser.open(f"{page}#2024-02-06")
    links = browser.all("#period .heading a")
    assert [each.text for each in links] == ["‹ 5 February 2024", "8 February 2024 ›"]  # noqa: RUF001
    browser.one("#period button").click()
    _await_name(browser, "")
    assert browser.driver.switch_to.active_element == browser.one("#by-day")


def test_escape_closes_it(browser: Browser, page: str) -> None:
    browser.open(f"{page}#2024-02")
    browser.one("#filter").send_keys("x", Keys.ESCAPE)
    assert _name(browser) == "February 2024", "that was for what is written there"
    browser.one("#row-2024-03 a").click()
    _await_name(browser, "March 2024")
    browser.press(Keys.ESCAPE)
    _await_name(browser, "")
    assert browser.driver.switch_to.active_element == browser.one("#row-2024-03 a")


def test_without_a_script_there_are_all_figures(browser: Browser, page: str) -> None:
    browser.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(page)
        shown = browser.all(".by")
        assert [each.is_displayed() for each in shown] == [True, False, False]
        assert "March 2024" in shown[0].text
        browser.one("label[for=by-day]").click()
        assert [each.is_displayed() for each in shown] == [False, False, True]
        assert "27 March 2024" in shown[2].text
        assert not browser.one("#period").is_displayed()
    finally:
        browser.cdp("Emulation.setScriptExecutionDisabled", value=False)
