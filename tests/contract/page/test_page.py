"""index.html and spreadsheet-safe CSV: what a shop writes is shown, and is nothing but text."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.support.archives import Shop, day_zip, part, purchase, write_shop
from tests.support.run import (
    latest,
    plan_local,
    process_local,
    publish_local,
    rejects,
    rows,
    run_local,
    sales,
    shop_of,
    text,
    week,
)

NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>*{display:none}",
    "</td></table>{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; \u202egnp.exe",
    '=HYPERLINK("http://x")',
]


Attributes = tuple[tuple[str, str | None], ...]


class Page(HTMLParser):
    """Tags with their attributes, and all text outside of styles and scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Attributes]] = []
        self.said = ""
        self.data = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = str(dict(attrs).get("type", tag))
        self.tags.append((tag, tuple(attrs)))

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "application/json":
            self.data += data
        elif self._inside not in {"script", "style"}:
            self.said += data

    @property
    def links(self) -> list[str]:
        """To other files and places."""
        return [
            str(value)
            for _, found in self.tags
            for name, value in found
            if name == "href" and not str(value).startswith(("#", "data:,"))
        ]

    @property
    def shape(self) -> list[tuple[str, Attributes]]:
        """Tags without links' targets, which hold a category's safe file name, and times."""
        return [
            (tag, tuple(each for each in found if each[0] not in {"href", "datetime"}))
            for tag, found in self.tags
        ]


def _page(folder: Path, name: str = "index.html") -> Page:
    return Page((latest(folder) / name).read_text(encoding="utf-8"))


def test_the_page_says_what_the_report_says(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(units=12_345), sales(product_id="nowhere", units=2))
    run_local(shop, tmp_path)
    page = _page(tmp_path)
    for shown in ("Office", "Retail", "1,234.50", "12,345", "unknown_product", "Complete"):
        assert shown in page.said, shown
    said = "March 2024 is not over. It goes from 2024-03-01 to 2024-03-01 so far."
    assert said in " ".join(page.said.split())
    assert '"nowhere"' in page.said, "an example of what was left out"
    assert ("html", (("lang", "en"),)) in page.tags
    category = _page(tmp_path, "by_category/Office.html")
    for shown in ("Office", "Retail", "1,234.50", "12,345", "100.0 % of all"):
        assert shown in category.said, shown


def test_groups_are_by_their_revenue(tmp_path: Path) -> None:
    """Whatever the order of the rows that they are made of."""
    bought = [("c1", "p1", 3), ("c2", "p1", 3), ("c1", "p2", 5)]
    shop = shop_of(
        tmp_path,
        part([purchase(*each) for each in bought]),
        customers=[("c1", "2020-01-01", "Retail"), ("c2", "2020-01-01", "VIP")],
        products=[("p1", "Pen", "Zoo", "0.10"), ("p2", "Car", "Art", "0.10")],
    )
    run_local(shop, tmp_path)
    assert rows(tmp_path)[0][:2] == ["Art", "Retail"]
    charted = json.loads(_page(tmp_path).data)
    assert charted["categories"] == [["Zoo", "0.60", 6], ["Art", "0.50", 5]]
    assert charted["segments"] == [["Retail", "0.80", 8], ["VIP", "0.30", 3]]
    assert "Number 2 of 2 by revenue" in _page(tmp_path, "by_category/Art.html").said


def test_every_link_leads_to_a_file_that_is_there(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(), products=[("p1", "Pen", "A & B/C?", "0.10")])
    run_local(shop, tmp_path)
    run_local(shop, tmp_path)
    folder = latest(tmp_path).resolve()
    for page in ("index.html", *(f"by_category/{each.name}" for each in folder.glob("*/*.html"))):
        links = [
            link for link in _page(tmp_path, page).links if not link.startswith(("#", "data:"))
        ]
        assert links
        for link in links:
            target = (folder / page).parent / link.partition("#")[0]
            assert target.is_file(), link


def test_nothing_of_the_page_is_fetched(tmp_path: Path) -> None:
    run_local(shop_of(tmp_path, sales()), tmp_path)
    for name in ("index.html", "by_category/Office.html"):
        page = _page(tmp_path, name)
        policy = dict(next(found for _, found in page.tags if dict(found).get("http-equiv")))
        rules = dict(rule.strip().split(" ", 1) for rule in str(policy["content"]).split(";"))
        assert rules.pop("default-src") == "'none'"
        assert rules.pop("base-uri") == rules.pop("form-action") == "'none'"
        assert rules.pop("img-src") == "data:"
        for sources in rules.values():
            assert all(source.startswith("'sha256-") for source in sources.split())
        assert rules.keys() == {"style-src"} | ({"script-src"} if name == "index.html" else set())
        assert not [found for _, found in page.tags if "src" in dict(found)]
        assert not [link for link in page.links if "//" in link or link.startswith("/")]


