"""index.html and a category's page as a person has them, in a real Chromium."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from selenium.webdriver.common.keys import Keys

from pipeline_core.load.tables import file_names
from pipeline_core.messages import DriftLimits
from tests.support.archives import day_zip, part, purchase, write_shop
from tests.support.chromium import Browser, browser
from tests.support.made_up import MadeUp, write_made_up
from tests.support.processes import eventually
from tests.support.run import latest, run_local, sales, shop_of, week

__all__ = ["browser"]

HOSTILE = [
    "</script><script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    '" onclick="window.hit=1" x="',
    "\u202egnp.exe\u202c عطور و مستحضرات",
    "🧸 Spielzeug & Bücher 👩‍👩‍👧‍👦",
    '=HYPERLINK("http://x","y")',
    "W" * 300,
    "a  b\n c",
]
PHONE = 375
PLACES = ("index.html", "latest/index.html", "runs/{run}/index.html")


@dataclass(frozen=True)
class Published:
    """A folder of `run_local`'s, and the run that `latest` shows."""

    folder: Path
    run: str

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    @property
    def index(self) -> Path:
        return latest(self.folder) / "index.html"

    def category(self, name: str) -> Path:
        (file,) = file_names([name])
        return latest(self.folder) / "by_category" / file.replace(".csv", ".html")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Two runs: the second is incomplete, has days of every kind, and hostile names all over."""
    folder = tmp_path_factory.mktemp("shop")
    names = [*HOSTILE, "Office"]
    products = [(f"p{n}", "x", name, f"{n + 1}.50") for n, name in enumerate(names)]
    customers = [(f"c{n}", "2020-01-01", name) for n, name in enumerate(names)]
    customers += [("c10", "2020-01-01", "Retail"), ("c11", "2020-01-01", "Retail")]

    def day(number: int) -> bytes:
        some = [
            purchase(f"c{(n + number) % 12}", f"p{n % 9}", 1 + n * number) for n in range(1, 24)
        ]
        return day_zip({"0.json": part([*some, purchase("nobody"), purchase(product="<b>no")])})

    first = {f"2024-02-{n:02d}.zip": day(n) for n in range(1, 27)}
    copied, broken = day(40), b"no zip"
    second = {
        "2024-03-01.zip": copied,
        "again-2024-03-01.zip": copied,
        "2024-03-02.zip": day(41),
        "2024-03-05.zip": broken,
        f"{HOSTILE[0].replace('/', '-')}.zip": b"no zip either",
    }
    archives = {"a.zip": week(days=first), "b.zip": week(days=second)}
    archives["c.zip"] = week(days={"2024-03-02.zip": day(42)})
    run_local(
        write_shop(folder / "before", {"a.zip": archives["a.zip"]}, customers, products), folder
    )
    outcome = run_local(write_shop(folder / "shop", archives, customers, products), folder)
    assert outcome.status == "incomplete"
    return Published(folder, outcome.run_id)


def _published(folder: Path, *parts: bytes, **shop: object) -> Published:
    outcome = run_local(shop_of(folder, *parts, **shop), folder)  # type: ignore[arg-type]
    return Published(folder, outcome.run_id)


# --- a file that needs nothing -------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_it_asks_for_nothing_and_complains_of_nothing(
    browser: Browser, shop: Published, place: str
) -> None:
    page = shop.reports / place.format(run=shop.run)
    browser.open(page)
    assert browser.requests() == {page.as_uri()}
    assert browser.complaints() == []
    assert len(browser.all(".plot svg.chart")) == 3


def test_nothing_can_be_asked_for(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    done = "const done = arguments[0];"
    tried = browser.driver.execute_async_script(
        done + "fetch('https://example.invalid/').then(() => done('went'), e => done('refused'))"
    )
    assert tried == "refused"
    assert any("Content Security Policy" in each for each in browser.complaints())


@pytest.mark.parametrize("place", PLACES)
def test_every_link_leads_to_a_file(browser: Browser, shop: Published, place: str) -> None:
    browser.open(shop.reports / place.format(run=shop.run))
    links = [str(link.get_dom_attribute("href")) for link in browser.all("a")]
    files = {
        browser.run("return new URL(arguments[0], location.href).href", link) for link in links
    }
    paths = {Path(unquote(urlsplit(file).path)) for file in files}
    assert {"sales_report.csv", "rejects.csv", "summary.json", "index.html"} <= {
        path.name for path in paths
    }
    assert [path for path in paths if not path.is_file()] == []
    browser.one('#table a[href*="Office"]').click()
    assert browser.one("h1").text == "Office"
    browser.one(".back a").click()
    assert browser.one("h1").text == "Sales report"


# --- the table -----------------------------------------------------------------------------------


def _column(browser: Browser, number: int) -> list[str]:
    script = """
        const rows = [...document.querySelectorAll("#table tbody tr")].filter(row => !row.hidden);
        return rows.map(row => row.cells[arguments[0]].textContent)"""
    found = browser.run(script, number)
    return [str(each) for each in found]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def test_each_column_sorts_both_ways(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    revenue = _column(browser, 2)
    assert revenue == sorted(revenue, key=_number, reverse=True), "as the report is"
    assert len({len(text) for text in revenue}) > 1, "as texts they would sort otherwise"
    for column in (2, 4, 5):
        browser.all("#table th")[column].find_element("tag name", "button").click()
        first = _column(browser, column)
        browser.all("#table th")[column].find_element("tag name", "button").click()
        assert first == sorted(first, key=_number, reverse=column != 2)
        assert _column(browser, column) == sorted(first, key=_number, reverse=column == 2)
    browser.all("#table th button")[0].click()
    names = _column(browser, 0)
    assert names != revenue
    browser.all("#table th button")[0].click()
    assert list(dict.fromkeys(_column(browser, 0))) == list(dict.fromkeys(names))[::-1]


def test_sorting_by_the_keyboard_is_told(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    units = browser.all("#table th button")[3]
    browser.tab_to(units)
    for key, direction in ((Keys.ENTER, "descending"), (Keys.SPACE, "ascending")):
        browser.press(key)
        sorted_by = browser.all("#table th[aria-sort]")
        assert [th.get_dom_attribute("aria-sort") for th in sorted_by] == [direction]
        found = _column(browser, 4)
        assert found == sorted(found, key=_number, reverse=direction == "descending")
    assert browser.driver.switch_to.active_element == units


def test_the_filter_takes_words_and_adds_up(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    browser.tab_to(browser.one("#filter"))
    browser.press("OFFICE ret")
    assert set(_column(browser, 0)) == {"Office"}
    assert set(_column(browser, 1)) == {"Retail"}
    revenue, units = _column(browser, 2), _column(browser, 4)
    assert browser.one("#filtered").text.endswith(
        f"revenue {sum(map(_number, revenue)):,.2f}, units {sum(map(_number, units)):,.0f}"
    )
    browser.press(" nowhere")
    assert _column(browser, 0) == []
    assert browser.one("#filtered").text.startswith("0 of ")
    browser.one("#filter").send_keys(Keys.CONTROL + "a", Keys.BACKSPACE)
    assert browser.one("#filtered").text == ""
    assert len(_column(browser, 0)) > 10


# --- what the shop writes ------------------------------------------------------------------------


def test_hostile_names_are_text(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    shown = [name if len(name) <= 120 else name[:119] + "…" for name in HOSTILE]
    assert {*shown, "Office"} == set(_column(browser, 0))
    assert {*shown, "Office", "Retail"} == set(_column(browser, 1))
    charted = browser.run("return document.querySelector('#chart-categories').textContent")
    for name in ("</script>", "<img src=x", '" onclick', "🧸 Spielzeug", "=HYPERLINK("):
        assert name in charted
    texts = """
        const labels = '#chart-categories [aria-label="y-axis tick label"] text';
        return [...document.querySelectorAll(labels)].map(label => label.textContent)"""
    labels = browser.run(texts)
    assert len(labels) == len(HOSTILE) + 1
    assert all(each.startswith("\u2068") for each in labels), "none changes what is beside it"
    assert "\u2068a b c\u2069" in labels
    for summary in browser.all("details > summary"):
        summary.click()
    assert "<b>no" in browser.one("main").text, "an example of an event"
    lefts = """
        const labels = document.querySelectorAll("#chart-categories text, #chart-segments text");
        return [...labels].map(label => label.getBoundingClientRect().left)"""
    assert min(browser.run(lefts)) >= 0, "no label of a chart is cut off"
    assert browser.run("return window.hit") is None
    for page in (latest(shop.folder) / "by_category").glob("*.html"):
        browser.open(page)
        assert browser.run("return document.querySelector('h1').textContent") in {*shown, "Office"}
        assert browser.run("return window.hit") is None
        assert browser.complaints() == []
        assert browser.requests() == {page.as_uri()}


# --- for everybody, everywhere -------------------------------------------------------------------


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
def test_axe_finds_nothing(browser: Browser, shop: Published, width: int, *, dark: bool) -> None:
    """REPORTS/index.html is the first that a person opens."""
    pages = {"index": shop.reports / "index.html", "category": shop.category("Office")}
    for name, page in pages.items():
        browser.open(page, width=width, dark=dark)
        browser.screenshot(f"{name}-{width}-{'dark' if dark else 'light'}")
        for summary in browser.all("details > summary"):
            summary.click()
        assert browser.findings() == []
        assert browser.run("return document.documentElement.scrollWidth") <= width


def test_dark_is_dark(browser: Browser, shop: Published) -> None:
    script = """
        const colours = (of) => getComputedStyle(of);
        const bar = document.querySelector(".chart rect");
        return [colours(document.body).backgroundColor, colours(document.body).color,
                colours(bar).fill].map((text) => text.match(/\\d+/g).slice(0, 3)
                .reduce((all, one) => all + Number(one), 0))"""
    browser.open(shop.index)
    paper, ink, bar = browser.run(script)
    browser.open(shop.index, dark=True)
    dark_paper, dark_ink, dark_bar = browser.run(script)
    assert paper > ink
    assert dark_paper < dark_ink
    assert bar != dark_bar


def test_on_paper_there_are_figures_and_no_controls(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    pdf = browser.print()
    assert pdf.startswith(b"%PDF")
    assert browser.one(".banner").is_displayed()
    assert browser.one(".plot svg").is_displayed()
    assert not browser.one("nav").is_displayed()
    assert not browser.one("#filter").is_displayed()
    browser.screenshot("index-print")


def test_charts_follow_the_width(browser: Browser, shop: Published) -> None:
    """Drawn anew, not scaled: their letters stay as large."""

    def drawn() -> int:
        return int(str(browser.one("#chart-time svg").get_dom_attribute("width")))

    browser.open(shop.index)
    assert drawn() > PHONE
    metrics = {"width": PHONE, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.cdp("Emulation.setDeviceMetricsOverride", **metrics)
    eventually(lambda: drawn() < PHONE, "a narrow chart", 10)


# --- what it says --------------------------------------------------------------------------------


def test_an_incomplete_run_says_so_before_any_figure(browser: Browser, shop: Published) -> None:
    for page in (shop.index, shop.category("Office")):
        browser.open(page)
        banner = browser.one(".banner")
        assert banner.text.startswith("This report is incomplete")
        assert banner.location["y"] < browser.one(".figures").location["y"]
    assert "2 inputs could not be read" in _text(browser, shop.index, ".banner")


def _text(browser: Browser, page: Path, selector: str) -> str:
    browser.open(page)
    return browser.one(selector).text


def test_the_calendar_tells_every_kind_of_day(browser: Browser, shop: Published) -> None:
    browser.open(shop.index)
    march = browser.run("""
        const month = [...document.querySelectorAll(".month")].at(-1);
        const days = month.querySelectorAll("td:not(:empty)");
        return [...days].map(day => day.textContent)""")
    assert march == [
        "1=, duplicate",
        "2≠, conflicting",
        "3–, missing",  # noqa: RUF001
        "4–, missing",  # noqa: RUF001
        "5✕, unreadable",
    ]
    legend = browser.one(".legend").text
    for said in ("Present: 26", "Duplicate: 1", "Conflicting: 1", "Unreadable: 1", "Missing: 5"):
        assert said in legend
    assert (
        "Missing: 2024-02-27 to 2024-02-29, 2024-03-03 to 2024-03-04." in browser.one("main").text
    )


def test_changes_are_since_the_run_before(browser: Browser, tmp_path: Path) -> None:
    shop = shop_of(tmp_path / "1", sales(units=2000))
    first = run_local(shop, tmp_path)
    page = Published(tmp_path, first.run_id)
    browser.open(page.index)
    assert "nothing to compare with" in browser.one("main").text
    assert browser.all(".change") == []
    assert "first report published here" in browser.one("main").text
    run_local(shop_of(tmp_path / "2", sales(units=500)), tmp_path)
    browser.open(page.index)
    assert [each.text for each in browser.all(".change")] == [
        "▼ −150.00 (−75.0 %)",  # noqa: RUF001
        "▼ −1,500 (−75.0 %)",  # noqa: RUF001
        "unchanged",
        "0 new, 1 returned, 0 gone",
        "unchanged",
        "unchanged",
    ]
    history = browser.all("#history ~ .scroll tbody tr")
    assert ["50.00" in history[0].text, "200.00" in history[1].text] == [True, True]
    history[1].find_element("tag name", "a").click()
    assert "nothing to compare with" in browser.one("main").text
    assert first.run_id in browser.one(".facts").text


def test_a_run_beyond_its_limits_that_was_allowed_says_so(browser: Browser, tmp_path: Path) -> None:
    run_local(shop_of(tmp_path / "1", sales(units=2000)), tmp_path)
    limits = DriftLimits(revenue_change=Decimal("0.1"))
    shop = shop_of(tmp_path / "2", sales(units=500))
    outcome = run_local(shop, tmp_path, drift=limits, allow_drift=True)
    said = _text(browser, Published(tmp_path, outcome.run_id).index, ".banner")
    assert "moved further" in said
    assert "Total revenue is 50.00, 75.0 % less than 200.00" in said


@pytest.mark.parametrize(
    ("price", "shown"),
    [("7", "7"), ("1234567.1250", "1,234,567.1250"), ("0.000000000000005", "0.000000000000005")],
)
def test_decimals_are_the_prices(browser: Browser, tmp_path: Path, price: str, shown: str) -> None:
    page = _published(tmp_path, sales(), products=[("p1", "x", "Office", price)])
    browser.open(page.index)
    assert _column(browser, 2) == [shown]
    browser.one("#filter").send_keys("office")
    assert f"revenue {shown}, units 1" in browser.one("#filtered").text
    assert browser.complaints() == []


def test_huge_figures_fit_and_stay_exact(browser: Browser, tmp_path: Path) -> None:
    events = part([purchase(quantity=2**31 - 1)] * 9)
    page = _published(tmp_path, events, products=[("p1", "x", "Office", "90071992547409.91")])
    browser.open(page.index, width=PHONE)
    minor = 9 * (2**31 - 1) * 9007199254740991
    shown = f"{minor // 100:,}.{minor % 100:02d}"
    assert browser.one(".figure").text == shown
    assert _column(browser, 2) == [shown]
    assert browser.run("return document.documentElement.scrollWidth") <= PHONE


@pytest.mark.parametrize("width", [1280, 1200, 800, PHONE])
@pytest.mark.parametrize("price", ["10465847.88", "8123456789.10"])
def test_a_large_figure_stays_on_its_line(
    browser: Browser, tmp_path: Path, price: str, width: int
) -> None:
    page = _published(
        tmp_path, part([purchase(quantity=1)]), products=[("p1", "x", "Office", price)]
    )
    for place in (page.index, page.category("Office")):
        browser.open(place, width=width)
        figures = browser.run(
            "return [...document.querySelectorAll('.figure')].map("
            "each => [each.textContent, each.offsetHeight])"
        )
        assert figures[0][0] == f"{Decimal(price):,}"
        assert {height for _, height in figures} == {figures[1][1]}, "as high as a short one"
        assert browser.run("return document.documentElement.scrollWidth") <= width


def test_nothing_sold_is_a_page_too(browser: Browser, tmp_path: Path) -> None:
    page = _published(tmp_path, b"[]")
    for width in (1280, PHONE):
        browser.open(page.index, width=width)
        assert browser.complaints() == []
        assert browser.findings() == []
        assert browser.run("return document.documentElement.scrollWidth") <= width
    said = browser.one("main").text
    assert "Nothing was sold." in said
    assert "No purchase was left out." in said
    browser.screenshot("index-nothing")


def test_one_row(browser: Browser, tmp_path: Path) -> None:
    page = _published(tmp_path, sales())
    browser.open(page.index)
    assert len(browser.all(".plot svg")) == 3
    assert browser.findings() == []
    assert browser.complaints() == []
    browser.screenshot("index-one-row")


def _buyers(folder: Path, bought: str, base: str = "abcd", **options: object) -> Published:
    """Customers, one a letter, of whom some buy; ``base`` is the order of the dimension."""
    events = part([purchase(customer) for customer in bought])
    customers = [(customer, "2020-01-01", "Retail") for customer in base]
    place = folder / secrets.token_hex(4)
    run_local(shop_of(place, events, customers=customers), folder, **options)  # type: ignore[arg-type]
    return Published(folder, "")


def test_new_and_returned_customers(browser: Browser, tmp_path: Path) -> None:
    def said(page: Published) -> str:
        browser.open(page.index)
        is_unknown = "How many customers are new is not known" in browser.one("main").text
        known = [each.text for each in browser.all("#newcomers")]
        return "not known" if is_unknown else "".join(known)

    assert said(_buyers(tmp_path, "abc")) == ""
    assert said(_buyers(tmp_path, "bcd")) == "1 new, 2 returned, 1 gone"
    # b is gone from the dimension, and every code is another one's.
    assert said(_buyers(tmp_path, "acd", base="0acd")) == "1 new, 2 returned, 1 gone"
    assert said(_buyers(tmp_path, "acx", unknown="bucket")) == "not known"
    assert said(_buyers(tmp_path, "ac")) == "not known", "the one before had a stranger"
    (kept,) = (tmp_path / "state").glob(f"runs/{max(_runs(tmp_path))}/customers.roaring")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert said(_buyers(tmp_path, "ac")) == "not known", "it is damaged"
    assert said(_buyers(tmp_path, "ac")) == "0 new, 2 returned, 0 gone"


def _runs(folder: Path) -> list[str]:
    return [path.name for path in (folder / "reports" / "runs").iterdir()]


# --- bounds --------------------------------------------------------------------------------------


def test_ten_thousand_categories_stay_usable(browser: Browser, tmp_path: Path) -> None:
    """In a page below 2 MB; all are in the CSVs, and each has a page."""
    cells = [
        MadeUp(
            date(2024, 3, 1 + n % 28),
            f"Category {n // 20:05d}",
            f"Segment {n % 20}",
            n % 9_973 + 1,
            (n % 9_973 + 1) * 7,
        )
        for n in range(200_000)
    ]
    total = sum(each.revenue for each in cells)
    folder = write_made_up(tmp_path, cells)
    assert (folder / "index.html").stat().st_size < 2_000_000
    pages = list((folder / "by_category").iterdir())
    assert len(pages) == 10_000
    assert max(page.stat().st_size for page in pages) < 20_000
    started = time.monotonic()
    browser.open(folder / "index.html")
    assert len(_column(browser, 0)) == 500
    assert time.monotonic() - started < 10
    shown = sum(_number(text) for text in _column(browser, 2))
    rest = browser.all("#table tfoot .folded .number")
    assert "199,500 more rows" in browser.one("#table tfoot .folded").text
    assert round(shown + _number(rest[0].text), 2) == total / 100
    wanted = _column(browser, 0)[-1]
    browser.one("#filter").send_keys(wanted)
    assert set(_column(browser, 0)) == {wanted}
    assert browser.complaints() == []
