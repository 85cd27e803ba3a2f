"""What an earlier version kept and published is read, reused, compared, verified and rebuilt."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from tests.support import PROJECT
from tests.support.processes import published_csvs, sales_pipeline

EARLIER = Path(__file__).parent / "earlier" / "two_runs.zip"
BEFORE, AFTER = "20261129T194753628124Z-021268", "20261129T194755873716Z-1e5c5e"
# Of the version that kept the files of a result apart.
APART = EARLIER.with_name("files_apart.zip")
READ, REUSED = "20261130T160702900181Z-f6ac54", "20261130T160704895100Z-2a2085"
SETTINGS = {
    "PYTHONPATH": str(PROJECT),
    "SALES_ENGINE": "local",
    "SALES_JOBS": "1",
    "SALES_DATA": "data",
    "SALES_DIMENSIONS": "dimensions",
    "SALES_REPORTS": "reports",
    "SALES_STATE": "state",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return _unpacked(EARLIER, tmp_path)


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    return _unpacked(APART, tmp_path)


def _unpacked(archive: Path, tmp_path: Path) -> Path:
    with ZipFile(archive) as earlier:
        earlier.extractall(tmp_path)
    for record in (tmp_path / "state").rglob("*.json"):  # as if it had been made here
        record.write_text(record.read_text().replace('"/shop/', f'"{tmp_path}/'))
    return tmp_path


def _done(shop: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return sales_pipeline(*arguments, env=os.environ | SETTINGS, cwd=shop)


def _told(shop: Path, *arguments: str) -> Any:
    done = _done(shop, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_runs_are_listed_and_shown(shop: Path) -> None:
    assert [run["run_id"] for run in _told(shop, "runs")] == [AFTER, BEFORE]
    published = json.loads((shop / "reports" / "runs" / BEFORE / "summary.json").read_bytes())
    shown = _told(shop, "show", BEFORE)
    for reason, figures in published.pop("rejected").items():
        assert figures.items() <= shown["rejected"][reason].items()
    assert {name: shown[name] for name in published} == published


def test_its_runs_are_compared_and_explained(shop: Path) -> None:
    told = _told(shop, "diff", BEFORE, AFTER)
    assert told["kinds"] == [
        {"kind": "new_archive", "revenue": "3.10", "units": 31},
        {"kind": "restated_price", "revenue": "23.00", "units": 0},
    ]
    told = _told(shop, "explain", AFTER, "--category", "Office", "--segment", "Retail")
    assert told["totals"]["total_revenue"] == "34.50"


def test_its_runs_are_verified(shop: Path) -> None:
    assert _done(shop, "verify", AFTER).returncode == 0


def test_its_reports_are_rebuilt(shop: Path) -> None:
    folder = shop / "reports" / "runs" / BEFORE
    expected = {path.name: path.read_bytes() for path in folder.rglob("*.csv")}
    shutil.rmtree(folder)
    assert _done(shop, "rebuild", BEFORE).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.rglob("*.csv")} == expected


def test_its_reports_are_rebuilt_when_its_events_are_gone(shop: Path) -> None:
    """Its results did not count by product, which is for the page alone."""
    folder = shop / "reports" / "runs" / BEFORE
    expected = {path.name: path.read_bytes() for path in folder.rglob("*.csv")}
    for gone in (folder, shop / "state" / "kept", shop / "data"):
        shutil.rmtree(gone)
    (shop / "data").mkdir()
    assert _done(shop, "rebuild", BEFORE).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.rglob("*.csv")} == expected
    assert "By product" not in (folder / "by_category" / "Office.html").read_text()


def test_a_new_run_reads_its_archives_again(shop: Path) -> None:
    """Extraction is another one, and its extracts are none of it."""
    expected = (shop / "reports" / "runs" / AFTER / "sales_report.csv").read_bytes()
    summary = _told(shop, "run")
    assert summary["days"]["read"] == 5
    assert summary["days"]["reused"] == 0
    assert published_csvs(shop)["sales_report.csv"] == expected


def test_results_whose_files_stand_apart_are_read(apart: Path) -> None:
    assert [run["run_id"] for run in _told(apart, "runs")] == [REUSED, READ]
    assert _told(apart, "diff", READ, REUSED)["kinds"] == []
    told = _told(apart, "explain", REUSED, "--category", "Office", "--segment", "Retail")
    assert told["totals"]["total_revenue"] == "34.50"
    assert _done(apart, "verify", REUSED).returncode == 0


@pytest.mark.parametrize("run", [READ, REUSED])
def test_reports_of_results_whose_files_stand_apart_are_rebuilt(apart: Path, run: str) -> None:
    folder = apart / "reports" / "runs" / run
    expected = {path.name: path.read_bytes() for path in folder.rglob("*.csv")}
    for gone in (folder, apart / "state" / "kept", apart / "data"):
        shutil.rmtree(gone)
    (apart / "data").mkdir()
    assert _done(apart, "rebuild", run).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.rglob("*.csv")} == expected


def test_a_run_beside_results_whose_files_stand_apart_has_the_same_figures(apart: Path) -> None:
    expected = (apart / "reports" / "runs" / REUSED / "sales_report.csv").read_bytes()
    for _ in range(2):
        assert _told(apart, "run")["status"] == "complete"
        assert published_csvs(apart)["sales_report.csv"] == expected
    assert _done(apart, "gc", "--keep-runs", "1").returncode == 0
    assert _told(apart, "run")["bytes_read"] == 0
