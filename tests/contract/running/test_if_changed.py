"""A run that is made only if something is new."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from console.command import cli
from console.display.json_output import NothingNew
from pipeline_core.errors import InputError
from pipeline_core.frames import Run, run
from pipeline_core.ledger import RunLedger, open_state, run_ids, slots
from pipeline_core.ledger.attempts import Worker
from pipeline_core.price_history.price_lists import newest_prices
from pipeline_core.running.if_changed import fresh_at
from pipeline_core.running.looks import last_look
from pipeline_core.running.schedule import slot_of_now
from pipeline_core.settings import load_settings
from tests.support.archives import Shop, archive_zip, day_zip, part, purchase, write_shop
from workers.start_run import claim_slot, plan_and_send

_Change = Callable[[Shop, pytest.MonkeyPatch], None]


def week(number: int, quantity: int = 1) -> bytes:
    events = [purchase(quantity=quantity, week=number), purchase("ghost")]
    return archive_zip({f"events_2024-03-0{number}.zip": day_zip({"p.json": part(events)})})


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two weeks, and settings for whoever reads them."""
    found = write_shop(tmp_path / "shop", {"w1.zip": week(1), "w2.zip": week(2)})
    for name, value in {
        "DATA": found.data,
        "DIMENSIONS": found.dimensions,
        "REPORTS": tmp_path / "reports",
        "STATE": tmp_path / "state",
        "JOBS": 1,
    }.items():
        monkeypatch.setenv(f"SALES_{name}", str(value))
    return found


def again() -> Run:
    """A run, if anything is new."""
    return run(if_changed=True)


def command(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["run", "--if-changed", *arguments])


