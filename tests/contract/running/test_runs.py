"""What ``runs`` lists: runs, what became of their reports, and apart from them what never began."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from console.command import cli
from pipeline_core.errors import ConfigError, InputError
from pipeline_core.frames import Run, run
from tests.support.archives import Shop, write_shop
from tests.support.run import plan_local, sales, week


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    found = write_shop(tmp_path / "shop", {"a.zip": week(sales())})
    for name, place in {
        "DATA": found.data,
        "DIMENSIONS": found.dimensions,
        "REPORTS": tmp_path / "reports",
        "JOBS": 1,
    }.items():
        monkeypatch.setenv(f"SALES_{name}", str(place))
    return found


def _runs(*arguments: str) -> str:
    found = CliRunner().invoke(cli, ["runs", *arguments])
    assert found.exit_code == 0, found.output
    return found.output


def _as_json(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(_runs("--json", *arguments))
    return found


def _fail(shop: Shop, *, times: int) -> None:
    """Starts that fail before there is a plan."""
    products = shop.dimensions / "products.csv"
    sound = products.read_text()
    products.write_text(sound + "p9,Toys\n")
    for _ in range(times):
        with pytest.raises(InputError):
            run()
    products.write_text(sound)


def test_a_start_that_failed_is_no_run(shop: Shop) -> None:
    first = run()
    _fail(shop, times=7)
    said = _runs()
    listed, apart = said.split("7 starts failed before anything was planned, and began nothing:")
    assert first.run_id in listed
    assert "failed" not in listed
    assert apart.count("products.csv: row") == 5
    assert "and 2 earlier ones" in apart
    assert [each.run_id for each in [first]] == [
        each["run_id"] for each in _as_json() if each["is_planned"]
    ]
    assert len(_as_json("-n", "1")) == 8
    assert "1 start failed" not in _runs("-n", "0")


def test_a_run_under_way_says_when_it_was_planned(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_STATE", str(tmp_path / "state"))
    manifest = plan_local(shop, tmp_path)
    (told,) = _as_json()
    assert (told["state"], told["is_planned"]) == ("unfinished", True)
    assert told["planned_at"][:19] == f"{manifest.created_at:%Y-%m-%dT%H:%M:%S}"


def test_who_began_nothing_has_no_listing(shop: Shop) -> None:
    _fail(shop, times=1)
    assert "1 start failed before anything was planned, and began nothing:" in _runs()


def test_reports_of_another_state_leave_nothing_where_nobody_meant_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    told = tmp_path / "told.json"
    hook = f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"
    script = tmp_path / "hook.py"
    script.write_text(hook)
    monkeypatch.setenv("SALES_HOOK_COMMAND", f"{sys.executable} {script}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    with pytest.raises(ConfigError, match="are of the state"):
        run()
    refused = CliRunner().invoke(cli, ["run", "--quiet"])
    assert isinstance(refused.exception, ConfigError)
    assert list(elsewhere.iterdir()) == []
    said = json.loads(told.read_text())
    assert said["event"] == "failed"
    assert "are of the state" in said["reason"]


def test_a_report_that_was_removed_says_so(shop: Shop) -> None:
    older, newest = run(), run()
    assert CliRunner().invoke(cli, ["gc", "--keep-reports", "1"]).exit_code == 0
    by_id = {each["run_id"]: each["report_removed_at"] for each in _as_json()}
    assert by_id[newest.run_id] is None
    assert by_id[older.run_id]
    assert [_removed_in(_runs(), each) for each in (older, newest)] == [True, False]


def _removed_in(said: str, of: Run) -> bool:
    (line,) = [each for each in said.splitlines() if of.run_id in each]
    return "published, report removed" in line


def test_reports_that_cannot_be_looked_at_hide_no_history(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = run(), run()
    monkeypatch.setenv("SALES_REPORTS", "s3://nowhere/reports")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://no.such.host.invalid")
    said = _runs()
    assert all(each.run_id in said for each in found)
    assert said.count("Whether reports were removed is not known") == 1
