from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from bench.aims import aims
from bench.contenders import DATA, DIMENSIONS, REPORTS, Contender
from bench.meter import measure
from bench.results import Comparison, Days, Feeds, load, marginal
from bench.rounds import ReportsDifferError, compare
from bench.shop import SIZES, Shop, prepare
from tests.support import PROJECT

CONTENDERS = ("ours-1", "ours-2", "celery-1", "pandas", "inflate")
NAIVE = [sys.executable, "-m", "bench.peers.naive_pandas", DATA, DIMENSIONS, REPORTS]
ONE_CENT_MORE = """
import sys
from pathlib import Path
from bench.peers import naive_pandas
data, dimensions, reports = map(Path, sys.argv[1:])
naive_pandas.write_report = lambda reports, rows, write=naive_pandas.write_report: write(
    reports, [(c, s, cents + (n == 0), *rest) for n, (c, s, cents, *rest) in enumerate(rows)]
)
naive_pandas.main(data, dimensions, reports)
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return prepare(tmp_path / "shop", SIZES["tiny"])


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    docs = ("--folder", str(folder / "kept"), "--docs", str(folder / "docs"))
    command = [sys.executable, "-m", "bench", "--size", "tiny", *docs, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.usefixtures("_from_project")
def test_measures_compares_and_writes_the_page(tmp_path: Path) -> None:
    chosen = [word for name in CONTENDERS for word in ("--only", name)]
    done = bench(tmp_path, "--rounds", "1", *chosen)
    assert done.returncode == 0, done.stderr
    assert "pandas, the naive way" in done.stdout

    result = load(tmp_path / "kept" / "tiny" / "results" / "tiny.json", Comparison)
    assert result is not None
    assert set(result.figures) == set(CONTENDERS)
    assert all(f.cpu_seconds > 0 and f.peak_bytes > 0 for f in result.figures.values())

    page = tmp_path / "docs" / "performance.md"
    assert "| sales-pipeline, 1 job |" in page.read_text()
    # Rendering again keeps what a person wrote, and changes nothing else.
    page.write_text(before := page.read_text().replace("# Performance", "# Ours"))
    assert bench(tmp_path, "--report-only").returncode == 0
    assert page.read_text() == before


@pytest.mark.usefixtures("_from_project")
def test_feeds_of_the_same_events_give_the_same_report(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--feeds")
    assert done.returncode == 0, done.stderr
    result = load(tmp_path / "kept" / "tiny" / "results" / "feeds.json", Feeds)
    assert result is not None
    assert [each.title for each in result.figures.values()][:2] == ["arrays", "lines"]
    assert "lines against arrays" in (tmp_path / "docs" / "performance.md").read_text()


@pytest.mark.usefixtures("_from_project")
def test_the_next_day_is_measured_alone_and_with_changes(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--days")
    assert done.returncode == 0, done.stderr
    result = load(tmp_path / "kept" / "tiny" / "results" / "days.json", Days)
    assert result is not None
    assert [(day.build, day.archives) for day in result.days] == [("now", 2), ("now", 4)]
    assert "with changed customers and prices" in (tmp_path / "docs" / "performance.md").read_text()


@pytest.mark.usefixtures("_from_project")
def test_a_report_that_differs_by_a_cent_ends_it(shop: Shop, tmp_path: Path) -> None:
    wrong = [sys.executable, "-c", ONE_CENT_MORE, DATA, DIMENSIONS, REPORTS]
    rivals = [Contender("one", "One", NAIVE), Contender("two", "Two", wrong)]
    with pytest.raises(ReportsDifferError, match="Books, New"):
        compare(rivals, shop.data, shop.dimensions, tmp_path, 1)


@pytest.mark.usefixtures("_from_project")
def test_a_contender_that_fails_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no luck')"]
    with pytest.raises(click.ClickException, match="no luck"):
        measure(command, tmp_path / "log", env={})


@pytest.mark.usefixtures("_from_project")
def test_cpu_time_of_what_is_left_behind_counts(tmp_path: Path) -> None:
    burn = "import time; [None for _ in iter(lambda: time.process_time() < 0.3, False)]"
    leave = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {burn!r}])"
    cost = measure([sys.executable, "-c", leave], tmp_path / "log", env={})
    assert cost.cpu_seconds > 0.3


@pytest.mark.usefixtures("_from_project")
def test_memory_of_a_child_counts(tmp_path: Path) -> None:
    hold = "import time; held = bytearray(b'1') * (64 << 20); time.sleep(1)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"
    cost = measure([sys.executable, "-c", child], tmp_path / "log", env={}, memory=True)
    assert cost.peak_bytes > 64 << 20


def test_start_up_falls_out_of_the_cost_of_growth() -> None:
    assert marginal([(1, 11.0), (4, 14.0), (16, 26.0)]) == pytest.approx(1)
    assert marginal([(1, 11.0), (4, 14.0), (16, 50.0)]) == pytest.approx(3)


def test_aims_that_were_not_measured_are_not_met() -> None:
    found = aims(None, None, None, None)
    assert found
    assert not any(aim.met or aim.found for aim in found)


@pytest.fixture
def _from_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of the benchmark are found from here."""
    monkeypatch.chdir(PROJECT)