def kept(folder: Path) -> dict[str, bytes]:
    """Every file of state and reports, but for the record of looking."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "unchanged.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_nothing_is_made_while_nothing_is_new(shop: Shop, tmp_path: Path) -> None:
    first = run()
    state, reports = kept(tmp_path / "state"), kept(tmp_path / "reports")
    assert again() == first
    assert again().run_id == first.run_id
    assert (kept(tmp_path / "state"), kept(tmp_path / "reports")) == (state, reports)
    look = last_look(open_state(str(tmp_path / "state")))
    assert look is not None
    assert look.run_id == first.run_id
    assert timedelta() < datetime.now(UTC) - look.at < timedelta(minutes=1)


def _rows(name: str, old: str, new: str) -> _Change:
    def change(shop: Shop, _: pytest.MonkeyPatch) -> None:
        table = shop.dimensions / name
        table.write_text(table.read_text().replace(old, new))

    return change


def _set(name: str, value: str) -> _Change:
    return lambda _, patch: patch.setenv(f"SALES_{name}", value)


def _in_data(change: Callable[[Path], object]) -> _Change:
    def changed(shop: Shop, _: pytest.MonkeyPatch) -> None:
        change(shop.data)

    return changed


def _in_report(name: str, change: Callable[[Path], object]) -> _Change:
    """``name`` in the folder of the newest report."""
    return _in_data(lambda data: change(data.parents[1] / "reports" / "latest" / name))


def _emptied(file: Path) -> None:
    file.write_bytes(b"")


_NEW: dict[str, _Change] = {
    "an archive": _in_data(lambda data: (data / "w3.zip").write_bytes(week(3))),
    "other bytes": _in_data(lambda data: (data / "w2.zip").write_bytes(week(2, 5))),
    "an archive less": _in_data(lambda data: (data / "w2.zip").unlink()),
    "another name": _in_data(lambda data: (data / "w2.zip").rename(data / "w9.zip")),
    "a file that is none": _in_data(lambda data: (data / "a.txt").touch()),
    "a copy": _in_data(lambda data: shutil.copy(data / "w1.zip", data / "x.zip")),
    "a segment": _rows("customers.csv", "Retail", "VIP"),
    "a customer": _rows("customers.csv", '"c1"', '"c2","2020-01-01","VIP"\n"c1"'),
    "a price": _rows("products.csv", "0.10", "0.20"),
    "unknown": _set("UNKNOWN", "bucket"),
    "returns": _set("RETURNS", "net"),
    "the shop's name": _set("SHOP", "Gift Shop"),
    "closed days": _set("CLOSED_DAYS", "sun"),
    "a limit": _set("MAX_PART_BYTES", "100000"),
    "texts for spreadsheets": _set("SPREADSHEET_SAFE", "true"),
    "a price history": _set("PRICE_HISTORY", "keep"),
    "where reports are": _set("REPORTS", "elsewhere"),
    "a report that is gone": _in_data(lambda data: shutil.rmtree(data.parents[1] / "reports")),
    "a report of no rows": _in_report("sales_report.csv", _emptied),
    "a page that is gone": _in_report("index.html", Path.unlink),
    "a category that is cut off": _in_report("by_category/Office.csv", _emptied),
    "a summary of nothing": _in_report("summary.json", _emptied),
    "no latest": _in_data(lambda data: (data.parents[1] / "reports" / "latest").unlink()),
}


@pytest.mark.parametrize("what", _NEW)
def test_a_run_is_made_for_whatever_changes_its_files(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    first = run()
    _NEW[what](shop, monkeypatch)
    second = again()
    assert second.run_id > first.run_id
    assert again() == second


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_SIZE", "3"),
        ("ALLOW_DRIFT", "true"),
        ("ALLOW_INCOMPLETE", "true"),
        ("MAX_REVENUE_CHANGE", "0.5"),
        ("KEEP_RUNS", "3"),
        ("LEASE", "30"),
    ],
)
def test_no_run_is_made_for_what_changes_no_file(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    first = run()
    monkeypatch.setenv(f"SALES_{name}", value)
    assert again() == first


def test_rules_of_another_version_are_new(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setattr("pipeline_core.reuse.memory.RULES_VERSION", 999)
    second = again()
    assert second.run_id > first.run_id
    assert again() == second


def test_a_history_of_prices_is_new_when_a_price_is_or_a_person_corrected_it(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALES_PRICE_HISTORY", "keep")
    first = run()
    before = kept(tmp_path / "state")
    assert again() == first
    assert kept(tmp_path / "state") == before
    _rows("products.csv", "0.10", "0.30")(shop, monkeypatch)
    second = again()
    assert second.run_id > first.run_id
    assert again() == second
    corrected = tmp_path / "corrected.csv"
    loaded = CliRunner().invoke(cli, ["prices", "--csv", "-"])
    corrected.write_text(loaded.output.replace("0.10", "0.15"))
    assert CliRunner().invoke(cli, ["prices", "--load", str(corrected)]).exit_code == 0
    assert (found := newest_prices(open_state(str(tmp_path / "state")))) is not None
    assert found.number == 3
    assert again().run_id > second.run_id


def test_what_a_run_that_was_not_published_read_is_new_still(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    (shop.data / "w3.zip").write_bytes(b"no zip")
    for _ in range(2):  # refused each time: nobody may take it for looked at
        refused = command("--quiet")
        assert refused.exit_code == 1, refused.output
    (shop.data / "w3.zip").unlink()
    _rows("products.csv", "0.10", "ten")(shop, monkeypatch)
    with pytest.raises(InputError):
        again()
    _rows("products.csv", "ten", "0.10")(shop, monkeypatch)
    assert again() == first
    assert len(run_ids(open_state(str(tmp_path / "state")))) == 4


def test_an_incomplete_report_that_would_come_out_the_same_stands(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.data / "w3.zip").write_bytes(b"no zip")
    (shop.data / "w4.zip").write_bytes(archive_zip({"events_2024-03-04.zip": b"no zip"}))
    first = run(allow_incomplete=True)
    assert first.status == "incomplete"
    found = command()
    assert found.exit_code == 3
    assert f"run {first.run_id}, which is incomplete." in found.output
    told = msgspec.json.decode(command("--json").stdout, type=NothingNew)
    assert (told.run_id, told.status) == (first.run_id, "incomplete")
    (shop.data / "w3.zip").write_bytes(week(3))
    assert command("--allow-incomplete", "--quiet").exit_code == 3
    assert len(run_ids(open_state(str(tmp_path / "state")))) == 2


def test_an_archive_that_ended_its_workers_is_tried_again(shop: Shop, tmp_path: Path) -> None:
    first = run()
    state = open_state(str(tmp_path / "state"))
    ledger = RunLedger(state, first.run_id)
    outcome = ledger.outcome()
    assert outcome is not None
    ledger.write_outcome(msgspec.structs.replace(outcome, status="incomplete"))
    assert command().exit_code == 3
    work = ledger.manifest().planned_work()[0]
    receipt = ledger.receipt(work)
    assert receipt is not None
    ledger.replace_receipt(work, msgspec.structs.replace(receipt, quarantined=True))
    assert again().run_id > first.run_id


def test_the_command_says_since_when_and_nothing_else(shop: Shop, tmp_path: Path) -> None:
    first = run()
    assert first.summary is not None
    since = first.summary.created_at
    found = command()
    assert found.exit_code == 0
    assert found.stdout == (
        f"Nothing new since {since:%Y-%m-%d %H:%M:%S} UTC, run {first.run_id}.\n"
    )
    assert command("--quiet").output == ""
    told = json.loads(command("--json").stdout)
    assert msgspec.convert(told, NothingNew) == NothingNew(
        nothing_new_since=since, run_id=first.run_id, status="complete"
    )


def test_what_contradicts_it_is_refused_and_a_setting_gives_way(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    for arguments in (["--as-of", "2024-03-01"], ["--full"]):
        found = command(*arguments)
        assert found.exit_code == 2
        assert arguments[0] in found.output
    monkeypatch.setenv("SALES_IF_CHANGED", "true")
    assert run() == first
    for number, arguments in enumerate((["--always"], ["--full"], ["--as-of", "2024-03-01"]), 2):
        found = CliRunner().invoke(cli, ["run", "--quiet", *arguments])
        assert found.exit_code == 0, found.output
        assert len(run_ids(open_state(str(tmp_path / "state")))) == number


def test_what_is_still_to_be_delivered_is(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run()
    workbook = tmp_path / "report.xlsx"
    monkeypatch.setenv("SALES_DELIVER", f"file+xlsx://{workbook}")
    assert command("--quiet").exit_code == 0
    delivered = workbook.stat()
    assert command("--quiet").exit_code == 0
    assert workbook.stat() == delivered


def test_a_look_counts_as_fresh_and_no_earlier_one_does(shop: Shop, tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "state"))
    assert fresh_at(state) is None
    first = run()
    assert first.summary is not None
    assert fresh_at(state) == first.summary.finished_at
    again()
    look = last_look(state)
    assert look is not None
    assert fresh_at(state) == look.at
    (shop.data / "w3.zip").write_bytes(week(3))
    second = again()
    assert second.summary is not None
    assert fresh_at(state) == second.summary.finished_at
    found = CliRunner().invoke(cli, ["doctor", "--fresh", "1h"])
    assert "nothing was new" not in found.output
    again()
    assert "nothing was new" in CliRunner().invoke(cli, ["doctor", "--fresh", "1h"]).output


def test_a_slot_for_which_nothing_is_new_is_that_of_the_run_that_stands(
    shop: Shop, tmp_path: Path
) -> None:
    first = run()
    schedule = {"schedule": "* * * * *", "timezone": "UTC"}
    settings = load_settings({"if_changed": True, **schedule})
    slot = slot_of_now(settings.schedule, settings.timezone)
    state = open_state(settings.state)
    for _ in range(2):  # a message may come twice
        run_id = claim_slot(settings, slot, scheduled=True)
        worker = Worker(f"me:{os.getpid()}")
        assert plan_and_send(settings, RunLedger(state, run_id), worker, slot) == first.run_id
        assert slots.run_of(state, slot) == first.run_id
    assert run_ids(state) == [first.run_id]
    assert not RunLedger(state, first.run_id).dispatches()
    assert slots.slot_of(state, first.run_id) is None  # nobody scheduled it
    assert [path.name for path in (tmp_path / "state" / "slots").rglob("*.json")] == [
        f"{slot}.json"
    ]


def test_a_plan_says_in_a_line_that_nothing_is_new(shop: Shop) -> None:
    run()
    told = CliRunner().invoke(cli, ["plan"]).stdout
    assert told == "Nothing new: 2 archives as the last run found them. --all lists them.\n"
    assert _planned()["nothing_new"] is True
    assert "unchanged" in CliRunner().invoke(cli, ["plan", "--all"]).stdout
    (shop.data / "w3.zip").write_bytes(week(3))
    assert "w3.zip" in CliRunner().invoke(cli, ["plan"]).stdout
    assert _planned()["nothing_new"] is False
    (shop.data / "w3.zip").unlink()
    (shop.data / "w2.zip").unlink()
    assert "vanished" in CliRunner().invoke(cli, ["plan"]).stdout
    assert _planned()["nothing_new"] is False


def _planned() -> dict[str, object]:
    return dict(json.loads(CliRunner().invoke(cli, ["plan", "--json"]).stdout))


def test_a_start_that_failed_does_not_hide_the_run_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    _rows("products.csv", "0.10", "ten")(shop, monkeypatch)
    with pytest.raises(InputError):
        run(full=True)
    shown = CliRunner().invoke(cli, ["show", "--json"])
    assert json.loads(shown.stdout)["run_id"] == first.run_id
    assert "failed before it was planned" in shown.stderr


def test_runs_say_when_of_how_many_archives_and_how_much_was_left_out(shop: Shop) -> None:
    first = run()
    assert first.summary is not None
    [told] = json.loads(CliRunner().invoke(cli, ["runs", "--json"]).stdout)
    assert (told["archives"], told["rejected"]) == (2, first.summary.events.rejected)
    shown = CliRunner().invoke(cli, ["runs"]).stdout
    assert f"{first.summary.created_at:%Y-%m-%d %H:%M}" in shown
