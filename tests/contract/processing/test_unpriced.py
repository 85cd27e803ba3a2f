"""A product without a price stops the run in which it was bought, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline_core.errors import InputError
from pipeline_core.frames import DataTransformer, DimensionLoader
from pipeline_core.ledger import RunLedger, open_state
from pipeline_core.questions.explain.explain import explain
from pipeline_core.questions.explain.explanation import Cell
from tests.support.archives import Shop, part, purchase, write_shop
from tests.support.run import plan_local, process_local, run_local, text, week
from tests.support.successive import Runs
from tests.support.verified import assert_agrees

PEN, INK, PAD = (
    ("p1", "Pen", "Office", "0.10"),
    ("p2", "Ink", "Office", None),
    ("p3", "Pad", "Office", ""),
)
GOOD = week(part([purchase(), purchase(quantity=3)]))
OF_INK = week(part([purchase(), *[purchase(product="p2")] * 3, purchase(product="p3")]))
STRANGE = ("unknown_customer", 4, 1)
BOUGHT = r"bought that have no price: p2 \(3 purchases\), p3 \(1 purchase\)\."


def shop_of(folder: Path, **archives: bytes) -> Shop:
    named = {f"{name}.zip": content for name, content in archives.items()}
    return write_shop(folder / "shop", named, products=[PEN, INK, PAD])


def test_nobody_bought_it_and_the_run_is_as_without_it(tmp_path: Path) -> None:
    outcome = run_local(shop_of(tmp_path, week=GOOD), tmp_path)
    assert text(tmp_path).endswith("Office,Retail,0.40,4,1\n")
    assert_agrees(tmp_path, outcome)
    ledger = RunLedger(open_state(str(tmp_path / "state")), outcome.run_id)
    told = "2 products have no price (p2, p3): a run in which one is bought will fail."
    assert ledger.manifest().unpriced_words == told
    assert told in (tmp_path / "reports" / "latest" / "index.html").read_text()


@pytest.mark.parametrize("options", [{}, {"unknown": "bucket"}, {"returns": "net"}])
def test_somebody_bought_it_and_nothing_is_published(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    shop = shop_of(tmp_path, week=GOOD)
    run_local(shop, tmp_path, **options)
    before = text(tmp_path)
    (shop.data / "other.zip").write_bytes(OF_INK)
    manifest = plan_local(shop, tmp_path, **options)
    with pytest.raises(InputError, match=rf"^other\.zip: products were {BOUGHT}"):
        process_local(tmp_path, manifest)
    assert text(tmp_path) == before


def test_returns_that_are_subtracted_need_a_price_too(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, week=week(part([purchase(), purchase(product="p2", quantity=-1)])))
    outcome = run_local(shop, tmp_path)
    assert outcome.summary is not None
    assert outcome.summary.rejected["return"].unknown_revenue == 1
    assert_agrees(tmp_path, outcome)
    manifest = plan_local(shop, tmp_path, returns="net")
    with pytest.raises(InputError, match=r"no price: p2 \(1 purchase\)"):
        process_local(tmp_path, manifest)


def test_of_what_is_left_out_anyway_the_money_is_not_known(tmp_path: Path) -> None:
    stranger = [purchase("nobody", "p2", 2), purchase("nobody", "p1", 2)]
    outcome = run_local(shop_of(tmp_path, week=week(part([purchase(), *stranger]))), tmp_path)
    assert outcome.summary is not None
    lost = outcome.summary.rejected["unknown_customer"]
    assert (lost.units, lost.unknown_revenue) == (4, 1)
    assert_agrees(tmp_path, outcome)
    ledger = RunLedger(open_state(str(tmp_path / "state")), outcome.run_id)
    found = explain(ledger, Cell("Office", "Retail"), 20)
    [of] = found.left_out
    assert (of.known, of.reason, of.units, of.unknown_revenue) == ("category", *STRANGE)
    assert [(each.product, each.revenue) for each in found.first_left_out] == [
        ("p2", None),
        ("p1", "0.20"),
    ]


def test_an_archive_that_is_kept_is_read_again_if_it_names_what_has_no_price(
    tmp_path: Path,
) -> None:
    """And with a price again, all is as from scratch."""
    priced = [PEN, ("p2", "Ink", "Office", "2.00"), PAD]
    shop = write_shop(tmp_path / "shop", {"a.zip": GOOD, "b.zip": OF_INK}, products=priced)
    (shop.data / "b.zip").write_bytes(week(part([purchase(product="p2")] * 2)))
    runs = Runs(shop, tmp_path)
    runs.run()
    products = shop.dimensions / "products.csv"
    before = products.read_text()
    products.write_text(before.replace('"2.00"', ""))
    with pytest.raises(InputError, match=r"^b\.zip: .*p2 \(2 purchases\)"):
        runs.run()
    (shop.data / "b.zip").unlink()
    assert runs.run()["archives"]["reused"] == 1
    products.write_text(before)
    assert runs.run()["totals"]["units_sold"] == 4


def test_dated_rows_without_a_price_stop_their_days_alone(tmp_path: Path) -> None:
    rows = [
        (*PEN, None, "2024-03-01"),
        ("p1", "Pen", "Office", None, "2024-03-01", "2024-03-02"),
        (*PEN, "2024-03-02", None),
    ]
    later = week(part([purchase()]), day="2024-03-02.zip")
    shop = write_shop(tmp_path / "shop", {"week.zip": later}, products=rows)
    run_local(shop, tmp_path)
    (shop.data / "other.zip").write_bytes(GOOD)
    with pytest.raises(InputError, match=r"other\.zip: .*p1 \(2 purchases\)"):
        process_local(tmp_path, plan_local(shop, tmp_path))


def test_frames_have_none_and_stop_at_a_sale(tmp_path: Path) -> None:
    loader = DimensionLoader(shop_of(tmp_path, week=GOOD).dimensions)
    products = loader.products()
    assert products["price"].tolist()[1:] == [None, None]
    transformer = DataTransformer(loader.customers(), products)
    bought = pd.DataFrame([purchase()])
    assert len(transformer.transform(bought)["sales_report"]) == 1
    with pytest.raises(InputError, match=r"The events: .* p2 \(1 purchase\)"):
        transformer.transform(pd.DataFrame([purchase(), purchase(product="p2")]))


def test_a_table_without_rows_is_told_when_the_run_is_planned(
    tmp_path: Path, logged: pytest.LogCaptureFixture
) -> None:
    shop = shop_of(tmp_path, week=GOOD)
    (shop.dimensions / "products.csv").write_text("product_id,category,price\n")
    plan_local(shop, tmp_path)
    told = [each.getMessage() for each in logged.records if "table_without_rows" in str(each.msg)]
    assert len(told) == 1
    assert "There is no row of products" in told[0]
