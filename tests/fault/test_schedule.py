"""The schedule: two beats, none, and the reconciler that makes up for what was missed."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline_core.ledger import slots
from pipeline_core.running.schedule import last_slot, name_of
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.support.fleet import ARCHIVES, Fleet
from tests.support.processes import eventually, sales_pipeline

EVERY_MINUTE = "* * * * *"


def _hook(ships: Fleet) -> Path:
    """A hook that keeps what it is told, unless there is a file ``deaf``; returns its notes."""
    told, hook = ships.folder / "told.jsonl", ships.folder / "hook.py"
    hook.write_text(
        f"import os, sys; os.path.exists({str(ships.folder / 'deaf')!r}) and sys.exit('deaf');"
        f"open({str(told)!r}, 'a').write(sys.stdin.read().strip() + '\\n')"
    )
    ships.env["SALES_HOOK_COMMAND"] = f"{sys.executable} {hook}"
    return told


def _events(told: Path) -> list[str]:
    lines = told.read_text().splitlines() if told.exists() else []
    return [json.loads(line)["event"] for line in lines]


def _looked(ships: Fleet) -> int:
    """How often beat's look was taken to its end."""
    return len(re.findall(r"workers\.reconcile\[[^]]+\] succeeded", ships.logs()))


def _hourly(ships: Fleet, minutes_ago: int) -> str:
    """A schedule whose newest time is so long ago, in force since yesterday; returns its slot."""
    due = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    ships.env["SALES_SCHEDULE"] = f"{due.minute} {due.hour} * * *"
    settings = load_settings({"schedule": ships.env["SALES_SCHEDULE"], "timezone": "UTC"})
    state = open_storage(ships.env["SALES_STATE"])
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    slots.schedule_since(state, name_of(settings), yesterday)
    slot = last_slot(settings.schedule, "UTC", datetime.now(UTC))
    return slot.name


