"""A past run's reports come out again to the byte, whatever happened to them, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline_core.errors import ConfigError, ContractError, PublishRefused
from pipeline_core.publication.publish import publish
from pipeline_core.publication.rebuild import Rebuilt, rebuild
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.successive import CUSTOMERS, PRODUCTS, Runs, week

FIRST = "run-001"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Two runs, of which the second has a price list and an archive of its own."""
    folder = tmp_path_factory.mktemp("rebuild")
    rejected = day_zip({"p.json": part([5, purchase("c1", "p1")])})
    broken = archive_zip({"events_2024-01-07.zip": rejected, "events_2024-01-08.zip": b"no zip"})
    archives = {
        "week_0.zip": week(1, 2, 3),
        "week_1.zip": week(4, 5, 6),
        "week_2.zip": broken,
        "week_3.zip": b"no zip",
    }
    shop = write_shop(folder / "now" / "shop", archives, CUSTOMERS, PRODUCTS)
    found = Runs(shop, folder / "now" / "runs")
    found.run(unknown="bucket", reject_rows=5)
    products = shop.dimensions / "products.csv"
    products.write_text(products.read_text().replace("3.50", "9.99"))
    (shop.data / "week_4.zip").write_bytes(week(20))
    found.run()
    shutil.copytree(folder / "now", folder / "untouched", symlinks=True)
    return found


@pytest.fixture
def runs(published: Runs) -> Runs:
    """Those two, as they were: manifests hold their places, so they stay where they are."""
    folder = published.folder.parent
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("untouched"), folder, symlinks=True)
    return published


def reports(runs: Runs, run_id: str = FIRST) -> Path:
    return runs.folder / "reports" / "runs" / run_id


def files(runs: Runs, run_id: str = FIRST) -> dict[str, bytes]:
    folder = reports(runs, run_id)
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def again(runs: Runs, run_id: str = FIRST, **options: Any) -> Rebuilt:
    return rebuild(str(runs.folder / "state"), run_id, **options)


def forget_extracts(runs: Runs) -> None:
    shutil.rmtree(runs.folder / "state" / "kept")


def forget_results(runs: Runs, run_id: str = FIRST) -> None:
    for result in (runs.folder / "state" / "runs" / run_id / "receipts").glob("*.result"):
        result.write_bytes(result.read_bytes().partition(b"\0")[0] + b"\0")


def is_latest(runs: Runs, run_id: str) -> bool:
    return (runs.folder / "reports" / "latest").resolve().name == run_id


def test_an_untouched_run_is_as_it_was_published(runs: Runs) -> None:
    before = files(runs)
    found = again(runs)
    assert (found.state, found.files, found.by_receipt) == ("as_published", (), ())
    assert found.archives == 4
    assert files(runs) == before


def test_a_run_without_its_reports_is_published_again_to_the_byte(runs: Runs) -> None:
    before = files(runs)
    shutil.rmtree(reports(runs))
    assert again(runs, dry_run=True).state == "gone"
    assert not reports(runs).exists()
    found = again(runs)
    assert found.state == "published_again"
    assert set(found.files) == before.keys()
    assert files(runs) == before
    assert is_latest(runs, "run-002"), "an older run does not become the newest"


def test_the_newest_run_becomes_latest_again(runs: Runs) -> None:
    before = files(runs, "run-002")
    shutil.rmtree(runs.folder / "reports")
    assert again(runs, "run-002").state == "published_again"
    assert is_latest(runs, "run-002")
    # Its page says nothing of the run before any more: the report of that one is gone.
    assert _without_pages(files(runs, "run-002")) == _without_pages(before)
    assert again(runs).state == "published_again"
    assert is_latest(runs, "run-002")


def _without_pages(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in found.items() if not name.endswith(".html")}


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def _swap_digits(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"1", b"2"))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("sales_report.csv", _swap_digits),
        ("daily_sales.csv", Path.unlink),
        ("rejects.csv", _cut),
        ("by_category/Toys.csv", _cut),
        ("sales_report.parquet", _cut),
        ("summary.json", _swap_digits),
        ("index.html", _cut),
    ],
)
def test_a_damaged_file_is_mended(runs: Runs, name: str, damage: Callable[[Path], object]) -> None:
    before = files(runs)
    damage(reports(runs) / name)
    assert again(runs, dry_run=True).state == "damaged"
    assert files(runs) != before, "a dry run changes nothing"
    found = again(runs)
    assert (found.state, found.files) == ("mended", (name,))
    assert files(runs) == before


