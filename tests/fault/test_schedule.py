"""The schedule: two beats, none, and the reconciler that makes up for what was missed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipeline_core.ledger import slots
from pipeline_core.settings import load_settings
from pipeline_core.storage import open_storage
from tests.fault.fleet import Fleet
from tests.processes import eventually, sales_pipeline
from workers.schedule import last_slot, name_of

EVERY_MINUTE = "* * * * *"


def _hourly(ships: Fleet, minutes_ago: int) -> str:
    """A schedule whose newest time is so long ago, in force since yesterday; returns its slot."""
    due = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    ships.env["SALES_SCHEDULE"] = f"{due.minute} {due.hour} * * *"
    settings = load_settings({"schedule": ships.env["SALES_SCHEDULE"], "timezone": "UTC"})
    state = open_storage(ships.env["SALES_STATE"])
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    slots.schedule_since(state, name_of(settings), yesterday)
    slot = last_slot(settings.schedule, "UTC", datetime.now(UTC))
    assert slot is not None
    return slot.name


def test_two_beats_start_one_run_a_slot(ships: Fleet, expected: dict[str, bytes]) -> None:
    ships.env["SALES_SCHEDULE"] = EVERY_MINUTE
    ships.worker()
    for name in ("one", "two"):
        ships.start("beat", f"--schedule={ships.folder / name}", log=ships.folder / f"{name}.log")
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
    eventually(lambda: ships.ledger().outcome(), "the end")
    assert len(ships.run_ids()) == len(list(slot_files.glob("*.json")))
    assert sorted(ships.published()) == sorted(ships.run_ids())


def test_a_missed_slot_is_made_up_for_once(ships: Fleet, expected: dict[str, bytes]) -> None:
    slot = _hourly(ships, 5)
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
    assert slots.run_of(open_storage(ships.env["SALES_STATE"]), slot) == ships.run_ids()[0]
    assert len(ships.run_ids()) == 1


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


def test_a_late_run_is_told_once(ships: Fleet, tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    hook = tmp_path / "hook.py"
    hook.write_text(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read().strip() + '\\n')")
    slot = _hourly(ships, 30)
    ships.env.update(
        SALES_CATCH_UP="60", SALES_LATE_AFTER="60", SALES_HOOK_COMMAND=f"python3 {hook}"
    )
    ships.worker()
    ships.send("workers.reconcile")
    eventually(told.exists, "the hook")
    ships.send("workers.reconcile")
    log = ships.folder / "worker-0.log"
    eventually(lambda: log.read_bytes().count(b"succeeded") >= 2, "both looks")
    (notice,) = [json.loads(line) for line in told.read_text().splitlines()]
    assert notice["event"] == "late"
    assert notice["slot"] == slot
