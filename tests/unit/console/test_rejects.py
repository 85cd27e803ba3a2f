"""``rejects`` shows what rejects.csv holds, in words where that is nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.command import cli
from pipeline_core.errors import ConfigError, RetryableError
from pipeline_core.messages import Feed
from pipeline_core.pipeline import fail
from tests.support.archives import part, purchase
from tests.support.run import latest, plan_local, process_local, run_local, shop_of

KEYED = Feed(event_id=("id",))
SENT = [purchase(id=1), purchase(id=1), purchase(quantity=0, id=2)]


def rejects(folder: Path, *arguments: str) -> Result:
    places = ["--state", str(folder / "state"), "--reports", str(folder / "reports")]
    return CliRunner().invoke(cli, ["rejects", *places, *arguments])


def listed(folder: Path, *arguments: str) -> list[str]:
    found = json.loads(rejects(folder, "--json", *arguments).stdout)
    return [each["reason"] for each in found]


def test_what_was_sent_twice_is_shown_as_rejects_csv_has_it(tmp_path: Path) -> None:
    run_local(shop_of(tmp_path, part(SENT)), tmp_path, feed=KEYED)
    rows = csv.DictReader(io.StringIO((latest(tmp_path) / "rejects.csv").read_text()))
    reasons = [row["reason"] for row in rows]
    assert reasons == listed(tmp_path) == ["duplicate_event", "invalid_quantity"]
    assert listed(tmp_path, "--reason", "duplicate_event") == ["duplicate_event"]
    assert "duplicate_event" in rejects(tmp_path).stdout


@pytest.mark.parametrize("ended", [False, True])
def test_a_run_that_was_not_published_shows_what_is_known(tmp_path: Path, *, ended: bool) -> None:
    manifest = plan_local(shop_of(tmp_path, part(SENT)), tmp_path, feed=KEYED)
    process_local(tmp_path, manifest)
    if ended:
        error = RetryableError("The disk is full.", "Make room.")
        fail(str(tmp_path / "state"), manifest.run_id, error)
    told = rejects(tmp_path)
    assert told.stderr.startswith("Which events were sent twice is not known yet")
    assert listed(tmp_path) == ["invalid_quantity"]


def test_that_nothing_was_left_out_is_a_sentence(tmp_path: Path) -> None:
    run_local(shop_of(tmp_path, part([purchase()])), tmp_path)
    assert rejects(tmp_path).stdout == "Nothing was left out.\n"
    told = rejects(tmp_path, "--reason", "unknown_product").stdout
    assert told == "Nothing was left out for the reason unknown_product.\n"
    assert listed(tmp_path) == []


def test_what_was_not_read_is_said_to_be_unknown(tmp_path: Path) -> None:
    plan_local(shop_of(tmp_path, part(SENT)), tmp_path)
    told = rejects(tmp_path)
    assert told.stderr.startswith("1 archive was not read by the run: what would be left out of")
    assert told.stdout == "Nothing of what was read was left out.\n"


def test_a_run_that_failed_while_it_was_planned_is_passed_over(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(quantity=0)]))
    outcome = run_local(shop, tmp_path)
    later = "20990101T000000000000Z-000000"
    fail(str(tmp_path / "state"), later, RetryableError("The database is gone.", "Start it."))
    told = rejects(tmp_path)
    assert "invalid_quantity" in told.stdout
    assert (
        told.stderr == f"Run {later} failed before it was planned; this is of {outcome.run_id}.\n"
    )
    with pytest.raises(ConfigError, match=f"Run {later} has nothing to work with: it was not"):
        CliRunner().invoke(
            cli, ["rejects", later, "--state", str(tmp_path / "state")], catch_exceptions=False
        )


@pytest.mark.parametrize("number", ["0", "-1"])
def test_no_events_are_no_number_to_show(tmp_path: Path, number: str) -> None:
    told = rejects(tmp_path, "-n", number)
    assert told.exit_code == 2
    assert f"{number} is not in the range x>=1" in told.stderr


def test_more_than_is_shown_is_told(tmp_path: Path) -> None:
    run_local(shop_of(tmp_path, part([purchase(quantity=0)] * 3)), tmp_path)
    assert rejects(tmp_path, "-n", "2").stderr == "There are more: -n says how many to show.\n"
    assert rejects(tmp_path, "-n", "3").stderr == ""
