"""What ``runs`` says of runs that have no figures."""

from __future__ import annotations

from pathlib import Path

from console.display.json_output import ListedRun
from console.display.run_history import listed_runs
from console.serving.outlook import last_ended
from pipeline_core import pipeline
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import open_state
from pipeline_core.settings import load_settings
from tests.support.archives import write_shop
from tests.support.run import plan_local, sales, week


def test_a_run_without_figures_has_the_archives_of_its_plan_and_no_status(tmp_path: Path) -> None:
    archives = {"a.zip": week(sales(1)), "b.zip": week(sales(2)), "c.zip": week(sales(1))}
    manifest = plan_local(write_shop(tmp_path / "shop", archives), tmp_path)
    state = str(tmp_path / "state")
    settings = load_settings({"state": state, "reports": str(tmp_path / "reports")})

    def listed() -> ListedRun:
        [found] = listed_runs(settings, 5)
        return found

    assert (listed().state, listed().archives) == ("unfinished", 2)
    pipeline.fail(state, manifest.run_id, ConfigError("No room.", "Make some."))
    assert (listed().state, listed().status, listed().archives) == ("failed", None, 2)
    ended = last_ended(open_state(state))
    assert ended is not None
    assert (ended.state, ended.status) == ("failed", None)
