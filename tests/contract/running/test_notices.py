"""What a shop's hooks are told of a run that ended: why, and nothing of runs of times past."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from jsonschema import Draft202012Validator

from console.drive import finish, new_run
from console.reference import schema
from pipeline_core import pipeline
from pipeline_core.errors import ConfigError
from pipeline_core.ledger import RunLedger, slots
from pipeline_core.messages import Dispatch, Outcome, to_json
from pipeline_core.messages.notification import Telling
from pipeline_core.notify.hooks import Hooks, parse_events
from pipeline_core.running.notifications import notify_of_outcome
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.archives import archive_zip, day_zip, part, purchase, write_shop
from tests.support.run import (
    plan_local,
    process_local,
    publish_local,
    run_local,
    sales,
    shop_of,
    week,
)

VIEW = {"event_type": "view"}
SCHEMA = Draft202012Validator(json.loads(schema("notification")))
EVENTS = parse_events("published,failed,refused,incomplete,recovered,late")


def heard(folder: Path, outcome: Outcome) -> dict[str, Any]:
    """What the hooks hear of a run; nothing if they are not told."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    notify_of_outcome(ledger_of(folder, outcome), Hooks(None, f"tee {told}", EVENTS))
    if not told.exists():
        return {}
    found = dict(json.loads(told.read_text()))
    SCHEMA.validate(found)
    return found


def ledger_of(folder: Path, outcome: Outcome) -> RunLedger:
    return RunLedger(open_storage(str(folder / "state")), outcome.run_id)


def hook(folder: Path, before: str) -> Hooks:
    """Runs ``before`` with what it is told in ``$told``, then keeps that."""
    script = f'read told; {before}; echo "$told" >> {folder}/lines'
    return Hooks(None, shlex.join(["sh", "-c", script]), EVENTS)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "lines").read_text().splitlines()]


def recovered_run(folder: Path) -> Outcome:
    """One of three archives, of which two were sent twice."""
    archives = {f"week{each}.zip": week(sales(each)) for each in (1, 2, 3)}
    manifest = plan_local(write_shop(folder / "shop", archives), folder)
    ledger = RunLedger(open_storage(str(folder / "state")), manifest.run_id)
    every = manifest.planned_work()
    for number, work in ((1, every), (2, every[:1]), (3, every[:2])):
        sent = Dispatch(
            number=number,
            sent_at=datetime.now(UTC),
            sent_by="here:1",
            work=work,
            why="" if number == 1 else "a worker died",
        )
        ledger.create_dispatch(sent)
    process_local(folder, manifest)
    return publish_local(folder, manifest)


def test_two_who_look_at_once_tell_it_once(tmp_path: Path) -> None:
    outcome = run_local(shop_of(tmp_path, sales(1)), tmp_path)
    slow = hook(tmp_path, "sleep 1")
    with ThreadPoolExecutor() as threads:
        for _ in range(2):
            threads.submit(notify_of_outcome, ledger_of(tmp_path, outcome), slow)
    assert [each["event"] for each in lines(tmp_path)] == ["published"]
    assert ledger_of(tmp_path, outcome).is_notified()


def test_who_died_while_telling_is_not_waited_for_long(tmp_path: Path) -> None:
    outcome = run_local(shop_of(tmp_path, sales(1)), tmp_path)
    ledger, quick = ledger_of(tmp_path, outcome), hook(tmp_path, "true")
    place = f"runs/{ledger.run_id}/telling.json"
    now = datetime.now(UTC)
    ledger.state.write(place, to_json(Telling(owner="a:1", expires_at=now + timedelta(hours=1))))
    notify_of_outcome(ledger, quick)
    assert not ledger.is_notified()
    ledger.state.write(place, to_json(Telling(owner="a:1", expires_at=now - timedelta(hours=1))))
    notify_of_outcome(ledger, quick)
    assert ledger.is_notified()
    assert len(lines(tmp_path)) == 1


def test_one_recovery_is_told_with_its_archives(tmp_path: Path) -> None:
    outcome = recovered_run(tmp_path)
    notify_of_outcome(ledger_of(tmp_path, outcome), hook(tmp_path, "true"))
    published, recovered = lines(tmp_path)
    assert (published["event"], recovered["event"]) == ("published", "recovered")
    names = recovered["archives"]
    assert recovered["archives_total"] == len(names) == 2
    assert recovered["reason"] == (
        f"It had stopped (a worker died), and was taken up again: {', '.join(names)}."
    )
    assert recovered["figures"]["units_sold"] == 6
    assert recovered["report"] == published["report"]
    assert published["archives"] == []


def test_what_was_heard_is_not_told_again_with_what_was_not(tmp_path: Path) -> None:
    outcome = recovered_run(tmp_path)
    deaf = 'case "$told" in *\'"recovered"\'*) exit 1;; esac'
    for each in (deaf, deaf, "true", "true"):
        notify_of_outcome(ledger_of(tmp_path, outcome), hook(tmp_path, each))
    assert [each["event"] for each in lines(tmp_path)] == ["published", "recovered"]


def test_the_time_on_the_schedule_is_told(tmp_path: Path) -> None:
    outcome = run_local(shop_of(tmp_path, sales(1)), tmp_path)
    slots.note_run(open_storage(str(tmp_path / "state")), "20240301T0300", outcome.run_id)
    told = heard(tmp_path, outcome)
    assert told["slot"] == "20240301T0300"
    assert f"run {outcome.run_id}, scheduled for 2024-03-01 03:00: published." in told["text"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "No space left on device", "/a"), "No space left on device: /a."),
        (KeyError("x"), "The program stopped at an error of its own: KeyError('x')."),
    ],
    ids=["of the system", "of our own"],
)
def test_a_cause_is_a_sentence(tmp_path: Path, error: Exception, reason: str) -> None:
    manifest = plan_local(shop_of(tmp_path, sales(1)), tmp_path)
    with structlog.testing.capture_logs() as logs:
        failed = pipeline.fail(str(tmp_path / "state"), manifest.run_id, error)
    assert failed is not None
    (ended,) = (line for line in logs if line["event"] == "run_ended")
    assert (ended["state"], ended["status"]) == ("failed", None), "nothing was judged"
    assert heard(tmp_path, failed)["reason"] == reason


def test_what_is_left_out_is_told_as_numbers(tmp_path: Path) -> None:
    shop = shop_of(tmp_path, part([purchase(), purchase("nobody", quantity=3)]))
    figures = heard(tmp_path, run_local(shop, tmp_path))["figures"]
    assert (figures["left_out_purchases"], figures["left_out_revenue"]) == (1, "0.30")
    assert figures["left_out_unknown_revenue"] == 0


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
