"""index.html and spreadsheet-safe CSV: what a shop writes is shown, and is nothing but text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.archives import day_zip, part, purchase, write_shop
from tests.contract.run import latest, rejects, rows, run_local, sales, shop_of, text, week

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "</td></table>{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; \u202egnp.exe",
    '=HYPERLINK("http://x")',
]


class _Page(HTMLParser):
    """Tags with their attributes, and all text outside of the style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.said = ""
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, _tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.said += data


def _page(folder: Path) -> _Page:
    return _Page((latest(folder) / "index.html").read_text(encoding="utf-8"))


def test_the_page_says_what_the_report_says(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(units=12_345), sales(product_id="nowhere", units=2))
    run_local(shop, tmp_path)
    page = _page(tmp_path)
    for shown in ("Office", "Retail", "1,234.50", "12,345", "unknown_product", "Complete"):
        assert shown in page.said, shown
    tags = [tag for tag, _ in page.tags]
    assert tags.count("table") == 2
    assert "script" not in tags
    assert ("html", (("lang", "en"),)) in page.tags


def test_nothing_of_the_page_is_fetched(tmp_path: Path) -> None:
    run_local(shop_of(tmp_path, sales()), tmp_path)
    page = _page(tmp_path)
    policy = dict(next(found for tag, found in page.tags if dict(found).get("http-equiv")))
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")
    assert not [found for _, found in page.tags if {"src", "href"} & dict(found).keys()]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_the_shop_writes_is_text(tmp_path: Path, nasty: str) -> None:
    plain = _shown(tmp_path / "plain", "plain")
    shown = _shown(tmp_path / "nasty", nasty)
    assert shown.tags == plain.tags, "no element and no attribute comes from the data"
    assert shown.said.count(nasty) == plain.said.count("plain") == 4


def _shown(folder: Path, word: str) -> _Page:
    """The page of a shop that has the word wherever a shop can have one."""
    name = word.replace("/", "-")  # of a file
    days = {
        f"{name}.zip": day_zip({f"{name}.json": b"no json"}),
        "2024-03-01.zip": day_zip({"0.json": part([purchase(quantity=2)])}),
    }
    shop = write_shop(
        folder / "shop",
        {"week.zip": week(days=days)},
        [("c1", "2020-01-01", word)],
        [("p1", "Pen", word, "0.10")],
    )
    run_local(shop, folder)
    page = _page(folder)
    if name != word:
        page.said = page.said.replace(name, word)
    return page


def test_formulas_are_marked_everywhere_if_asked_for(tmp_path: Path) -> None:
    formula = "=1+1"
    shop = write_shop(
        tmp_path / "shop",
        {"week.zip": week(sales(), sales(product_id="@nowhere"))},
        [("c1", "2020-01-01", "-" + formula)],
        [("p1", "Pen", formula, "0.10")],
    )
    run_local(shop, tmp_path)
    assert rows(tmp_path)[0][:2] == [formula, "-" + formula], "verbatim by default"
    before = {"rejects": rejects(tmp_path), "parquet": _parquet(tmp_path)}
    run_local(shop, tmp_path, spreadsheet_safe=True)
    assert rows(tmp_path)[0][:3] == ["'=1+1", "'-=1+1", "0.10"]
    assert rows(tmp_path, "daily_sales.csv")[0][1:3] == ["'=1+1", "'-=1+1"]
    (category,) = (latest(tmp_path) / "by_category").iterdir()
    assert "'=1+1,'-=1+1" in category.read_text()
    assert rejects(tmp_path) == before["rejects"], "none of these begins as a formula does"
    assert _parquet(tmp_path) == before["parquet"]
    assert "'=1+1" not in (latest(tmp_path) / "summary.json").read_text()


def test_rejects_are_marked_and_capped(tmp_path: Path) -> None:
    days = {f"={day}.zip": day_zip({"0.json": part([f"bad {day}"] * 3)}) for day in range(2)}
    shop = write_shop(tmp_path / "shop", {"week.zip": week(days=days)})
    run_local(shop, tmp_path, spreadsheet_safe=True, reject_rows=4)
    assert [reject["day"] for reject in rejects(tmp_path)] == ["'=0.zip"] * 3 + ["'=1.zip"]
    assert text(tmp_path, "rejects.csv").count("\n") == 5


def _parquet(folder: Path) -> object:
    import pyarrow.parquet as pq

    return pq.read_table(latest(folder) / "sales_report.parquet").to_pylist()


def test_a_tiny_revenue_is_shown_without_an_exponent(tmp_path: Path) -> None:
    tiny = [("p1", "Pen", "Office", "0.000000000000005")]
    run_local(shop_of(tmp_path, sales(), products=tiny), tmp_path)
    assert "0.000000000000005" in _page(tmp_path).said
