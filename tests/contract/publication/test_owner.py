"""Reports are of one state: a run of another is refused, unless somebody says that it goes on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.command import cli
from pipeline_core.errors import ConfigError
from pipeline_core.frames import run
from pipeline_core.ledger import open_state
from pipeline_core.places.owner import OWNER, adopt_reports, check_owner, own_reports
from pipeline_core.publication.publish import publish
from pipeline_core.publication.rebuild import rebuild
from pipeline_core.running.retention import remove_old_reports
from pipeline_core.storage import Storage, open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop

KEY = "a key of the state"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings but for the state; returns the reports."""
    week = archive_zip({"events_2024-03-01.zip": day_zip({"p.json": part([purchase()])})})
    found = write_shop(tmp_path / "shop", {"w1.zip": week})
    reports = tmp_path / "reports"
    for name, place in {
        "DATA": found.data,
        "DIMENSIONS": found.dimensions,
        "REPORTS": reports,
        "JOBS": 1,
    }.items():
        monkeypatch.setenv(f"SALES_{name}", str(place))
    return reports


def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As the command in another folder, where the default names another state."""
    folder = tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    return folder / "state"


def test_a_run_from_elsewhere_is_refused_with_both_places(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    state = tmp_path / "state"
    assert json.loads((shop / OWNER).read_text())["state"] == str(state)
    other = _elsewhere(tmp_path, monkeypatch)
    with pytest.raises(ConfigError) as refused:
        run()
    for place in (shop, state, other):
        assert str(place) in refused.value.message
    assert "--adopt" in refused.value.remedy
    assert f"SALES_STATE={state}" in refused.value.remedy
    assert (shop / "latest").resolve().name == first.run_id
    assert run(state=state).state == "published"
    found = CliRunner().invoke(cli, ["run", "--quiet"])
    assert isinstance(found.exception, ConfigError)
    verified = CliRunner().invoke(cli, ["verify"])
    assert isinstance(verified.exception, ConfigError)
    assert f"are of the state {state}, and not of {other}" in verified.exception.message
    assert "failed reports" in " ".join(CliRunner().invoke(cli, ["doctor"]).output.split())


def test_who_adopts_them_is_remembered(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run()
    other = _elsewhere(tmp_path, monkeypatch)
    found = CliRunner().invoke(cli, ["run", "--quiet", "--adopt"])
    assert found.exit_code == 0, found.output
    assert json.loads((shop / OWNER).read_text())["state"] == str(other)
    assert run().state == "published"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="are of the state"):
        run()
    with pytest.raises(ConfigError, match="are of the state"):
        rebuild(str(tmp_path / "state"), before.run_id)
    assert rebuild(str(tmp_path / "state"), before.run_id, dry_run=True).state == "as_published"


def test_what_is_given_up_removes_and_shows_nothing_any_more(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = run(), run()
    _elsewhere(tmp_path, monkeypatch)
    assert CliRunner().invoke(cli, ["run", "--quiet", "--adopt"]).exit_code == 0
    before = {path for path in shop.rglob("*") if path.is_file()}
    (shop / "latest").unlink()
    (shop / "latest").symlink_to(f"runs/{first.run_id}")  # as if its clock were behind
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(cli, ["gc", "--keep-reports", "1"])
    assert found.exit_code == 0, found.output
    assert "Removed 0 published reports" in found.stdout
    assert f"The reports in {shop} are of the state {tmp_path / 'elsewhere/state'}" in found.stderr
    publish(str(tmp_path / "state"), second.run_id)
    assert (shop / "latest").resolve().name == first.run_id
    assert {path for path in shop.rglob("*") if path.is_file()} == before
    assert remove_old_reports(open_state(str(tmp_path / "elsewhere/state")), 1).others == ()


def test_reports_without_a_mark_are_adopted_and_told_nobody(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    (shop / OWNER).unlink()
    other = _elsewhere(tmp_path, monkeypatch)
    assert run().state == "published"
    assert json.loads((shop / OWNER).read_text())["state"] == str(other)


def test_a_state_that_was_moved_or_begun_anew_is_known_again(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    moved = tmp_path / "moved"
    (tmp_path / "state").rename(moved)
    run(state=moved)
    assert json.loads((shop / OWNER).read_text())["state"] == str(moved)
    shutil.rmtree(moved)
    assert run(state=moved).state == "published"
    monkeypatch.setenv("SALES_STATE_KEY", KEY)
    assert run(state=moved).state == "published"
    with pytest.raises(ConfigError, match="are of the state"):
        run(state=tmp_path / "third")


def test_it_is_so_in_a_bucket_too(state: Storage, tmp_path: Path) -> None:
    reports, other = (open_storage(f"{state.uri}/{name}") for name in ("reports", "other"))
    check_owner(other, reports)
    own_reports(state, reports)
    own_reports(state, reports)
    check_owner(state, reports)
    with pytest.raises(ConfigError, match="are of the state"):
        own_reports(other, reports)
    check_owner(state, reports)
    adopt_reports(other, reports)
    check_owner(other, reports)
    with pytest.raises(ConfigError, match="are of the state"):
        check_owner(state, reports)