@pytest.mark.parametrize("nasty", NASTY)
def test_what_the_shop_writes_is_text(tmp_path: Path, nasty: str) -> None:
    plain = _shown(tmp_path / "plain", "ordinary")
    shown = _shown(tmp_path / "nasty", nasty)
    for page in plain:
        assert shown[page].shape == plain[page].shape, "no element or attribute comes from the data"
        count = plain[page].said.count("ordinary")
        assert count >= (6 if page == "index" else 3)
        assert shown[page].said.count(nasty) == count
    assert "<" not in shown["index"].data
    charted = json.loads(shown["index"].data)
    assert [bar[0] for bar in charted["categories"] + charted["segments"]] == [nasty, nasty]


def _shown(folder: Path, word: str) -> dict[str, Page]:
    """The pages of a shop that has the word wherever a shop can have one."""
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
    (category,) = (latest(folder) / "by_category").glob("*.html")
    pages = {"index": _page(folder), "category": _page(folder, f"by_category/{category.name}")}
    for page in pages.values():
        if name != word:
            page.said = page.said.replace(name, word)
    return pages


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
    (category,) = (latest(tmp_path) / "by_category").glob("*.csv")
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


def test_earlier_runs_that_cannot_be_read_are_left_out(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales())
    ids = [run_local(shop, tmp_path).run_id for _ in range(3)]
    runs = tmp_path / "reports" / "runs"
    (runs / ids[0] / "summary.json").write_text('{"run_id": 7')
    shutil.rmtree(runs / ids[1])
    (tmp_path / "state" / "kept" / "history.msgpack").unlink()
    run_local(shop, tmp_path)
    assert [link for link in _page(tmp_path).links if link.startswith("../")] == [
        f"../{ids[2]}/index.html",  # what changed
        f"../{ids[2]}/index.html",  # the history
    ]


def test_a_run_is_compared_with_the_one_planned_before_it(tmp_path: Path) -> None:
    """Not with a later one that happens to be published first."""
    shop = shop_of(tmp_path, sales(units=1))
    early = plan_local(shop, tmp_path)
    process_local(tmp_path, early)
    run_local(shop, tmp_path)
    publish_local(tmp_path, early)
    page = Page((tmp_path / "reports" / "runs" / early.run_id / "index.html").read_text())
    assert "nothing to compare with" in page.said


def test_customers_are_new_after_a_run_that_had_none(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales())
    strangers = write_shop(tmp_path / "other", {}, [("c9", "2020-01-01", "VIP")])
    run_local(Shop(shop.data, strangers.dimensions), tmp_path)
    assert rows(tmp_path) == []
    run_local(shop, tmp_path)
    assert "1 new, 0 returned, 0 gone" in _page(tmp_path).said


def test_many_and_long_things_are_cut(tmp_path: Path) -> None:
    days = {f"2024-03-{n:02d}.zip": b"no zip" + bytes([n]) for n in range(1, 32)}
    days |= {f"{year}-01-01.zip": day_zip({"0.json": b"[7]"}) for year in (1970, 1971)}
    days |= {f"x{n}.zip": b"nothing %d" % n for n in range(120)}
    long = part([*[purchase(customer="z" * 5000)] * 9, purchase()])
    shop = write_shop(
        tmp_path / "shop",
        {"week.zip": week(days=days), "more.zip": week(long)},
        [("c1", "2020-01-01", "Retail")],
        [("p1", "Pen", "Office", "0.10")],
    )
    run_local(shop, tmp_path)
    page = _page(tmp_path)
    assert "And 51 more, in" in page.said
    assert "Missing: 19,7" in page.said, "counted over all of the range"
    assert page.said.count("z" * 200) == 3, "examples of a reason"
    assert "z" * 400 not in page.said
    assert page.tags.count(("td", (("class", "missing"),))) < 1100
    assert (latest(tmp_path) / "index.html").stat().st_size < 600_000


def test_what_was_passed_over_is_shown_by_its_ending(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales())
    run_local(shop, tmp_path)
    assert "passed over" not in Page(text(tmp_path, "index.html")).said
    for name in ("a.csv", "b.csv", "c.tar.gz", "LICENSE", *(f"x.longer{n:02}" for n in range(60))):
        (shop.data / name).touch()
    run_local(shop, tmp_path)
    words = " ".join(Page(text(tmp_path, "index.html")).said.split())
    assert "What was passed over" in words
    assert "EndingFiles .csv2 .longer001 .longer011" in words
    assert "none1 all others23" in words


def test_a_report_of_nothing_that_was_allowed_says_why(tmp_path: Path) -> None:
    for number, nasty in enumerate(NASTY):
        folder = tmp_path / str(number)
        run_local(shop_of(folder, part([purchase(note=nasty, quantity=0)])), folder)
        page = Page(text(folder, "index.html"))
        assert "No event of 1 can be counted: 1 invalid_quantity. For example week.zip" in page.said
        assert json.dumps(nasty) in page.said
        assert "More purchases were left out" not in page.said