def test_parquet_is_sound_by_what_it_says_however_it_is_compressed(runs: Runs) -> None:
    """Earlier versions compressed it by LZ4."""
    parquet = reports(runs) / "sales_report.parquet"
    table = pq.read_table(parquet)
    pq.write_table(table, parquet, compression="lz4", use_dictionary=False, write_statistics=False)
    before = files(runs)
    assert again(runs).state == "as_published"
    assert files(runs) == before
    pq.write_table(table.slice(1), parquet, compression="lz4")
    assert again(runs).files == ("sales_report.parquet",)
    assert pq.read_table(parquet).equals(table)


def test_a_file_that_is_not_the_runs_is_removed(runs: Runs) -> None:
    before = files(runs)
    (reports(runs) / "by_category" / "Cars.csv").write_text("category\n")
    assert again(runs).files == ("by_category/Cars.csv",)
    assert files(runs) == before


@pytest.mark.parametrize("fate", ["gone", "changed", "touched"])
def test_extracts_stand_in_for_an_archive(runs: Runs, fate: str) -> None:
    before = files(runs)
    shutil.rmtree(reports(runs))
    forget_results(runs)
    archive = runs.shop.data / "week_1.zip"
    if fate == "gone":
        archive.unlink()
    elif fate == "changed":
        archive.write_bytes(week(25))
    else:
        archive.touch()
    found = again(runs)
    assert (found.state, found.by_receipt) == ("published_again", ())
    assert files(runs) == before


def test_results_stand_in_for_events(runs: Runs) -> None:
    before = files(runs)
    shutil.rmtree(reports(runs))
    forget_extracts(runs)
    (runs.shop.data / "week_1.zip").unlink()
    assert again(runs).by_receipt == ("week_1.zip",)
    assert files(runs) == before


def test_days_that_an_archive_still_has_are_read_from_it(runs: Runs) -> None:
    before = files(runs)
    shutil.rmtree(reports(runs))
    forget_extracts(runs)
    forget_results(runs)
    (runs.shop.data / "week_1.zip").write_bytes(week(4, 5, 6, 27))
    assert again(runs).by_receipt == ()
    assert files(runs) == before


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_what_nothing_has_any_more_is_refused(runs: Runs, fate: str) -> None:
    shutil.rmtree(reports(runs))
    forget_extracts(runs)
    forget_results(runs)
    archive = runs.shop.data / "week_1.zip"
    if fate == "gone":
        archive.unlink()
        place = "events_2024-01-04.zip"
    else:
        archive.write_bytes(week(4, 26, 6))
        place = "events_2024-01-05.zip"
    with pytest.raises(PublishRefused, match=rf"week_1\.zip > {place}") as refused:
        again(runs)
    assert "back into" in refused.value.remedy
    assert not reports(runs).exists()


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_a_lost_receipt_is_made_again_of_the_same_bytes_only(runs: Runs, damage: str) -> None:
    before = files(runs)
    shutil.rmtree(reports(runs))
    receipt = runs.folder / "state" / "runs" / FIRST / "receipts" / "00001.result"
    whole = receipt.read_bytes()
    receipt.unlink() if damage == "gone" else receipt.write_bytes(whole[:99])
    archive = runs.shop.data / "week_1.zip"
    content = archive.read_bytes()
    archive.write_bytes(week(4, 5))
    with pytest.raises(PublishRefused, match=r"week_1\.zip > events_2024-01-04\.zip"):
        again(runs)
    archive.write_bytes(content)
    assert again(runs).state == "published_again"
    assert files(runs) == before


def test_a_run_that_comes_out_otherwise_is_not_written(runs: Runs) -> None:
    shutil.rmtree(reports(runs))
    receipt = runs.folder / "state" / "runs" / FIRST / "receipts" / "00001.result"
    said, nul, behind = receipt.read_bytes().partition(b"\0")
    other = json.loads(said)
    for name in ("seen", "counted"):
        other["counts"][name] += 1
    receipt.write_bytes(json.dumps(other).encode() + nul + behind)
    with pytest.raises(ContractError, match=r"week_1\.zip has other counts"):
        again(runs)
    assert not reports(runs).exists()


def test_a_summary_that_says_otherwise_is_not_written(runs: Runs) -> None:
    shutil.rmtree(reports(runs))
    outcome = runs.folder / "state" / "runs" / FIRST / "outcome.json"
    outcome.write_text(outcome.read_text().replace('"total_revenue": "', '"total_revenue": "9'))
    with pytest.raises(ContractError, match="figures"):
        again(runs)
    assert not reports(runs).exists()


def test_only_published_runs_have_something_to_rebuild(runs: Runs) -> None:
    with pytest.raises(ConfigError, match="no run 'run-009'"):
        again(runs, "run-009")
    state = str(runs.folder / "state")
    outcome = runs.folder / "state" / "runs" / FIRST / "outcome.json"
    outcome.write_text(outcome.read_text().replace('"state": "published"', '"state": "refused"'))
    with pytest.raises(ConfigError, match="not published"):
        again(runs)
    assert publish(state, "run-002").state == "published"
