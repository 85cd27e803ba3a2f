from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import msgspec
import pytest

from bench.aims import aims
from bench.chord_floor import CHORD
from bench.contenders import DATA, DIMENSIONS, REPORTS, Contender
from bench.meter import measure
from bench.opened import until_first_archive
from bench.pages import render
from bench.results import (
    ARCHIVES,
    BEFORE,
    CELERY_2,
    COUNTS,
    GROUPS,
    HELP,
    ONE_PART,
    OPENED,
    OURS_2,
    QUESTIONS,
    RUNS,
    START,
    STEPS,
    Comparison,
    Cost,
    Days,
    Feeds,
    Figures,
    Machine,
    Measured,
    Scale,
    ScalePoint,
    Step,
    StoreRequests,
    Trial,
    before_of,
    load,
    marginal,
)
from bench.rounds import ReportsDifferError, compare
from bench.shop import SIZES, Shop, prepare
from tests.support import PROJECT

CONTENDERS = ("ours-1", "celery-1", "pandas", "inflate")
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


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_feeds_of_the_same_events_give_the_same_report(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--what", "feeds")
    assert done.returncode == 0, done.stderr
    result = load(tmp_path / "kept" / "tiny" / "results" / "feeds.json", Feeds)
    assert result is not None
    assert [each.title for each in result.figures.values()][:2] == ["arrays", "lines"]
    assert "lines against arrays" in (tmp_path / "docs" / "performance.md").read_text()


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_the_next_day_is_measured_alone_and_with_changes(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--what", "days")
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
    found = aims(Measured())
    assert found
    assert {aim.verdict for aim in found} == {"not measured"}
    assert not any(aim.found for aim in found)


def figures(seconds: float) -> Figures:
    return Figures("", [Cost(seconds, seconds, 1)], 1)


def start_of(now: float) -> Measured:
    """A first archive opened after so many seconds, where the build before takes one."""
    found = {OPENED: figures(now), before_of(OPENED): figures(1.0)}
    machine = Machine("", 2, 1, "", {}, 0.0)
    return Measured(trials={START: Trial("", machine, 1, "before", "", 1, found, {})})


@pytest.mark.parametrize(
    ("now", "verdict"), [(0.6, "not met"), (0.5, "met"), (0.4, "met"), (0.3, "moonshot met")]
)
def test_a_bar_and_a_moonshot_are_met_or_not(now: float, verdict: str) -> None:
    (aim,) = (aim for aim in aims(start_of(now)) if "first archive" in aim.what)
    assert (aim.bar, aim.moonshot, aim.before) == ("≤ 1/2", "≤ 1/3", "1.00")
    assert (aim.found, aim.verdict) == (f"{now:.2f}", verdict)


@pytest.mark.usefixtures("_from_project")
@pytest.mark.parametrize(
    "what",
    [GROUPS, *(pytest.param(what, marks=pytest.mark.benchmark) for what in (QUESTIONS, ONE_PART))],
)
def test_both_builds_take_part_in_turn(what: str, tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--what", what, "--before", "HEAD")
    assert done.returncode == 0, done.stderr
    trial = load(tmp_path / "kept" / "tiny" / "results" / f"{what}-tiny.json", Trial)
    assert trial is not None
    ours = [name for name in trial.figures if not name.startswith(BEFORE)]
    assert {before_of(name) for name in ours} == trial.figures.keys() - set(ours)
    assert all(each.cpu_seconds > 0 for each in trial.figures.values())
    assert trial.before is not None
    assert trial.before in (tmp_path / "docs" / "performance.md").read_text()


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_small_archives_are_measured_locally_and_by_celery(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--what", ARCHIVES)
    assert done.returncode == 0, done.stderr
    trial = load(tmp_path / "kept" / "tiny" / "results" / f"{ARCHIVES}-tiny.json", Trial)
    assert trial is not None
    assert trial.figures.keys() == {OURS_2, CELERY_2, CHORD}
    assert trial.archives == 16


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_the_start_ends_with_the_first_archive(tmp_path: Path) -> None:
    done = bench(tmp_path, "--rounds", "1", "--what", START)
    assert done.returncode == 0, done.stderr
    trial = load(tmp_path / "kept" / "tiny" / "results" / f"{START}-tiny.json", Trial)
    assert trial is not None
    assert trial.figures[HELP].seconds < trial.figures[OPENED].seconds


def test_a_command_that_opens_no_archive_is_no_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    command = [sys.executable, "-c", "import os; os.listdir('data'); open('data/other', 'w')"]
    with pytest.raises(click.ClickException, match="opened no archive"):
        until_first_archive(command, data, tmp_path / "log", {})


@pytest.mark.usefixtures("_from_project")
def test_the_page_keeps_aims_that_were_measured_earlier(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    (aim,) = (aim for aim in aims(Measured()) if aim.what == "one job against two, time")
    known = f"| {aim.what} | {aim.bar} | {aim.moonshot} | 1.85 | 1.63 | met |"
    marks = [
        f"<!-- {name}: written by make bench -->\n{text}\n<!-- end of {name} -->"
        for name, text in (("aims", known), (START, ""))
    ]
    page.write_text("\n".join(marks))
    render(tmp_path, start_of(0.4))
    assert known in page.read_text().splitlines()
    assert "| 0.40 | 1.00 | met |" in page.read_text()


@pytest.fixture
def _from_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules of the benchmark are found from here."""
    monkeypatch.chdir(PROJECT)


@pytest.mark.parametrize(
    ("seconds", "peak_mib", "verdict"), [(101, 399, "met"), (120, 401, "not met")]
)
def test_bars_of_very_many_archives(seconds: float, peak_mib: int, verdict: str) -> None:
    costs = dict.fromkeys(STEPS, (2, 11, seconds)) | {RUNS: (1, 1, seconds / 100)}
    points = [
        ScalePoint(
            count,
            [
                Step(name, Cost(0, each[at], largest_process=peak_mib << 20), 0)
                for name, each in costs.items()
            ],
            0,
            1,
            1,
        )
        for at, count in enumerate(COUNTS)
    ]
    scale = Scale("", Machine("", 2, 1, "", {}, 0.0), points)
    found = {aim.what: aim for aim in aims(Measured(scale=scale)) if "100,000" in aim.what}
    assert len(found) == len(STEPS) + 3
    for what, aim in found.items():
        assert aim.verdict == ("met" if "file" in what else verdict)
    linear = "its publication: a further archive's CPU time, to 100,000 against to 10,000"
    assert found[linear].found == f"{(seconds - 11) / 90:.2f}"
    unmeasured = aims(Measured(scale=msgspec.structs.replace(scale, points=points[:2])))
    assert {aim.verdict for aim in unmeasured} == {"not measured"}


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_very_many_archives_are_simulated(tmp_path: Path) -> None:
    done = bench(tmp_path, "--scale")
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "kept" / "tiny" / "results" / "scale.json", Scale)
    assert found is not None
    assert [point.archives for point in found.points] == [20, 70, 100]
    for point in found.points:
        assert all(step.cost.largest_process > 20 << 20 for step in point.steps)
        assert point.files <= 3 * point.archives + 60
    assert "a run with nothing new" in (tmp_path / "docs" / "performance.md").read_text()


@pytest.mark.benchmark
@pytest.mark.usefixtures("_from_project")
def test_requests_to_an_object_store_are_counted(tmp_path: Path) -> None:
    done = bench(tmp_path, "--fleet")
    assert done.returncode == 0, done.stderr
    found = load(tmp_path / "kept" / "tiny" / "results" / "fleet.json", StoreRequests)
    assert found is not None
    whats = [each.what for each in found.asked]
    assert whats == ["plan", "first", "again", "unchanged", "idle", "stalled"]
    assert all(each.requests for each in found.asked)
    assert "following a run that stands still" in (tmp_path / "docs" / "performance.md").read_text()