def test_two_beats_start_one_run_a_slot(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.env["SALES_SCHEDULE"] = EVERY_MINUTE
    ships.worker()
    logs = [ships.folder / f"{name}.log" for name in ("one", "two")]
    for log in logs:
        # It looks at its clock once a second at least.
        ships.start("beat", f"--schedule={log.with_suffix('')}", "--max-interval=1", log=log)
    for log in logs:
        eventually(lambda log=log: b"Starting" in log.read_bytes(), "a beat")  # type: ignore[misc]
    now = datetime.now(UTC)
    ships.plan_fault("clock", str(57 - now.second))  # a few seconds to the minute
    slot_files = Path(ships.env["SALES_STATE"]) / "slots"
    eventually(lambda: ships.csvs() == expected, "a publication", 100)
    eventually(
        lambda: (
            len([line for line in ships.logs().splitlines() if "Sending due task daily" in line])
            >= 2
        ),
        "two messages for one slot",
        100,
    )
    taken = re.compile(r"workers\.start_run\[[^]]+\] succeeded")
    eventually(lambda: len(taken.findall(ships.logs())) >= 2, "both, taken")
    eventually(lambda: ships.ledger().outcome(), "the end")
    assert len(ships.run_ids()) == len(list(slot_files.glob("*.json")))
    assert sorted(ships.published()) == sorted(ships.run_ids())


def test_a_run_that_is_asked_for_without_a_slot_waits_for_its_turn(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    ships.worker()
    ships.plan_fault(ARCHIVES[0], "pause")
    first = ships.run_in_background()
    ships.reached(ARCHIVES[0])
    ships.send("workers.start_run")
    eventually(lambda: ships.log_lines("run_waits"), "the second run, waiting")
    ships.lift_fault(ARCHIVES[0])
    _, err = first.communicate(timeout=60)
    assert first.returncode == 0, err
    eventually(lambda: len(ships.published()) == 2, "the second run")
    assert ships.csvs() == expected


def test_a_missed_slot_is_made_up_for_once(ships: Fleet, expected: dict[str, bytes]) -> None:
    slot, told = _hourly(ships, 5), _hook(ships)
    ships.worker()
    ships.send("workers.reconcile")
    ships.send("workers.reconcile")
    eventually(ships.run_ids, "the run")
    assert ships.until_ended() == "published"
    ships.send("workers.reconcile")
    ships.send("workers.start_run", slot=slot)  # beat is back, and sends it late
    eventually(lambda: len(ships.log_lines("slot_missed")) >= 1, "the log line")
    assert ships.csvs() == expected
    assert ships.published() == ships.run_ids()
    state = open_storage(ships.env["SALES_STATE"])
    assert slots.run_of(state, slot) == ships.run_ids()[0]
    assert slots.slot_of(state, ships.run_ids()[0]) == slot
    assert len(ships.run_ids()) == 1
    assert "late" not in _events(told), "it has two hours"


def test_beats_look_recovers_a_run_and_tells_how_it_ended(
    ships: Fleet, expected: dict[str, bytes]
) -> None:
    """With nobody there to say `recover`."""
    told = _hook(ships)
    (ships.folder / "deaf").touch()
    ships.worker()
    ships.plan_fault("messages", "kill at 4")
    ships.send("workers.start_run", slot=ships.slot())

    def look() -> bool:
        ships.send("workers.reconcile")
        return bool(ships.run_ids()) and ships.ledger().outcome() is not None

    eventually(look, "the end of the run")
    assert ships.csvs() == expected
    assert len(ships.ledger().dispatches()) >= 2
    eventually(lambda: ships.log_lines("command_not_told"), "the deaf hook")
    assert not ships.ledger().is_notified()
    (ships.folder / "deaf").unlink()
    ships.send("workers.reconcile")
    eventually(lambda: ships.ledger().is_notified(), "the mark")
    before = _looked(ships)
    ships.send("workers.reconcile")
    eventually(lambda: _looked(ships) > before, "one more look")
    assert _events(told) == ["recovered"]


def test_times_before_the_schedule_are_not_missed(ships: Fleet) -> None:
    due = datetime.now(UTC) - timedelta(minutes=5)
    ships.env["SALES_SCHEDULE"] = f"{due.minute} {due.hour} * * *"
    ships.worker()
    ships.send("workers.reconcile")
    log = ships.folder / "worker-0.log"
    eventually(lambda: b"workers.reconcile" in log.read_bytes(), "the look")
    eventually(lambda: b"succeeded" in log.read_bytes(), "its end")
    assert ships.run_ids() == []


def test_an_end_that_nobody_heard_of_is_told_after_the_next_run(
    ships: Fleet, tmp_path: Path
) -> None:
    told, hook = tmp_path / "told.jsonl", tmp_path / "hook.py"
    ships.env.update(SALES_HOOK_COMMAND=f"python3 {hook}", SALES_NOTIFY_ON="failed,published")
    nothing = {"SALES_DIMENSIONS": str(tmp_path / "none"), "SALES_ENGINE": "local"}
    assert sales_pipeline("run", "--quiet", env=ships.env | nothing).returncode == 2
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read().strip() + '\\n')")
    local = ships.env | {"SALES_ENGINE": "local"}
    assert sales_pipeline("run", "--quiet", env=local).returncode == 0
    ships.worker()
    ships.send("workers.reconcile")
    eventually(lambda: b"succeeded" in (ships.folder / "worker-0.log").read_bytes(), "the look")
    events = [json.loads(line)["event"] for line in told.read_text().splitlines()]
    assert events == ["published", "failed"]


def test_a_late_run_is_told_once(ships: Fleet) -> None:
    slot, told = _hourly(ships, 30), _hook(ships)
    ships.env.update(SALES_CATCH_UP="60", SALES_LATE_AFTER="60")
    (ships.folder / "deaf").touch()
    ships.worker()
    ships.send("workers.reconcile")
    eventually(lambda: _looked(ships) == 1, "the first look")
    (ships.folder / "deaf").unlink()
    ships.send("workers.reconcile")
    eventually(lambda: _looked(ships) == 2, "the second look")
    ships.send("workers.reconcile")
    eventually(lambda: _looked(ships) == 3, "the third look")
    assert _events(told) == ["late"], "told again only until it was heard"
    assert json.loads(told.read_text())["slot"] == slot
    assert ships.run_ids() == [], "it is too late to start"
