"""What a shop's hooks are told of a run that ended: why, and nothing of runs of times past."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console.drive import finish, new_run
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger
from pipeline_core.messages import Outcome
from pipeline_core.notify.hooks import Hooks, parse_events
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import run_local, sales, shop_of, week

VIEW = {"event_type": "view"}
EVENTS = parse_events("published,failed,refused,incomplete,recovered,late")


def heard(folder: Path, outcome: Outcome) -> dict[str, Any]:
    """What the hooks hear of a run; nothing if they are not told."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    ledger = RunLedger(open_storage(str(folder / "state")), outcome.run_id)
    notify_of_outcome(ledger, Hooks(None, f"tee {told}", EVENTS))
    return dict(json.loads(told.read_text())) if told.exists() else {}


@pytest.mark.parametrize(
    ("archives", "limits"),
    [
        ({"week.zip": week(part([VIEW]))}, {}),
        ({"week.zip": week(sales(1)), "worse.zip": b"no zip"}, {}),
        ({"week.zip": week(sales(1), b"[oops", b"oops")}, {}),
        ({"week.zip": week(part([purchase(), purchase("nobody")]))}, {"reject_share": 0.1}),
        ({"week.zip": week(part([VIEW]), b"[oops")}, {}),
    ],
    ids=["counts nothing", "an archive", "two parts", "rejects", "a part, and counts nothing"],
)
def test_the_reason_of_an_incomplete_report_is_that_of_its_refusal(
    tmp_path: Path, archives: Mapping[str, bytes], limits: dict[str, float]
) -> None:
    shop = write_shop(tmp_path / "shop", archives)
    refused = run_local(shop, tmp_path, limits=limits, publish_incomplete=False)
    why = heard(tmp_path, refused)["reason"]
    published = run_local(shop, tmp_path, limits=limits)
    told = heard(tmp_path, published)
    assert (told["event"], told["reason"]) == ("incomplete", why)
    assert why
    assert f"incomplete. {why} Revenue" in html.unescape(told["text"])


def test_the_reason_names_what_could_not_be_read(tmp_path: Path) -> None:
    archives = {"week.zip": week(sales(1)), "worse.zip": archive_zip({"2024-03-02.zip": b"no zip"})}
    told = heard(tmp_path, run_local(write_shop(tmp_path / "shop", archives), tmp_path))
    assert told["reason"].startswith(
        "1 of the inputs could not be read, first worse.zip > 2024-03-02.zip: the day is not a zip"
    )
    assert "1 input unreadable." in told["text"]


def test_one_is_one_and_several_are_several(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, sales(1))
    assert (
        "Revenue 0.10, 1 unit, 1 customer; 1 of 1 event counted, 0 rejected."
        in heard(tmp_path, run_local(shop, tmp_path))["text"]
    )
    (shop.data / "week.zip").write_bytes(week(sales(2), sales(3), b"[oops", b"oops"))
    (shop.data / "a.txt").touch()
    assert (
        "5 units, 1 customer; 2 of 2 events counted, 0 rejected, 2 inputs unreadable, "
        "1 file passed over." in heard(tmp_path, run_local(shop, tmp_path))["text"]
    )


def test_a_complete_report_has_no_reason(tmp_path: Path) -> None:
    told = heard(tmp_path, run_local(shop_of(tmp_path, sales(1)), tmp_path))
    assert (told["event"], told["reason"]) == ("published", "")


@pytest.mark.parametrize("allowed", [True, False], ids=["published", "refused"])
def test_nobody_is_told_of_a_report_of_a_time_past(tmp_path: Path, allowed: bool) -> None:
    days = {"2024-03-01.zip": day_zip({"a.json": sales(1)}), "2024-03-02.zip": b"no zip"}
    shop = write_shop(tmp_path / "shop", {"week.zip": week(days=days)})
    past = run_local(shop, tmp_path, publish_incomplete=allowed, as_of=date(2024, 3, 2))
    assert past.state == ("published" if allowed else "refused")
    assert heard(tmp_path, past) == {}
    now = run_local(shop, tmp_path, publish_incomplete=allowed)
    assert heard(tmp_path, now)["run_id"] == now.run_id


@pytest.mark.parametrize("as_of", [None, date(2024, 3, 2)], ids=str)
def test_a_plan_that_fails_is_told_unless_it_is_of_a_time_past(
    tmp_path: Path, as_of: date | None
) -> None:
    told = tmp_path / "told.json"
    settings = load_settings(
        {
            "data": str(tmp_path / "nowhere"),
            "reports": str(tmp_path / "reports"),
            "state": str(tmp_path / "state"),
            "dimensions": str(shop_of(tmp_path).dimensions),
            "hook_command": f"tee {told}",
        }
    )
    with pytest.raises(ConfigError, match="nowhere"):
        new_run(settings, as_of, quiet=True)
    assert told.exists() == (as_of is None)


def test_a_refusal_says_that_a_report_stands_only_if_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings({"state": str(tmp_path / "state")})
    shop = shop_of(tmp_path, part([VIEW]))

    def said_of_a_refusal() -> str:
        refused = run_local(shop, tmp_path, publish_incomplete=False)
        assert finish(settings, refused, as_json=False, quiet=True) == 1
        return capsys.readouterr().err

    assert "No report is published yet. `sales-pipeline inspect`" in said_of_a_refusal()
    run_local(shop, tmp_path)
    assert "The earlier report stands. `sales-pipeline inspect`" in said_of_a_refusal()
