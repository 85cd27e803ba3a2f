"""Retention: older reports are removed, what is told of them stays, and who needs one is told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console.command import cli
from console.serving.reports import ReportRemovedError, find_report_file
from console.serving.runs import PublishedRuns
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.frames import Run, run, runs
from pipeline_core.ledger import mark_published, open_state
from pipeline_core.load.removed_reports import removed_report
from pipeline_core.messages import Manifest
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.retention import RemovedReports, remove_old_reports
from pipeline_core.storage import Storage, open_storage
from tests.support import ledgers
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop

_STAY = {"index.html", "removed.json", "summary.json"}


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """Three runs, each with a week more, the oldest first, and one as of a date before them."""
    shop = write_shop(tmp_path / "shop", {"w1.zip": _week(1)})
    for name, place in {
        "DATA": shop.data,
        "DIMENSIONS": shop.dimensions,
        "REPORTS": tmp_path / "reports",
        "STATE": tmp_path / "state",
    }.items():
        monkeypatch.setenv(f"SALES_{name}", str(place))
    run(as_of=date(2024, 3, 1), jobs=1)
    found = []
    for number in (1, 2, 3):
        (shop.data / f"w{number}.zip").write_bytes(_week(number))
        found.append(run(jobs=1))
    return found


def _week(number: int) -> bytes:
    events = part([purchase(quantity=number)])
    return archive_zip({f"events_2024-03-0{number}.zip": day_zip({"p.json": events})})


def _files(reports: Path, run_id: str) -> set[str]:
    folder = reports / "runs" / run_id
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _state(tmp_path: Path) -> Storage:
    return open_state(str(tmp_path / "state"))


def _invoke(*arguments: str) -> Any:
    return CliRunner().invoke(cli, arguments)


def test_all_are_kept_unless_somebody_says_how_many(three: list[Run], tmp_path: Path) -> None:
    assert remove_old_reports(_state(tmp_path), None) == RemovedReports()
    assert remove_old_reports(_state(tmp_path), 3) == RemovedReports()
    assert "published report" not in _invoke("gc").output
    assert all(
        _files(tmp_path / "reports", each.run_id) > _STAY - {"removed.json"} for each in three
    )


def test_older_ones_leave_a_page_and_their_summary(
    three: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports, (first, second, _) = tmp_path / "reports", three
    before = {each.run_id: _files(reports, each.run_id) for each in runs()}
    summary = (reports / "runs" / first.run_id / "summary.json").read_bytes()
    freed = json.loads(_invoke("gc", "--keep-reports", "1", "--dry-run", "--json").stdout)
    assert freed["reports"] == 2
    assert {each.run_id: _files(reports, each.run_id) for each in runs()} == before
    monkeypatch.setenv("SALES_KEEP_REPORTS", "1")
    said = _invoke("gc").output
    assert f"Removed 2 published reports; {freed['report_bytes']:,} bytes." in said
    for each in (first, second):
        assert _files(reports, each.run_id) == _STAY
    assert (reports / "runs" / first.run_id / "summary.json").read_bytes() == summary
    for each in runs():  # also the one as of a date
        if each.run_id not in (first.run_id, second.run_id):
            assert _files(reports, each.run_id) == before[each.run_id]
    assert (reports / "sales_report.csv").read_bytes()
    assert remove_old_reports(_state(tmp_path), 1) == RemovedReports()


def test_pages_keep_their_history_and_no_link_is_dead(three: list[Run], tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    remove_old_reports(_state(tmp_path), 1)
    fourth = run(jobs=1, shop="Gift Shop")
    page = (reports / "runs" / fourth.run_id / "index.html").read_text()
    for each in three:
        assert each.run_id in page
    links = re.findall(r'href="(\.\./[^"#]+)', page)
    assert len(links) >= 3
    for link in links:
        assert (reports / "runs" / fourth.run_id / link).resolve().is_file(), link
    told = (reports / "runs" / three[0].run_id / "index.html").read_text()
    assert "was removed" in told
    for link in re.findall(r'href="([^"]+)"', told):
        assert (reports / "runs" / three[0].run_id / link).resolve().is_file(), link


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff"],
        ["verify"],
        ["explain", "--category", "Office", "--segment", "Retail"],
        ["report", "--month", "2024-03", "--run"],
        ["deliver", "--to", "file+xlsx:///nowhere/report.xlsx"],
    ],
    ids=lambda each: each[0],
)
def test_who_needs_one_is_told_that_it_was_removed_and_how_it_comes_back(
    three: list[Run], tmp_path: Path, arguments: list[str]
) -> None:
    first = three[0].run_id
    remove_old_reports(_state(tmp_path), 1)
    done = _invoke(*arguments, first)
    told = f"{done.output} {done.exception} {getattr(done.exception, 'remedy', '')}"
    assert done.exit_code != 0
    assert "was removed on" in told
    assert "SALES_KEEP_REPORTS" in told


def test_a_notebook_is_told_too(three: list[Run], tmp_path: Path) -> None:
    remove_old_reports(_state(tmp_path), 1)
    with pytest.raises(ConfigError, match="was removed on"):
        three[0].sales_report()


def test_rebuilding_brings_it_back_whole(three: list[Run], tmp_path: Path) -> None:
    reports, first = tmp_path / "reports", three[0].run_id
    before = _files(reports, first)
    page = (reports / "runs" / first / "index.html").read_bytes()
    remove_old_reports(_state(tmp_path), 1)
    rebuild(str(tmp_path / "state"), first)
    assert _files(reports, first) == before
    assert (reports / "runs" / first / "index.html").read_bytes() == page
    assert rebuild(str(tmp_path / "state"), first).state == "as_published"
    assert remove_old_reports(_state(tmp_path), 1).reports == 1


def test_what_is_cut_off_is_gone_on_with_and_says_so_meanwhile(
    three: list[Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports, first = tmp_path / "reports", three[0].run_id
    storage = type(open_storage(str(reports)))
    for verb, calls in (("write", 0), ("write", 1), ("remove", 0), ("remove", 2)):
        real: Callable[..., Any] = getattr(storage, verb)
        left = [calls]

        def cut_off(*arguments: Any, real: Callable[..., Any] = real, left: Any = left) -> Any:
            if not left[0]:
                raise RetryableError("cut off")
            left[0] -= 1
            return real(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(storage, verb, cut_off)
            with pytest.raises(RetryableError, match="cut off"):
                remove_old_reports(_state(tmp_path), 2)
        is_whole = _files(reports, first).isdisjoint({"removed.json"})
        assert is_whole == (removed_report(open_storage(str(reports)), first) is None)
    remove_old_reports(_state(tmp_path), 2)
    assert _files(reports, first) == _STAY
    assert "was removed" in (reports / "runs" / first / "index.html").read_text()


def test_what_readers_are_shown_as_latest_stays(three: list[Run], tmp_path: Path) -> None:
    first = three[0].run_id
    open_storage(str(tmp_path / "reports")).point("latest", f"runs/{first}")
    remove_old_reports(_state(tmp_path), 1)
    assert _files(tmp_path / "reports", first) > _STAY - {"removed.json"}


def test_a_server_answers_with_the_page_and_lists_it_no_more(
    three: list[Run], tmp_path: Path
) -> None:
    reports = open_storage(str(tmp_path / "reports"))
    known, first = PublishedRuns(reports), three[0].run_id
    assert first in known.newest(9)
    assert find_report_file(reports, known, f"runs/{first}/index.html").size
    remove_old_reports(_state(tmp_path), 2)
    for name in ("", "index.html", "sales_report.csv"):
        with pytest.raises(ReportRemovedError) as gone:
            find_report_file(reports, known, f"runs/{first}/{name}")
        assert b"was removed" in gone.value.page
    assert find_report_file(reports, known, f"runs/{first}/summary.json").size
    assert first not in known.newest(9)
    with pytest.raises(FileNotFoundError):
        find_report_file(reports, known, f"runs/{first}/nothing.csv")


def test_a_bucket_is_as_a_folder(state: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    records, reports = (open_storage(f"{state.uri}/{name}") for name in ("records", "reports"))
    made = partial(_with_reports, Manifest, reports.uri)
    monkeypatch.setattr(ledgers, "Manifest", made)
    ids = [f"20240301T00000000000{number}Z-abcdef" for number in range(3)]
    for run_id in ids:
        ledgers.planned_ledger(records, run_id)
        mark_published(records, run_id)
        with reports.publish_folder(f"runs/{run_id}") as folder:
            for name in ("index.html", "summary.json", "sales_report.csv", "by_category/a.csv"):
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(name)
    reports.point("latest", f"runs/{ids[-1]}")
    assert remove_old_reports(records, 1, dry_run=True) == remove_old_reports(records, 1)
    assert remove_old_reports(records, 1) == RemovedReports()
    for run_id in ids[:2]:
        names = {each.key.rpartition("/")[2] for each in reports.files(f"runs/{run_id}")}
        assert names == _STAY
        assert not reports.files(f"runs/{run_id}/by_category")
        assert removed_report(reports, run_id) is not None
    assert reports.read("latest/by_category/a.csv") == b"by_category/a.csv"


def _with_reports(kind: Any, uri: str, **fields: Any) -> Any:
    return kind(**fields | {"reports": uri})


def test_show_and_rebuild_say_that_a_report_was_removed(three: list[Run], tmp_path: Path) -> None:
    remove_old_reports(_state(tmp_path), 2)
    first, second, _ = (each.run_id for each in three)
    assert f"The report of run {first} was removed on " in _invoke("show", first).stdout
    assert "was removed" not in _invoke("show", second).stdout
    said = _invoke("rebuild", first, "--dry-run").stdout
    assert "was removed on purpose, and is not published any more" in said
    assert "damaged" not in said
    assert "was removed on purpose, and is back" in _invoke("rebuild", first).stdout
    assert "is as it was published" in _invoke("rebuild", first).stdout
    assert "was removed" not in _invoke("show", first).stdout
